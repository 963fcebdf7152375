"""Files that are whole or not there, on disks without room and where the writing fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from ferstream.streams.service.atomic_file import whole_file
from tests.support.patience import PROCESS_S


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    whole = tmp_path / "file"
    whole.write_bytes(b"before")
    with pytest.raises(TypeError), whole_file(whole) as file:
        file.writelines([b"half", None])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert whole.read_bytes() == b"before"


def test_a_disk_without_room_is_one_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    whole = tmp_path / "file"
    whole.write_bytes(b"before")
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from ferstream.streams.service.atomic_file import WriteError, whole_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with whole_file(Path(sys.argv[1])) as file: file.write(bytes(100_000))\n"
        "except WriteError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(whole)], capture_output=True, text=True, check=True, timeout=PROCESS_S
    )
    assert said.stdout == f"cannot write {whole}: File too large\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert whole.read_bytes() == b"before"
