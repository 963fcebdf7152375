"""`fer-consumer cameras`: what producers say of their cameras, as a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.terminal.formatting import aligned
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import when

COLOURS = {
    "live": "green",
    "connecting": "yellow",
    "stalled": "yellow",
    "frozen": "yellow",
    "held": "yellow",
    "down": "red",
    "silent": "red",
    "ended": "bright_black",
}
_HEADINGS = ("CAMERA", "STATE", "FPS", "SIZE", "LAST FRAME", "RECONNECTS", "WAITING", "PRODUCER", "PROBLEM")


def table(statuses: Sequence[CameraStatus], now: float) -> list[str]:
    """Lines of a table, with its headings first; `now` is on Redis's clock."""
    return aligned(_HEADINGS, [_cells(status, now) for status in statuses], COLOURS)


def json_lines(statuses: Sequence[CameraStatus], now: float) -> list[str]:
    """The same as JSON, one camera a line."""
    return [json.dumps(asdict(status) | {"silent_since": status.silent_since(now)}, ensure_ascii=False) for status in statuses]


def state_of(status: CameraStatus, now: float) -> str:
    """Its state; silent where its producer says nothing any more."""
    return "silent" if status.silent_since(now) is not None else printable(status.state)


def _cells(status: CameraStatus, now: float) -> tuple[str, ...]:
    silent = status.silent_since(now)
    return (
        printable(status.camera_id),
        state_of(status, now),
        "-" if silent else f"{status.frames_per_second:.1f}",
        f"{status.width}x{status.height}" if status.width else "-",
        "-" if status.last_frame_at is None else f"{max(0.0, now - status.last_frame_at):.1f} s ago",
        str(status.reconnects),
        f"{status.waiting_bytes / 1e6:.1f} MB",
        printable(status.holder),
        f"its producer is silent since {when(silent)}" if silent else printable(status.problem),
    )
