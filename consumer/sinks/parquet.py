"""Records as Parquet by day and camera, readable while it is written: a part a minute, merged when the hour and the day are over.

A record is first a line in a journal, which is what makes it safe; the journal becomes one part for each day and camera. A crash
in between makes the same parts again.
"""

import logging
import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from ferstream.consumer.log.append_file import LogError
from ferstream.consumer.log.merge import merge, remove_merged
from ferstream.consumer.log.record_log import RecordLog, Rotation
from ferstream.consumer.records.rows import TABLES, Of, Record, calendar_time
from ferstream.consumer.sinks.jsonl import FileSink
from ferstream.consumer.sinks.sink import RETENTION_CHECK_S, SinkError

log = logging.getLogger(__name__)

PART_S = 60.0
#: Lines of a journal: what is held in memory, by half, while it becomes parts.
_JOURNAL_BYTES = 16_000_000
_MERGE_CHECK_S = 60.0
#: A day is over for good when late results and the last journal are in.
_AFTER_MIDNIGHT = timedelta(hours=1)
_PART = re.compile(r"(?:results|events|minutes)-(\d{8}T\d{2})\d{10}\.parquet")
_HOUR = re.compile(r"(?:results|events|minutes)-hour-\d{8}T\d{2}\.parquet")
_DAY = re.compile(r"day=(\d{4}-\d\d-\d\d)")


class ParquetSink(FileSink):
    """Writes into one directory, which it locks: `day=2026-11-29/camera=door/results-*.parquet`. Raises SinkError."""

    def __init__(self, directory: Path, of: Of, keep_days: float | None = None, part_s: float = PART_S) -> None:
        self._directory, self._of, self._keep_days = directory, of, keep_days
        self._merged_at = self._checked_at = -RETENTION_CHECK_S
        #: Folders in which something may be to merge: to look into those of all days each minute takes longer every day.
        self._open: set[Path] = set()
        try:
            super().__init__(RecordLog(directory, "parquet", Rotation(_JOURNAL_BYTES, part_s), of, self._place))
            self._open.update(directory.glob("day=*/camera=*"))
            for folder in self._open:
                remove_merged(folder)
        except (LogError, OSError) as error:
            raise SinkError(str(error)) from error

    def maintain(self) -> None:
        """End a journal that is old enough, merge what is over, delete what is too old. Raises SinkError."""
        super().maintain()
        now = time.monotonic()
        try:
            if now - self._merged_at > _MERGE_CHECK_S:
                self._merge(datetime.now(UTC))
                self._merged_at = now
            if self._keep_days is not None and now - self._checked_at > RETENTION_CHECK_S:
                self._delete_old(datetime.now(UTC) - timedelta(days=self._keep_days))
                self._checked_at = now
        except (LogError, OSError) as error:
            raise SinkError(str(error)) from error

    def _place(self, journal: Path, record: Record) -> Path:
        seconds = calendar_time(getattr(record, TABLES[self._of].time))
        day = "unknown" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
        folder = self._directory / f"day={day}" / f"camera={safe_name(record.camera_id)}"
        self._open.add(folder)
        return folder / f"{journal.stem}.parquet"

    def _merge(self, now: datetime) -> None:
        """Parts of an hour that is over into one file, and the hours of a day that is over."""
        for folder in sorted(self._open):
            self._merge_hours(folder, f"{now - timedelta(minutes=2):%Y%m%dT%H}")
            if folder.parent.name < f"day={now - timedelta(days=1) - _AFTER_MIDNIGHT:%Y-%m-%d}~":
                self._merge_day(folder)

    def _merge_hours(self, folder: Path, over: str) -> None:
        hours: dict[str, list[Path]] = {}
        for path in sorted(folder.glob(f"{self._of}-*.parquet")):
            if (part := _PART.fullmatch(path.name)) and part[1] < over:
                hours.setdefault(part[1], []).append(path)
        for hour, parts in hours.items():
            merge(folder / f"{self._of}-hour-{hour}.parquet", parts)

    def _merge_day(self, folder: Path) -> None:
        whole = sorted(path for path in folder.glob(f"{self._of}-hour-*.parquet") if _HOUR.fullmatch(path.name))
        if whole:
            merge(folder / f"{self._of}-day.parquet", whole)
        if not any(_PART.fullmatch(path.name) for path in folder.glob(f"{self._of}-*.parquet")):
            self._open.discard(folder)

    def _delete_old(self, oldest: datetime) -> None:
        for folder in self._directory.glob("day=*"):
            day = _DAY.fullmatch(folder.name)
            if day and day[1] < f"{oldest:%Y-%m-%d}":
                shutil.rmtree(folder)
                log.info("deleted %s: older than the time to keep", folder)


def safe_name(camera_id: str) -> str:
    """A camera's name as that of a folder: short, of plain characters, and different for different cameras."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", camera_id)[:60]
    return plain if plain == camera_id else f"{plain}~{blake2b(camera_id.encode(), digest_size=6).hexdigest()}"
