"""`fer-consumer audit`: who subscribed to what, as a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.subscribe.audit import AuditLine
from ferstream.consumer.terminal.formatting import aligned
from ferstream.streams.frames.status_board import when

_HEADINGS = ("SINCE", "READS", "WHO", "PROGRAM", "GROUP", "CAMERAS")


def audit_table(lines: Sequence[tuple[float, AuditLine]]) -> list[str]:
    """Lines of a table, with its headings first."""
    return aligned(_HEADINGS, [_cells(at, line) for at, line in lines], {})


def audit_json(lines: Sequence[tuple[float, AuditLine]]) -> list[str]:
    """The same as JSON, one subscriber a line."""
    return [json.dumps({"at": at} | asdict(line), ensure_ascii=False) for at, line in lines]


def _cells(at: float, line: AuditLine) -> tuple[str, ...]:
    return (
        when(at),
        printable(line.reads),
        printable(f"{line.user}@{line.host}:{line.pid}"),
        printable(line.program),
        printable(line.group or "-"),
        "all" if line.cameras is None else printable(", ".join(line.cameras)),
    )
