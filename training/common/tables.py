"""Figures as a table for a terminal."""

from collections.abc import Iterable
from typing import Any


def as_lines(figures: dict[str, Any], indent: str = "") -> list[str]:
    """One line a figure; a dict within becomes a block of its own. Long lists are left to --json."""
    width = max((len(name) for name, value in figures.items() if not isinstance(value, (dict, list))), default=0)
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += _block(name, value, indent)
        elif not isinstance(value, list):
            lines.append(f"{indent}{name:<{width}}  {_number(value)}")
    return lines


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    names = list(head)
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names), *(f"| {' | '.join(row)} |" for row in rows)]


def _block(name: str, value: dict[str, Any], indent: str) -> list[str]:
    rows = list(value.values())
    if rows and all(isinstance(row, dict) and not any(isinstance(cell, dict) for cell in row.values()) for row in rows):
        columns = list(rows[0])
        head = f"{indent}{name:<14}" + "".join(f"{column:>14}" for column in columns)
        return [
            head,
            *(f"{indent}  {key:<12}" + "".join(f"{_number(row[c]):>14}" for c in columns) for key, row in value.items()),
        ]
    return [f"{indent}{name}", *as_lines(value, indent + "  ")]


def _number(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
