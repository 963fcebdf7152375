"""`fer-consumer tail`: results on standard output as they come; on standard error, once, what is missing when none comes."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from ferstream.consumer.deployment.deployment import Deployment, DeploymentReader
from ferstream.consumer.deployment.diagnosis import diagnose
from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.deployment.problem import Problem
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.consumer.terminal.formatting import empty_line, event_line, face_line, json_line
from ferstream.streams.errors import StoreError
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.messages import Event

if TYPE_CHECKING:
    from ferstream.consumer.tracking.tracker import FaceTracker

#: Tracking needs each camera's results in order; several workers publish them a little out of it.
TRACKING_WINDOW_S = 0.5
#: Without a line for so long, somebody who waits wants to know why.
PATIENCE_S = 5.0
#: Rates are those between two looks.
BETWEEN_LOOKS_S = 1.0


@dataclass(frozen=True, slots=True)
class Style:
    """How results are shown; `count` ends after so many. With `events`, what a tracker tells is shown too."""

    as_json: bool
    show_all: bool
    count: int | None
    events: bool
    width: int | None = None  # of the terminal, in columns; None: a line is as long as it is
    lines_a_second: int | None = None  # at most; the others are left out


def tail(deliveries: Iterable[Delivery], style: Style, tracker: "FaceTracker | None", on_line: Callable[[], None]) -> None:
    """Print until there are no more, or `count` results are out; `on_line` is called after each line.

    Raises BrokenPipeError where whoever reads the output left.
    """
    pace = _Pace(style.lines_a_second)
    for shown, delivery in enumerate(deliveries, start=1):
        events: tuple[Event, ...] = ()
        if tracker is not None:
            result, events = tracker.update(delivery.result)
            delivery = replace(delivery, result=result)  # noqa: PLW2901 - as the tracker sees it
        for line in (*_lines(delivery, style), *_event_lines(events, style)):
            if pace.lets():
                click.echo(line)
            on_line()
        if shown == style.count:
            break
    for line in _event_lines(tracker.finish() if tracker is not None else (), style):
        click.echo(line)


class _Pace:
    """Lets the first lines of each second through."""

    def __init__(self, most: int | None) -> None:
        self._most, self._second, self._count = most, 0.0, 0

    def lets(self) -> bool:
        now = time.monotonic()
        if now - self._second >= 1.0:
            self._second, self._count = now, 0
        self._count += 1
        return self._most is None or self._count <= self._most


def _lines(delivery: Delivery, style: Style) -> Iterator[str]:
    result = delivery.result
    if style.as_json:
        yield json_line(result)
    elif result.faces:
        for face in result.faces:
            yield face_line(delivery, face, style.width)
    elif style.show_all:
        yield empty_line(delivery)


def _event_lines(events: Iterable[Event], style: Style) -> Iterator[str]:
    if style.events:
        yield from map(json_line if style.as_json else event_line, events)


class SilenceHint:
    """Looks at the deployment when there was no line for PATIENCE_S, on a thread of its own while it is entered.

    It speaks once: of what is wrong, or, where there was no line at all, of why there need be none.
    """

    def __init__(self, redis_url: str, prefix: str, cameras: Sequence[str], show_all: bool) -> None:
        self._redis_url, self._prefix, self._cameras, self._show_all = redis_url, prefix, cameras, show_all
        self._line_at: float | None = None
        self._began_at = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hint", daemon=True)

    def line(self) -> None:
        """A line is out."""
        self._line_at = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()

    def _run(self) -> None:
        looked_since = None
        while not self._end.wait(0.2):
            last = self._line_at or self._began_at
            if last == looked_since or time.monotonic() - last < PATIENCE_S:
                continue
            looked_since = last
            said = self._look()
            if self._end.is_set():
                return
            if said:
                click.echo("\n".join([f"no line for {PATIENCE_S:g} s:", *(f"  - {line}" for line in said)]), err=True)
                return

    def _look(self) -> list[str]:
        try:
            with closing(connect(self._redis_url)) as client:
                reader = DeploymentReader(client, self._prefix)
                reader.read()
                self._end.wait(BETWEEN_LOOKS_S)
                deployment = reader.read()
        except StoreError as error:
            return [str(error)]
        problems = [*_not_there(deployment, self._cameras), *diagnose(deployment)]
        return [str(problem) for problem in problems] or ([] if self._line_at else [self._calm(deployment)])

    def _calm(self, deployment: Deployment) -> str:
        """Why there is no line though nothing is wrong."""
        if self._show_all or not deployment.rates or not deployment.rates.published:
            return "nothing seems wrong: `fer status` has the figures"
        return f"{deployment.rates.published:.1f} results a second come, with no face in them: --all shows a line for each"


def _not_there(deployment: Deployment, wanted: Sequence[str]) -> list[Problem]:
    there = sorted({camera.camera_id for camera in deployment.cameras})
    missing = [name for name in wanted if name not in there]
    if not missing or not there:
        return []
    what, do = f"no camera is called {', '.join(missing)}", f"there are {', '.join(there[:10])}"
    return [Problem(printable(what), printable(do), "camera-unknown")]
