"""Stores by their URLs, as `fer-consumer forget` and `export` are pointed at them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ferstream.consumer.log.append_file import LogError
from ferstream.consumer.log.stored_files import StoredFiles
from ferstream.consumer.records.rows import TABLES, Of
from ferstream.consumer.sinks.postgresql import PostgresqlSink
from ferstream.consumer.sinks.sink import CameraPeriod, SinkError, Store
from ferstream.consumer.sinks.sqlite import SqliteSink


class FileStore:
    """A directory of JSON Lines or Parquet as a Store."""

    def __init__(self, directory: Path, of: Of) -> None:
        try:
            self._files = StoredFiles(directory, of)
        except LogError as error:
            raise SinkError(f"{error}; stop the sink that writes there meanwhile: Redis keeps its results") from error

    def forget(self, period: CameraPeriod) -> int:
        """Delete what is stored about a camera and a time."""
        try:
            return self._files.forget(period.camera_id, period.start, period.end)
        except LogError as error:
            raise SinkError(str(error)) from error

    def read(self, period: CameraPeriod) -> Iterator[dict[str, Any]]:
        """What is stored about a camera and a time."""
        try:
            yield from self._files.read(period.camera_id, period.start, period.end)
        except LogError as error:
            raise SinkError(str(error)) from error

    def close(self) -> None:
        """Free the directory."""
        self._files.close()


def open_store(url: str, of: Of) -> tuple[str, Store]:
    """A store that is there, and its name without a password. `sqlite:FILE`, `jsonl:DIR`, `parquet:DIR` or `postgresql://...`.

    Raises SinkError.
    """
    kind, _, where = url.partition(":")
    if kind in ("postgresql", "postgres"):
        store = PostgresqlSink(url, of, make_tables=False)
        return f"postgresql {store.name}", store
    if kind == "sqlite":
        path = Path(where)
        if not path.is_file():
            raise SinkError(f"there is no SQLite file {path}")
        return f"sqlite {path}", SqliteSink(path, of)
    if kind in ("jsonl", "parquet") and where:
        return f"{kind} {where}", FileStore(Path(where), of)
    raise SinkError("a sink is sqlite:FILE, jsonl:DIR, parquet:DIR or postgresql://user@host/database")


def kinds() -> tuple[Of, ...]:
    """What a store may hold."""
    return tuple(TABLES)
