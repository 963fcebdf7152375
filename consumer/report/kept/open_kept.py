"""A store by its URL, to be read."""

from pathlib import Path

from ferstream.consumer.report.kept.files import Files
from ferstream.consumer.report.kept.kept import Kept
from ferstream.consumer.report.kept.tables import open_postgresql, open_sqlite
from ferstream.consumer.sinks.sink import SinkError


def open_kept(url: str) -> Kept:
    """The store at `sqlite:FILE`, `jsonl:DIR`, `parquet:DIR` or `postgresql://user@host/database`. Raises SinkError."""
    kind, _, where = url.partition(":")
    if kind in ("postgresql", "postgres"):
        return open_postgresql(url)
    if kind == "sqlite" and where:
        return open_sqlite(Path(where))
    if kind in ("jsonl", "parquet") and where:
        return Files(Path(where))
    raise SinkError("a sink is sqlite:FILE, jsonl:DIR, parquet:DIR or postgresql://user@host/database")
