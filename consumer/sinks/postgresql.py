"""Records in PostgreSQL: COPY into a staging table, and from there what is new."""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ferstream.consumer.records.rows import TABLES, Of, Record, Row, cleaned
from ferstream.consumer.sinks.sink import RETENTION_CHECK_S, CameraPeriod, SinkError, SinkUnavailable
from ferstream.streams.errors import how_to_install

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
#: Seconds for a connection, and for what the server says nothing to.
_CONNECT_S, _SILENT_S = 10, 30
#: What a server or libpq says that will not mend by waiting; there is no code with it while a connection is made. Words that
#: stand in passing trouble too, as "too many connections for role", are none of them.
_FOR_GOOD = (
    "authentication failed",
    "does not exist",
    "is not permitted to log in",
    "no pg_hba.conf entry",
    "no password supplied",
    "permission denied for database",
    "invalid port number",
)
_ZERO = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class PostgresqlSink:
    """One table for each kind of records: fer_results, fer_events, fer_minutes. Connects at the first use, and again when needed.

    Who only reads and deletes does not `make_tables`: a database without them is a wrong one then.

    Raises SinkError for a URL that is none.
    """

    def __init__(self, url: str, of: Of, keep_s: float | None = None, *, make_tables: bool = True) -> None:
        self._conninfo, self.name = parse_url(url)
        self._make_tables = make_tables
        self._table, self._keep_s = TABLES[of], keep_s
        self._checked_at = -RETENTION_CHECK_S
        self._connection: psycopg.Connection[Any] | None = None
        self._stored = [_STORED.get(column.kind) for column in self._table.columns]
        target, staging, names = f"fer_{of}", f"fer_staging_{of}", ", ".join(self._table.names)
        self._make_staging = f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} (LIKE {target}) ON COMMIT DELETE ROWS"
        self._copy = f"COPY {staging} ({names}) FROM STDIN"
        self._insert = f"INSERT INTO {target} ({names}) SELECT {names} FROM {staging} ON CONFLICT DO NOTHING"

    def open(self) -> None:
        """Connect, and see to the tables. Raises SinkUnavailable and SinkError."""
        with self._errors():
            self._connected()

    def write(self, records: Sequence[Record]) -> None:
        """All of them in one transaction, or none. Raises SinkUnavailable and SinkError."""
        import psycopg

        rows = [self._row(row) for row in self._table.keyed_rows(records)]
        with self._errors():
            try:
                self._write(rows)
            except psycopg.DataError:  # a zero character, or a number of 64 bits without a sign
                self._write([cleaned(row) for row in rows])

    def forget(self, period: CameraPeriod) -> int:
        """Delete what is stored about a camera and a time; returns how many rows that were."""
        return self._delete(f"camera_id = %s AND {self._within()}", (period.camera_id, *_times(period)))

    def read(self, period: CameraPeriod) -> Iterator[dict[str, Any]]:
        """What is stored about a camera and a time, in order of time."""
        names = self._table.names
        query = f"SELECT {', '.join(names)} FROM fer_{self._table.of} WHERE camera_id = %s AND {self._within()} ORDER BY {self._table.time}"  # noqa: E501
        with self._errors(), self._connected().transaction(), self._connected().cursor(name="fer_export") as cursor:
            cursor.execute(query, (period.camera_id, *_times(period)))
            for row in cursor:
                yield dict(zip(names, row, strict=True))

    def maintain(self) -> None:
        """Delete what is older than it is to be kept."""
        if self._keep_s is not None and time.monotonic() - self._checked_at > RETENTION_CHECK_S:
            self._delete(f"{self._table.time} < %s", (datetime.fromtimestamp(time.time() - self._keep_s, UTC),))
            self._checked_at = time.monotonic()

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _write(self, rows: Sequence[Row]) -> None:
        with self._connected().transaction(), self._connected().cursor() as cursor:
            cursor.execute(self._make_staging)
            with cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(self._insert)

    def _row(self, row: Row) -> Row:
        return tuple(
            value if stored is None or value is None else stored(value) for value, stored in zip(row, self._stored, strict=True)
        )

    def _within(self) -> str:
        return f"{self._table.time} >= %s AND {self._table.time} < %s"

    def _delete(self, where: str, values: tuple[Any, ...]) -> int:
        with self._errors():
            return int(self._connected().execute(f"DELETE FROM fer_{self._table.of} WHERE {where}", values).rowcount)

    def _connected(self) -> "psycopg.Connection[Any]":
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._conninfo,
                autocommit=True,
                connect_timeout=_CONNECT_S,
                tcp_user_timeout=_SILENT_S * 1000,
                application_name="fer-consumer sink",
            )
            try:
                self._check_schema(self._connection)
            except BaseException:
                self.close()
                raise
        return self._connection

    def _check_schema(self, connection: "psycopg.Connection[Any]") -> None:
        import psycopg

        if connection.execute("SELECT to_regclass('fer_schema')").fetchone() == (None,):
            if not self._make_tables:
                raise SinkError(f"PostgreSQL {self.name} has no tables of ferstream: is it another database?")
            try:
                connection.execute(schema())
                log.info("made the tables of ferstream in %s", self.name)
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName) as error:
                raise SinkError(
                    f"PostgreSQL {self.name} has no tables of ferstream, and this user may not create them: let its owner run "
                    "what `fer-consumer sink postgresql --print-schema` prints"
                ) from error
        (version,) = connection.execute("SELECT max(version) FROM fer_schema").fetchone() or (None,)
        if version != SCHEMA_VERSION:
            raise SinkError(
                f"PostgreSQL {self.name} has version {version} of ferstream's tables, this program writes {SCHEMA_VERSION}: "
                "use the ferstream that made them, or another database"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            said = error.diag.message_primary or str(error).strip().partition("\n")[0]
            passing = isinstance(error, psycopg.OperationalError | psycopg.errors.SerializationFailure)
            if error.sqlstate is None and any(word in said for word in _FOR_GOOD):
                passing = False
            if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
                self.close()
            hint = " (run what `fer-consumer sink postgresql --print-schema` prints)" * (error.sqlstate == "42P01")
            raise (SinkUnavailable if passing else SinkError)(f"PostgreSQL {self.name}: {said}{hint}") from None


def schema() -> str:
    """The SQL that makes the tables."""
    return (files("ferstream.consumer.sinks") / "postgresql.sql").read_text("utf-8")


def parse_url(url: str) -> tuple[str, str]:
    """What libpq connects with, and a name without the password. Raises SinkError."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict, make_conninfo
    except ImportError as error:
        raise SinkError(f"sink postgresql needs psycopg: {how_to_install('postgresql')}") from error
    try:
        parts = conninfo_to_dict(url)
        if not url.startswith(("postgresql://", "postgres://")):
            raise psycopg.ProgrammingError
    except psycopg.ProgrammingError:  # its text quotes the URL, and with it a password
        raise SinkError("the URL of PostgreSQL must be like postgresql://user@host:5432/database") from None
    where = parts.get("host") or "localhost"
    return make_conninfo("", **parts), f"{where}/{parts.get('dbname') or parts.get('user') or ''}"


def _times(period: CameraPeriod) -> tuple[datetime, datetime]:
    return datetime.fromtimestamp(period.start, UTC), datetime.fromtimestamp(period.end, UTC)


def _pose(value: Sequence[float]) -> str:
    return json.dumps(dict(zip(("yaw", "pitch", "roll"), value, strict=True)))


def _json(text: str) -> str:
    """JSON without the zero character, which jsonb refuses; a backslash before it may be one of the text."""
    return _ZERO.sub(r"\1\\ufffd", text) if "u0000" in text else text


#: How values of a column are given to PostgreSQL, where not as they are.
_STORED: dict[str, Callable[[Any], Any]] = {
    "time": partial(datetime.fromtimestamp, tz=UTC),
    "points": json.dumps,
    "pose": _pose,
    "json": _json,
}
