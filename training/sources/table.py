"""Reads the rows of a CSV file one at a time; broken ones are counted and left out.

A row is a line: no published table has cells of several lines, and so a stray quote costs its own row and no other.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.sample import Account, SourceError

#: Characters of the longest line: the csv module takes no longer field either.
MOST_LINE = 131_072


def rows(
    path: Path, columns: Sequence[str], account: Account, *, may_lack_header: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """Number in the file (its first is 1) and the `columns` of each line after the header; broken lines are counted.

    Bytes that are no UTF-8 become surrogates, as in names of files. A file that may lack its header then holds just the
    columns, in their order. Raises SourceError where it cannot be read or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            lines = _lines(file, as_text(path), account)
            first, header = next(lines, (0, []))
            header = [cell.strip() for cell in header]
            missing = [name for name in columns if name not in header]
            if missing and not (may_lack_header and len(missing) == len(columns) == len(header)):
                raise SourceError(
                    f"{as_text(path)} lacks the columns {', '.join(missing)}: it begins with {as_text(','.join(header))[:60]!r}"
                )
            if missing:
                yield first, dict(zip(columns, header, strict=True))
                header = list(columns)
            for number, cells in lines:
                if len(cells) != len(header):
                    account.complain("row with too few or too many columns", f"{as_text(path)}:{number}")
                else:
                    yield number, {name: cell for name, cell in zip(header, cells, strict=True) if name in columns}
    except OSError as error:
        raise SourceError(f"cannot read {as_text(path)}: {error.strerror}") from error


def header_of(path: Path) -> list[str]:
    """The names of a file's columns, whatever it is. Raises OSError."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        return [cell.strip() for cell in next(_lines(file, "", Account()), (0, []))[1]]


def _lines(file: TextIO, name: str, account: Account) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line that has any."""
    for number, line in enumerate(_bounded(file, name, account), 1):
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error:  # quotes that do not pair: reading goes on with the next line
            account.complain("row that cannot be read", f"{name}:{number}")
            continue
        if cells:
            yield number, cells


def _bounded(file: TextIO, name: str, account: Account) -> Iterator[str]:
    """Lines of the file, empty in place of those that are too long, so that no file fills the memory."""
    number = 0
    while line := file.readline(MOST_LINE):
        number += 1
        whole = line
        while len(whole) == MOST_LINE and not whole.endswith(("\n", "\r")):
            whole = file.readline(MOST_LINE)
        if whole is not line:
            account.complain("row that is too long", f"{name}:{number}")
        yield line if whole is line else "\n"
