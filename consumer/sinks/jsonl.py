"""Records as lines of JSON, in rotating files that survive kill -9."""

from collections.abc import Sequence

from ferstream.consumer.log.append_file import LogError
from ferstream.consumer.log.record_log import RecordLog
from ferstream.consumer.records.rows import Record
from ferstream.consumer.sinks.sink import SinkError


class FileSink:
    """Makes a sink of a RecordLog: what was written is on the disk."""

    def __init__(self, files: RecordLog) -> None:
        self._files = files

    def write(self, records: Sequence[Record]) -> int:
        """Append the records and make them durable; returns the bytes of their lines. Raises SinkError."""
        before = self._files.bytes_written
        try:
            self._files.write(records)
            self._files.sync()
        except LogError as error:
            raise SinkError(str(error)) from error
        return self._files.bytes_written - before

    def maintain(self) -> None:
        """End a file that is old enough, also where nothing new comes. Raises SinkError."""
        try:
            self._files.sync()
        except LogError as error:
            raise SinkError(str(error)) from error

    def close(self) -> None:
        """End the file. Raises LogError."""
        self._files.close()
