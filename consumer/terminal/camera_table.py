"""`fer-consumer cameras`: what producers say of their cameras, as a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from ferstream.consumer.terminal.formatting import printable
from ferstream.streams.frames.camera_status import CameraStatus

_COLOURS = {
    "live": "green",
    "connecting": "yellow",
    "stalled": "yellow",
    "frozen": "yellow",
    "down": "red",
    "ended": "bright_black",
}
_HEADINGS = ("CAMERA", "STATE", "FPS", "SIZE", "LAST FRAME", "RECONNECTS", "WAITING", "PRODUCER", "PROBLEM")


def table(statuses: Sequence[CameraStatus], now: float) -> list[str]:
    """Lines of a table, with its headings first; `now` is on Redis's clock."""
    rows = [_HEADINGS, *(_cells(status, now) for status in statuses)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if number == 0:
            cells = [click.style(cell, bold=True) for cell in cells]
        else:
            cells[1] = click.style(cells[1], fg=_COLOURS.get(row[1]))
        lines.append("  ".join(cells).rstrip())
    return lines


def json_lines(statuses: Sequence[CameraStatus]) -> list[str]:
    """The same as JSON, one camera a line."""
    return [json.dumps(asdict(status), ensure_ascii=False) for status in statuses]


def _cells(status: CameraStatus, now: float) -> tuple[str, ...]:
    return (
        printable(status.camera_id),
        printable(status.state),
        f"{status.frames_per_second:.1f}",
        f"{status.width}x{status.height}" if status.width else "-",
        "-" if status.last_frame_at is None else f"{max(0.0, now - status.last_frame_at):.1f} s ago",
        str(status.reconnects),
        f"{status.waiting_bytes / 1e6:.1f} MB",
        printable(status.producer),
        printable(status.problem),
    )
