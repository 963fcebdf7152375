"""Names of the records that the newest files of a directory hold: those that may come again after a crash."""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ferstream.consumer.records.lines import RecordName, name_of, record_of
from ferstream.consumer.records.rows import TABLES, Of
from ferstream.streams.errors import FerstreamError

log = logging.getLogger(__name__)

#: A line of a result with a face has some 700 bytes.
_BYTES_A_LINE = 1000


def newest_names(directory: Path, of: Of, suffix: str, most: int) -> list[RecordName]:
    """Up to `most` of them or a few more, of files of a kind that were last written within a minute of the newest."""
    names: list[RecordName] = []
    read = _of_lines if suffix == ".jsonl" else _of_parquet
    for path in _newest(directory.rglob(f"{of}-*{suffix}"), of):
        if len(names) >= most:
            break
        try:
            names += read(path, of, most)
        except (OSError, FerstreamError) as error:
            log.warning("cannot read %s: what comes again may be written twice: %s", path, error)
    return names[::-1]


def _newest(paths: Iterable[Path], of: Of) -> list[Path]:
    """Files that were merged come last: they are written last, and hold what was acknowledged long ago."""
    written = sorted(((path.stat().st_mtime, path) for path in paths), reverse=True)
    newest = [path for at, path in written if at >= written[0][0] - 60]
    return sorted(newest, key=lambda path: not re.fullmatch(rf"{of}-\d{{8}}T\d{{12}}", path.stem))


def _of_lines(path: Path, of: Of, most: int) -> Iterator[RecordName]:
    """Those of the last lines, newest first."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most * _BYTES_A_LINE))
        for line in reversed(file.readlines()):
            try:
                yield name_of(record_of(line, of))
            except ValueError:  # the first of them begins in its middle
                continue


def _of_parquet(path: Path, of: Of, most: int) -> Iterator[RecordName]:
    """Those of the last rows, newest first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"results": ["camera_id", "sequence", "captured_at"], "events": ["event_id"], "minutes": ["camera_id", "start"]}[of]
    try:
        rows = pq.read_table(path, columns=columns)
    except pa.ArrowException as error:
        raise FerstreamError(str(error)) from error
    rows = rows.slice(max(0, rows.num_rows - most))
    values = [rows[name].cast(pa.int64()) if name == TABLES[of].time else rows[name] for name in columns]
    return zip(*(reversed(column.to_pylist()) for column in values), strict=True)
