"""Records as Parquet: a journal of JSON lines becomes one file, or one for each day and camera, with the columns of their table.

Those of a result are documented in docs/sinks.md, as those of events and minutes.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ferstream.consumer.log.append_file import LogError
from ferstream.consumer.records.lines import record_of
from ferstream.consumer.records.rows import TABLES, Column, Of, Record, Table
from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.service.atomic_file import RESULTS, WriteError, make_folder, sync_directory, whole_file

log = logging.getLogger(__name__)

Place = Callable[[Path, Record], Path]
"""Where a record of a journal goes: the same file each time, so that a second try after a crash makes the same files."""

_RECORDS = 20_000


def beside_journal(journal: Path, _record: Record) -> Path:
    """All of a journal into one file of its name."""
    return journal.with_suffix(".parquet")


def require_pyarrow() -> None:
    """Raises FerstreamError where pyarrow is missing."""
    try:
        import pyarrow.parquet  # noqa: F401 - a large library that only this format needs
    except ImportError as error:
        raise FerstreamError(f"Parquet needs pyarrow: {how_to_install('parquet')}") from error


def convert(journal: Path, of: Of, place: Place = beside_journal) -> list[Path]:
    """Turn a journal of JSON lines into Parquet files, then remove it; returns the new files.

    Each appears whole or not at all: written under another name, made durable, renamed. Raises LogError.
    """
    import pyarrow as pa

    try:
        tables = _tables(journal, of, place)
        for path, parts in tables.items():
            write_table(path, parts)
        for folder in {path.parent for path in tables}:
            sync_directory(folder)
        journal.unlink()
    except WriteError as error:
        raise LogError(f"{error}; its records are safe in {journal}") from error
    except (OSError, pa.ArrowException) as error:
        raise LogError(f"cannot make Parquet of {journal}: {error}; its records are safe there") from error
    return list(tables)


def arrow_table(table: Table, records: Iterable[Record]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Records as a table of pyarrow."""
    import pyarrow as pa

    schema = arrow_schema(table)
    rows = table.all_rows(list(records))
    columns = zip(*rows, strict=True) if rows else [()] * len(table.columns)
    arrays = [
        pa.array(_values(column, values), type=field.type)
        for column, values, field in zip(table.columns, columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def arrow_schema(table: Table) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The columns of a table as pyarrow has them."""
    import pyarrow as pa

    types = {
        "time": pa.timestamp("us", tz="UTC"),
        "number": pa.float64(),
        "single": pa.float32(),
        "count": pa.uint64(),
        "small": pa.uint32(),
        "text": pa.string(),
        "json": pa.string(),
        "points": pa.list_(pa.list_(pa.float32())),
        "pose": pa.struct([(angle, pa.float32()) for angle in ("yaw", "pitch", "roll")]),
    }
    return pa.schema([(column.name, types[column.kind]) for column in table.columns])


def write_table(path: Path, tables: list[Any]) -> None:
    """One file of several tables, whole or not at all. Raises WriteError, OSError and ArrowException."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    make_folder(path.parent)
    with whole_file(path, RESULTS) as file:
        pq.write_table(pa.concat_tables(tables), file, compression="zstd")


def _tables(journal: Path, of: Of, place: Place) -> dict[Path, list[Any]]:
    """By file, what comes into it: half the size of the journal."""
    tables: dict[Path, list[Any]] = {}
    with journal.open("rb") as lines:
        records = _records(lines, journal, of)
        while some := list(islice(records, _RECORDS)):
            placed: dict[Path, list[Record]] = {}
            for record in some:
                placed.setdefault(place(journal, record), []).append(record)
            for path, group in placed.items():
                tables.setdefault(path, []).append(arrow_table(TABLES[of], group))
    return tables


def _records(lines: Iterable[bytes], journal: Path, of: Of) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        try:
            yield record_of(line, of)
        except ValueError:  # a disk that lies: the other lines are still good
            log.warning("%s line %d holds no %s, leaving it out", journal, number, of.removesuffix("s"))


def _values(column: Column, values: Iterable[Any]) -> list[Any]:
    """Values of a column as pyarrow takes them."""
    if column.kind == "time":
        return [None if value is None else round(value * 1e6) for value in values]
    if column.kind == "pose":
        return [None if value is None else dict(zip(("yaw", "pitch", "roll"), value, strict=True)) for value in values]
    return list(values)
