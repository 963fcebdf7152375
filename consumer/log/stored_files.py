"""What the files of a directory hold about a camera and a time: read, and forgotten. Nobody may write there meanwhile."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ferstream.consumer.log.append_file import DirectoryLock, LogError
from ferstream.consumer.log.parquet import require_pyarrow
from ferstream.consumer.records.lines import record_of
from ferstream.consumer.records.rows import TABLES, Column, Of
from ferstream.streams.service.atomic_file import RESULTS, sync_directory, whole_file

StoredRow = dict[str, Any]


class StoredFiles:
    """One kind of records in a directory of JSON Lines or Parquet, which it locks: a sink that writes there must be stopped.

    Raises LogError.
    """

    def __init__(self, directory: Path, of: Of) -> None:
        if not directory.is_dir():
            raise LogError(f"there is no directory {directory}")
        self._directory, self._of, self._time = directory, of, TABLES[of].time
        self._lock = DirectoryLock(directory)

    def read(self, camera_id: str, start: float, end: float) -> Iterator[StoredRow]:
        """Rows of what is stored, in order of time: lines become rows as well, so that a journal and Parquet go together."""
        found = [row for path in self._paths() for row in self._rows(path) if self._is_asked(row, camera_id, start, end)]
        return iter(sorted(found, key=lambda row: float(self._at(row) or 0.0)))

    def forget(self, camera_id: str, start: float, end: float) -> int:
        """Write each file anew without it; returns how many records or rows that were."""
        return sum(self._without(path, camera_id, start, end) for path in self._paths())

    def close(self) -> None:
        """Free the directory."""
        self._lock.close()

    def _paths(self) -> list[Path]:
        suffixes = (".jsonl", ".journal", ".parquet")
        return sorted(path for path in self._directory.rglob(f"{self._of}-*") if path.suffix in suffixes)

    def _rows(self, path: Path) -> Iterator[StoredRow]:
        if path.suffix == ".parquet":
            yield from _parquet(path).to_pylist()
            return
        table = TABLES[self._of]
        with path.open("rb") as lines:
            for line in lines:
                if self._is_record(line):
                    for values in table.rows(record_of(line, self._of)):
                        yield {column.name: _value(column, value) for column, value in zip(table.columns, values, strict=True)}

    def _without(self, path: Path, camera_id: str, start: float, end: float) -> int:
        try:
            gone = self._parquet_without(path, camera_id, start, end) if path.suffix == ".parquet" else 0
            if path.suffix != ".parquet":
                lines = path.read_bytes().splitlines(keepends=True)
                kept = [line for line in lines if not self._is_asked_line(line, camera_id, start, end)]
                gone = len(lines) - len(kept)
                if gone:
                    with _anew(path) as file:
                        file.write(b"".join(kept))
            if gone:
                sync_directory(path.parent)
        except OSError as error:
            raise LogError(f"cannot write {path} anew: {error.strerror}") from error
        return gone

    def _parquet_without(self, path: Path, camera_id: str, start: float, end: float) -> int:
        import pyarrow.parquet as pq

        table = _parquet(path)
        cameras, times = table["camera_id"].to_pylist(), table[self._time].to_pylist()
        keep = [
            not self._is_asked({"camera_id": camera, self._time: at}, camera_id, start, end)
            for camera, at in zip(cameras, times, strict=True)
        ]
        if all(keep):
            return 0
        if any(keep):
            with _anew(path) as file:
                pq.write_table(table.filter(keep), file, compression="zstd")
        else:
            path.unlink()
        return keep.count(False)

    def _is_asked_line(self, line: bytes, camera_id: str, start: float, end: float) -> bool:
        return self._is_record(line) and self._is_asked(json.loads(line), camera_id, start, end)

    def _is_record(self, line: bytes) -> bool:
        try:
            record_of(line, self._of)
        except ValueError:
            return False
        return True

    def _is_asked(self, row: StoredRow, camera_id: str, start: float, end: float) -> bool:
        at = self._at(row)
        return row["camera_id"] == camera_id and at is not None and start <= at < end

    def _at(self, row: StoredRow) -> float | None:
        at = row[self._time]
        return at.timestamp() if isinstance(at, datetime) else at


def _value(column: Column, value: Any) -> Any:  # noqa: ANN401 - a value of any column
    """As Parquet gives it."""
    if value is None or column.kind not in ("time", "pose"):
        return value
    return (
        datetime.fromtimestamp(value, UTC) if column.kind == "time" else dict(zip(("yaw", "pitch", "roll"), value, strict=True))
    )


@contextmanager
def _anew(path: Path) -> Iterator[BinaryIO]:
    """The file written anew, as old as it was: retention counts from then, and which records came last is told by it."""
    before = path.stat()
    with whole_file(path, RESULTS) as file:
        yield file
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _parquet(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    require_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, partitioning=None)
    except pa.ArrowException as error:
        raise LogError(f"cannot read {path}: {error}; move it away") from error
