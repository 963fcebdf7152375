"""A table on the disk, as CSV or Parquet: there whole or not at all."""

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from ferstream.consumer.log.parquet import require_pyarrow
from ferstream.consumer.records.cells import cell
from ferstream.consumer.records.rows import Column, Row
from ferstream.streams.service.atomic_file import RESULTS, whole_file

TableFormat = Literal["csv", "parquet"]
#: Rows of Parquet that are written at once.
_AT_ONCE = 20_000
_ARROW = {"count": "int64", "small": "int32", "number": "float64", "single": "float32", "text": "string"}


class TableFile:
    """A context: the file has its name once the block has ended well, and where it ended badly it is as it was before.

    Raises WriteError, and FerstreamError where Parquet is asked for and pyarrow is not there.
    """

    def __init__(self, path: Path, columns: Sequence[Column], format_: TableFormat) -> None:
        if format_ == "parquet":
            require_pyarrow()
        self._path, self._columns, self._format = path, columns, format_
        self._stack = ExitStack()
        self._rows: list[Row] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            file = stack.enter_context(whole_file(self._path, RESULTS))
            if self._format == "csv":
                text = io.TextIOWrapper(file, "utf-8", newline="")
                stack.callback(text.detach)  # flushes, and leaves the file open for its own end
                self._csv = csv.writer(text)
                self._csv.writerow([column.name for column in self._columns])
            else:
                self._open_parquet(stack, file)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._flush()
        self._stack.__exit__(kind, error, trace)

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows, whose values are in the order of the columns."""
        if self._format == "csv":
            self._csv.writerows([cell(value) for value in row] for row in rows)
            return
        self._rows += rows
        if len(self._rows) >= _AT_ONCE:
            self._flush()

    def _open_parquet(self, stack: ExitStack, file: Any) -> None:  # noqa: ANN401 - a binary file
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._schema = pa.schema([(column.name, getattr(pa, _ARROW[column.kind])()) for column in self._columns])
        self._parquet = stack.enter_context(pq.ParquetWriter(file, self._schema, compression="zstd"))

    def _flush(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa

        values = [dict(zip(self._schema.names, row, strict=True)) for row in self._rows]
        self._parquet.write_table(pa.Table.from_pylist(values, schema=self._schema))
        self._rows.clear()
