"""A directory of rotating files that hold every record of one kind: JSON Lines, or Parquet made from them."""

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from ferstream.consumer.log.append_file import AppendFile, DirectoryLock, cut_torn_tail
from ferstream.consumer.log.newest_names import newest_names
from ferstream.consumer.log.parquet import Place, beside_journal, convert, require_pyarrow
from ferstream.consumer.log.repeats import MOST, Repeats
from ferstream.consumer.records.lines import json_line, name_of
from ferstream.consumer.records.rows import Of, Record
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import PART

log = logging.getLogger(__name__)

FileFormat = Literal["jsonl", "parquet"]

#: Files of ours that are done, or hold lines.
LINES = ".jsonl"
OURS = re.compile(r"(results|events|minutes)-\d{8}T\d{12}\.(jsonl|parquet)")
#: Lines on their way to Parquet. The workers keep results for minutes only: they are made safe here first.
_JOURNAL = ".journal"
#: Retention is looked at this often.
_RETENTION_CHECK_S = 600.0


@dataclass(frozen=True, slots=True)
class Rotation:
    """A file ends at this size or age; one that was last written more than `keep_s` seconds ago is deleted (None: never)."""

    size_bytes: int
    age_s: float
    keep_s: float | None = None


class RecordLog:
    """Writes records of one kind into one directory, which it locks. `write`, then `sync`: then they are safe to acknowledge.

    After a crash the records since the last `sync` come again, and are left out where they are in a file already.
    """

    def __init__(
        self, directory: Path, format_: FileFormat, rotation: Rotation, of: Of = "results", place: Place = beside_journal
    ) -> None:
        if format_ == "parquet":
            require_pyarrow()
        self._directory, self._rotation, self._of, self._place = directory, rotation, of, place
        self._suffix = _JOURNAL if format_ == "parquet" else LINES
        self._file: AppendFile | None = None
        self._opened_at = self._written_at = self._retention_checked_at = 0.0
        self._ended: dict[Path, float] = {}  # files of this run, and when they were last written
        self._repeats = Repeats()
        self.bytes_written = 0
        self._lock = DirectoryLock(directory)
        try:
            self._mend()
            self._delete_old()
        except FerstreamError:
            self._lock.close()
            raise

    def write(self, records: Sequence[Record]) -> None:
        """Append those of the records that are new. Raises LogError."""
        new = self._repeats.new(records)
        if not new:
            return
        if self._file is None:
            self._file, self._opened_at = AppendFile(self._directory, self._of, self._suffix), time.monotonic()
        lines = b"".join(map(json_line, new))
        self._file.append(lines)
        self._repeats.add(map(name_of, new))
        self._written_at = time.monotonic()
        self.bytes_written += len(lines)

    @property
    def full(self) -> bool:
        """Whether the file is large enough to be ended by `sync`."""
        return self._file is not None and self._file.size >= self._rotation.size_bytes

    def sync(self) -> None:
        """Make what was written durable, and end the file where it is large or old enough. Raises LogError."""
        if self._file is not None:
            if self.full or time.monotonic() - self._opened_at >= self._rotation.age_s:
                self._end_file()
            else:
                self._file.sync()
        if time.monotonic() - self._retention_checked_at > _RETENTION_CHECK_S:
            self._delete_old()

    def close(self) -> None:
        """End the file. Raises LogError."""
        try:
            self._end_file()
        finally:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _end_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        file.close()
        for path in convert(file.path, self._of, self._place) if self._suffix == _JOURNAL else [file.path]:
            self._ended[path] = self._written_at

    def _mend(self) -> None:
        """After a crash: remove half-made files, cut off a torn line, finish what was on its way to Parquet.

        What is in the newest files may come again.
        """
        for suffix in (PART, ".tmp"):  # as versions up to 0.2 called them
            for path in self._directory.rglob(f"{self._of}-*{suffix}"):
                path.unlink(missing_ok=True)
        journals = sorted(self._directory.glob(f"{self._of}-*{_JOURNAL}"))
        # The one that was open is not the last by name where the clock was set back.
        lines = sorted(path for path in self._directory.glob(f"{self._of}-*{LINES}") if OURS.fullmatch(path.name))
        for path in [*lines, *journals]:
            if torn := cut_torn_tail(path):
                log.warning(
                    "%s ended in the middle of a record: cut off its last %d bytes, which were not acknowledged", path, torn
                )
        if journals:
            require_pyarrow()
        for path in journals:
            log.info("finished %s", ", ".join(map(str, convert(path, self._of, self._place))))
        self._repeats.add(newest_names(self._directory, self._of, LINES if self._suffix == LINES else ".parquet", MOST))

    def _delete_old(self) -> None:
        self._retention_checked_at = time.monotonic()
        if self._rotation.keep_s is None:
            return
        for path in self._directory.iterdir():
            try:
                if OURS.fullmatch(path.name) and self._age_s(path) > self._rotation.keep_s:
                    path.unlink()
                    self._ended.pop(path, None)
                    log.info("deleted %s: older than the time to keep", path)
            except OSError as error:  # gone meanwhile, or not ours to delete: it is tried again
                log.warning("cannot delete %s, which is older than the time to keep: %s", path, error.strerror)

    def _age_s(self, path: Path) -> float:
        """Seconds since a file was last written. The one that is open is new, however quiet it was: it goes on.

        Of a file of this run they are counted: a wall clock that is put right must not delete what is minutes old.
        """
        if self._file is not None and path == self._file.path:
            return 0.0
        written_at = self._ended.get(path)
        return time.time() - path.stat().st_mtime if written_at is None else time.monotonic() - written_at
