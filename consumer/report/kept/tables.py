"""Records in SQLite and PostgreSQL, read in order of time by a query that needs no room of its own."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ferstream.consumer.records.minute import Minute
from ferstream.consumer.records.rows import TABLES, Of
from ferstream.consumer.report.kept.kept import Asked, FaceRow, TrackEnd, minute_of_row, seen_in
from ferstream.consumer.report.numbers.seen import Seen
from ferstream.consumer.sinks.postgresql import parse_url
from ferstream.consumer.sinks.sink import SinkError
from ferstream.consumer.sinks.sqlite import SCHEMA_VERSION

#: Rows of PostgreSQL that are fetched at a time.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a database writes a query."""

    prefix: str  # of tables
    mark: str  # of a value
    seconds: str  # a column of time as seconds since the epoch
    time: str  # a value of seconds as a time


_SQLITE = _Dialect("", "?", "{}", "?")
_POSTGRESQL = _Dialect("fer_", "%s", "extract(epoch from {})::float8", "to_timestamp(%s)")


class Tables:
    """A Kept of tables; `query` gives the rows of a query with values."""

    def __init__(
        self, name: str, dialect: _Dialect, query: Callable[[str, tuple[Any, ...]], Iterator[Any]], close: Callable[[], None]
    ) -> None:
        self.name, self._dialect, self._query, self.close = name, dialect, query, close

    def frames(self, asked: Asked) -> Iterator[Seen]:
        """Frames of results, in order of time."""
        columns = ("captured_at", "camera_id", "sequence", "emotion", "track")
        yield from seen_in(map(FaceRow._make, self._rows("results", columns, asked)))

    def minutes(self, asked: Asked) -> Iterator[Minute]:
        """Minutes, in order of time."""
        names = TABLES["minutes"].names
        for values in self._rows("minutes", names, asked):
            row = dict(zip(names, values, strict=True))
            yield minute_of_row(row, row["start"])

    def track_ends(self, asked: Asked) -> Iterator[TrackEnd]:
        """Tracks that ended in that time."""
        columns = ("at", "event_id", "camera_id", "duration")
        yield from map(TrackEnd._make, self._rows("events", columns, asked, "kind = 'left'"))

    def _rows(self, of: Of, columns: tuple[str, ...], asked: Asked, more: str = "true") -> Iterator[Any]:
        dialect, table = self._dialect, TABLES[of]
        chosen = ", ".join(dialect.seconds.format(name) if name == table.time else name for name in columns)
        where = f"{table.time} >= {dialect.time} AND {table.time} < {dialect.time} AND {more}"
        if asked.cameras:
            where += f" AND camera_id IN ({', '.join([dialect.mark] * len(asked.cameras))})"
        order = ", ".join(dict.fromkeys((table.time, *table.key)))  # as the primary key has it, where that begins with the time
        sql = f"SELECT {chosen} FROM {dialect.prefix}{of} WHERE {where} ORDER BY {order}"
        return self._query(sql, (asked.start, asked.end, *asked.cameras))


def open_sqlite(path: Path) -> Tables:
    """The tables of a file. Raises SinkError."""
    if not path.is_file():
        raise SinkError(f"there is no SQLite file {path}")
    errors = partial(_sqlite_errors, path)
    with errors():
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    with ExitStack() as stack:
        stack.callback(connection.close)
        with errors():
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            raise SinkError(
                f"{path} is no store of this version of ferstream: its schema version is {version}, not {SCHEMA_VERSION}"
            )
        stack.pop_all()  # it stays open

    def query(sql: str, values: tuple[Any, ...]) -> Iterator[Any]:
        with errors():
            yield from connection.execute(sql, values)

    return Tables(f"sqlite {path}", _SQLITE, query, connection.close)


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SinkError(f"SQLite cannot read {path}: {error}") from error


def open_postgresql(url: str) -> Tables:
    """The tables of a database. Raises SinkError."""
    conninfo, name = parse_url(url)
    import psycopg

    errors = partial(_postgresql_errors, name)
    with errors():
        connection = psycopg.connect(conninfo, connect_timeout=10, application_name="fer-consumer report")
        connection.read_only = True

    def query(sql: str, values: tuple[Any, ...]) -> Iterator[Any]:
        with errors(), connection.transaction(), connection.cursor(name="fer_report") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(sql, values)
            yield from cursor

    return Tables(f"postgresql {name}", _POSTGRESQL, query, connection.close)


@contextmanager
def _postgresql_errors(name: str) -> Iterator[None]:
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).strip().partition("\n")[0]
        raise SinkError(f"PostgreSQL {name} cannot be read: {said}") from None
