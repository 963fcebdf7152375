"""The report over the files of one run of `fer-analyze`, which a program of the consumer writes."""

import json
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.processes import ProgramProcess

_LOOK_S = 0.05


def write_report(folder: Path, names: Sequence[str], stop: threading.Event) -> Path:
    """Write `report.html` over the videos of these names; returns its path.

    Raises FerstreamError where it cannot be written, and KeyboardInterrupt when told to stop.
    """
    with tempfile.TemporaryDirectory(prefix="fer-report-") as temporary:
        list_, log = Path(temporary) / "names.json", Path(temporary) / "report.log"
        list_.write_text(json.dumps(list(names)), "utf-8")
        process = ProgramProcess(
            "report", "consumer", "report-files", "--out", str(folder), "--names", str(list_), collect=True, log=log
        )
        try:
            while process.running():
                if stop.wait(_LOOK_S):
                    raise KeyboardInterrupt
        finally:
            said = process.stop()
        if process.status:
            raise FerstreamError(f"the tables are written, but no report of them: {process.last_words()}")
        return Path(json.loads(said.splitlines()[-1])["report"])
