"""A file of records that nobody would take: JSON Lines, each with the reason, for a person to look at or to send again."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import REGISTRY, CollectorRegistry, Counter

from ferstream.consumer.records.lines import record_map
from ferstream.consumer.records.rows import Record
from ferstream.consumer.sinks.sink import SinkError
from ferstream.streams.service.atomic_file import RESULTS

_encode = msgspec.json.Encoder().encode


class DeadLetters:
    """Appends to one file, which is made where it is missing. What it has is safe on the disk."""

    def __init__(self, path: Path, registry: CollectorRegistry = REGISTRY) -> None:
        """Raises SinkError."""
        self._path = path
        self._count = Counter("fer_sink_dead_letters_total", "Records that a webhook refused for good.", registry=registry)
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, RESULTS)
        except OSError as error:
            raise self._problem(error) from error

    def add(self, records: Sequence[Record], reason: dict[str, Any]) -> None:
        """A line a record, with the reason before it. Raises SinkError, and leaves no torn line then."""
        lines = b"".join(_encode(reason | {"record": record_map(record)}) + b"\n" for record in records)
        try:
            before = os.fstat(self._file).st_size
            if os.write(self._file, lines) < len(lines):
                os.ftruncate(self._file, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(self._file)
        except OSError as error:
            raise self._problem(error) from error
        self._count.inc(len(records))

    def close(self) -> None:
        """Nothing is open after it."""
        os.close(self._file)

    def _problem(self, error: OSError) -> SinkError:
        return SinkError(f"cannot write dead letters to {self._path}: {error.strerror}")
