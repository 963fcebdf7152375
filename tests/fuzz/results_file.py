"""The journal that `fer-consumer log` makes Parquet of: whatever a disk did to its lines, the others are in the table."""

import tempfile
from pathlib import Path

import atheris

from tests.fuzz.codec import examples as entries
from tests.fuzz.driver import fuzz

with atheris.instrument_imports(include=["ferstream.consumer.log", "ferstream.consumer.records"]):
    from ferstream.consumer.log.append_file import LogError, cut_torn_tail
    from ferstream.consumer.log.parquet import convert
    from ferstream.consumer.records.lines import json_line
    from ferstream.streams.errors import DecodeError
    from ferstream.streams.wire.codec import decode_result

FOLDER = Path(tempfile.mkdtemp(prefix="fer-fuzz-"))


def target(data: bytes) -> None:
    journal = FOLDER / "results-20260101T000000000000.journal"
    journal.write_bytes(data)
    try:
        cut_torn_tail(journal)
        for path in convert(journal, "results"):
            path.unlink()
    except LogError:
        return


def examples() -> list[bytes]:
    """Lines as they are written, one of them torn."""
    lines = []
    for entry in entries():
        try:
            lines.append(json_line(decode_result("1-1", {b"r": entry})))
        except DecodeError:
            continue
    return [*lines, b"".join(lines), b"".join(lines)[:-20]]


if __name__ == "__main__":
    fuzz("results_file", target, examples())
