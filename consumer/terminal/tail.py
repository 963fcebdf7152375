"""`fer-consumer tail`: results on standard output as they come."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import click

from ferstream.consumer.subscribe.shards import Delivery
from ferstream.consumer.terminal.formatting import empty_line, face_line, json_line
from ferstream.consumer.tracking.smoother import Smoother
from ferstream.consumer.tracking.tracker import Tracker

#: Tracking needs each camera's results in order; several workers publish them a little out of it.
SMOOTHING_WINDOW_S = 0.5


@dataclass(frozen=True, slots=True)
class Style:
    """How results are shown; `count` ends after so many."""

    as_json: bool
    show_all: bool
    count: int | None
    smooth_s: float | None


def tail(deliveries: Iterable[Delivery], style: Style, on_line: Callable[[], None]) -> None:
    """Print until there are no more, or `count` results are out; `on_line` is called after each line.

    Raises BrokenPipeError where whoever reads the output left.
    """
    tracker, smoother = Tracker(), Smoother(style.smooth_s or 0.0)
    for shown, delivery in enumerate(deliveries, start=1):
        tracks: list[int] | None = None
        if style.smooth_s is not None:
            tracks = tracker.update(delivery.result)
            delivery = replace(delivery, result=smoother.update(delivery.result, tracks))  # noqa: PLW2901 - smoothed
        for line in _lines(delivery, tracks, style):
            click.echo(line)
            on_line()
        if shown == style.count:
            return


def _lines(delivery: Delivery, tracks: list[int] | None, style: Style) -> Iterator[str]:
    result = delivery.result
    if style.as_json:
        yield json_line(result, tracks)
    elif result.faces:
        for index, face in enumerate(result.faces):
            yield face_line(delivery, face, tracks[index] if tracks else None)
    elif style.show_all:
        yield empty_line(delivery)
