"""Results as lines for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.wire.codec import event_map, result_map
from ferstream.streams.wire.messages import Event, Face, Result

COLOURS = {
    "anger": "red",
    "contempt": "magenta",
    "disgust": "green",
    "fear": "bright_magenta",
    "happiness": "bright_yellow",
    "neutral": "white",
    "sadness": "bright_blue",
    "surprise": "bright_cyan",
    "unknown": "bright_black",
}
_BAR = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"


def face_line(delivery: Delivery, face: Face, width: int | None = None) -> str:
    """One face: time, camera, emotion, confidence with a bar, box, track, and the latency from capture to result.

    Where that is longer than `width` columns, the box is left out, then the bar, then the latency.
    """
    colour = COLOURS[face.emotion]
    sure = "    " if face.confidence is None else f"{face.confidence:4.0%}"
    box = ",".join(f"{value:.0f}" for value in face.box)
    parts = {
        "moment": _frame(delivery),
        "emotion": click.style(f"{face.emotion:<9}", fg=colour, bold=True),
        "sure": f"{sure} " + click.style(bar(face.confidence or 0.0), fg=colour),
        "box": f"box {box:<19}",
        "track": "" if face.track is None else f"track {face.track}",
        "latency": click.style(f"{delivery.latency_s:.2f} s", dim=True),
    }
    for least, instead in (("box", ""), ("sure", sure), ("latency", "")):
        if width is None or len(click.unstyle(_joined(parts))) <= width:
            break
        parts[least] = instead
    return _joined(parts)


def empty_line(delivery: Delivery) -> str:
    """One frame without faces."""
    return click.style(f"{_frame(delivery)}  no face  {delivery.latency_s:.2f} s", dim=True)


def event_line(event: Event) -> str:
    """What happened to a track: time, camera, and in words what."""
    return "  ".join([_moment(event.at, event.camera_id), f"track {event.track} {_happened(event)}"])


def json_line(message: Result | Event) -> str:
    """A result or an event as JSON with the names of the wire; each face with its track where faces are followed."""
    named = event_map(message) if isinstance(message, Event) else result_map(message)
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))


def bar(share: float) -> str:
    """A share of 0 to 1 as a bar of ten cells, in eighths of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]], colours: Mapping[str, str], indent: str = "") -> list[str]:
    """Lines of a table; a word that `colours` names is coloured where it stands in the second column."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]

    def line(cells: Sequence[str]) -> list[str]:
        return [*(cell.ljust(width) for cell, width in zip(cells[:-1], widths, strict=False)), cells[-1]]

    lines = [[click.style(cell, bold=True) for cell in line(headings)]]
    for row in rows:
        cells = line(row)
        cells[1] = click.style(cells[1], fg=colours.get(row[1]))
        lines.append(cells)
    return [indent + "  ".join(cells).rstrip() for cells in lines]


def clock_time(seconds: float, form: str = "%H:%M:%S.%f") -> str:
    """Seconds since the epoch as local time; what no calendar holds is shown as the number it is."""
    try:
        return datetime.fromtimestamp(seconds).astimezone().strftime(form)
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g}"


def _frame(delivery: Delivery) -> str:
    return _moment(delivery.result.captured_at, delivery.result.camera_id)


def _moment(at: float, camera_id: str) -> str:
    return f"{clock_time(at)[:12]}  {printable(camera_id):<12}"


def _joined(parts: Mapping[str, str]) -> str:
    return "  ".join(part for part in parts.values() if part)


def _happened(event: Event) -> str:
    if event.kind == "appeared":
        return f"appeared: {_named(event.emotion)}"
    if event.kind == "changed" and event.before is not None:
        return f"changed: {_named(event.before)} for {event.duration:.1f} s, then {_named(event.emotion)}"
    shares = ", ".join(f"{_named(name)} {share:.0%}" for name, share in event.shares.items())
    return f"left after {event.duration:.1f} s: {shares}"


def _named(emotion: str) -> str:
    return click.style(emotion, fg=COLOURS[emotion], bold=True)
