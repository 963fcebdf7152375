"""Records in one SQLite file: for one machine, with nothing to set up."""

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ferstream.consumer.records.rows import TABLES, Column, Of, Record, Row, Table, cleaned
from ferstream.consumer.sinks.sink import RETENTION_CHECK_S, CameraPeriod, SinkError, SinkUnavailable
from ferstream.streams.service.atomic_file import RESULTS

#: Written into the file; one that says otherwise is of another version of ferstream, or no store of its.
SCHEMA_VERSION = 1
_BUSY_S = 5.0
_TYPES = {"time": "REAL", "number": "REAL", "single": "REAL", "count": "INTEGER", "small": "INTEGER"}
#: What passes by itself, or with room on the disk.
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}


class SqliteSink:
    """One table for each kind of records; `keep_s` deletes what is older. Made for one writer, read by any number.

    Raises SinkError where the file cannot be used.
    """

    def __init__(self, path: Path, of: Of, keep_s: float | None = None) -> None:
        self._path, self._table, self._keep_s = path, TABLES[of], keep_s
        self._checked_at = -RETENTION_CHECK_S
        names = ", ".join(self._table.names)
        marks = ", ".join("?" * len(self._table.columns))
        self._insert = f"INSERT INTO {of} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        with self._errors():
            path.touch(RESULTS)
            # A transaction is begun by hand, so that a batch is one.
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        with ExitStack() as stack, self._errors():
            stack.callback(self._connection.close)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._check_schema()
            stack.pop_all()  # it stays open

    def write(self, records: Sequence[Record]) -> None:
        """All of them in one transaction, or none. Raises SinkUnavailable and SinkError."""
        rows = [_stored(self._table, row) for row in self._table.keyed_rows(records)]
        with self._errors():
            try:
                self._write(rows)
            except OverflowError:  # a number of 64 bits without a sign
                self._write([cleaned(row) for row in rows])

    def forget(self, period: CameraPeriod) -> int:
        """Delete what is stored about a camera and a time; returns how many rows that were."""
        time_ = self._table.time
        return self._delete(f"camera_id = ? AND {time_} >= ? AND {time_} < ?", (period.camera_id, period.start, period.end))

    def read(self, period: CameraPeriod) -> Iterator[dict[str, Any]]:
        """What is stored about a camera and a time, in order of time."""
        time_, names = self._table.time, self._table.names
        where = f"SELECT {', '.join(names)} FROM {self._table.of} WHERE camera_id = ? AND {time_} >= ? AND {time_} < ? ORDER BY {time_}"  # noqa: E501
        with self._errors():
            for row in self._connection.execute(where, (period.camera_id, period.start, period.end)):
                yield dict(zip(names, row, strict=True))

    def maintain(self) -> None:
        """Delete what is older than it is to be kept."""
        if self._keep_s is not None and time.monotonic() - self._checked_at > RETENTION_CHECK_S:
            self._delete(f"{self._table.time} < ?", (time.time() - self._keep_s,))
            self._checked_at = time.monotonic()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _write(self, rows: Sequence[Row]) -> None:
        with self._transaction():
            self._connection.executemany(self._insert, rows)

    def _delete(self, where: str, values: tuple[Any, ...]) -> int:
        with self._errors(), self._transaction():
            self._connection.execute("PRAGMA secure_delete = ON")  # nothing of a person stays in free pages
            return self._connection.execute(f"DELETE FROM {self._table.of} WHERE {where}", values).rowcount

    def _check_schema(self) -> None:
        with self._transaction():
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if version not in (0, SCHEMA_VERSION) or (version == 0 and tables):
                raise SinkError(
                    f"{self._path} has schema version {version}, this program writes {SCHEMA_VERSION}: give another --file"
                )
            if version == 0:
                for table in TABLES.values():
                    self._connection.execute(_create(table))
                    self._connection.execute(f"CREATE INDEX {table.of}_time ON {table.of} (camera_id, {table.time})")
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            passing = getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING
            raise (SinkUnavailable if passing else SinkError)(f"SQLite cannot use {self._path}: {error}") from error
        except OSError as error:
            raise SinkError(f"cannot use {self._path}: {error.strerror}") from error


def _create(table: Table) -> str:
    columns = [f"{column.name} {_TYPES.get(column.kind, 'TEXT')}{' NOT NULL' * column.key}" for column in table.columns]
    return f"CREATE TABLE {table.of} ({', '.join(columns)}, PRIMARY KEY ({', '.join(table.key)})) WITHOUT ROWID"


def _stored(table: Table, row: Row) -> Row:
    """A row as SQLite takes it: points and pose as JSON."""
    return tuple(_json(column, value) for column, value in zip(table.columns, row, strict=True))


def _json(column: Column, value: Any) -> Any:  # noqa: ANN401 - a value of any column
    return json.dumps(value) if value is not None and column.kind in ("points", "pose") else value
