"""`fer-consumer top`: the faces that cameras see now, in place; into a pipe a table every second."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ferstream.consumer.deployment.deployment import DeploymentReader
from ferstream.consumer.deployment.diagnosis import diagnose
from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.deployment.problem import Problem
from ferstream.consumer.subscribe.subscriber import ResultSubscriber
from ferstream.consumer.terminal.face_board import FaceBoard, FaceRow
from ferstream.consumer.terminal.formatting import COLOURS, bar
from ferstream.streams.errors import StoreError
from ferstream.streams.redis_client.connect import connect

#: How often the picture is drawn anew, on a terminal and into a pipe.
DRAW_EVERY_S, PRINT_EVERY_S = 0.25, 1.0
#: Problems that are shown.
MOST_PROBLEMS = 3
_CAMERA = 18


class Problems:
    """What is wrong with the deployment, asked every second on a thread of its own while it is entered."""

    def __init__(self, redis_url: str, prefix: str) -> None:
        self._redis_url, self._prefix = redis_url, prefix
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="problems", daemon=True)
        self.now: Sequence[Problem] = ()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()

    def _run(self) -> None:
        with closing(connect(self._redis_url)) as client:
            reader = DeploymentReader(client, self._prefix)
            while not self._end.wait(1.0):
                try:
                    self.now = diagnose(reader.read())
                except StoreError as error:
                    self.now = [Problem(str(error), "it is asked again and again", "redis-gone")]


def show(subscriber: ResultSubscriber, board: FaceBoard, problems: Problems, console: Console, rounds: int | None) -> None:
    """Draw until the subscriber ends, or `rounds` tables were printed. Raises BrokenPipeError where the reader left."""
    moments = _moments(subscriber, board, DRAW_EVERY_S if console.is_terminal else PRINT_EVERY_S)
    if not console.is_terminal:
        for number, _ in enumerate(moments, start=1):
            console.print(page(board, problems.now, height=None), Text())
            if number == rounds:
                return
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for number, _ in enumerate(moments, start=1):
            live.update(page(board, problems.now, console.height), refresh=True)
            if number == rounds:
                return


def page(board: FaceBoard, problems: Sequence[Problem], height: int | None) -> Group:
    """Figures, a row a face, and what is wrong; rows that a terminal of `height` lines has no room for are counted."""
    wrong = [Text(f"! {problem}", "red", no_wrap=True, overflow="ellipsis") for problem in problems[:MOST_PROBLEMS]]
    rows, empty = board.rows(), board.empty_cameras
    room = len(rows) if height is None else max(1, height - len(wrong) - 5)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("CAMERA", max_width=_CAMERA, no_wrap=True, overflow="ellipsis")
    table.add_column("FACE", justify="right")
    table.add_column("LOOKS", min_width=9)
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("FOR", justify="right")
    table.add_column("SIZE", justify="right")
    for row in rows[:room]:
        table.add_row(*_cells(row))
    lines: list[RenderableType] = [_figures(board, len(rows)), Text(), *([table] if rows else [])]
    if len(rows) > room:
        lines.append(Text(f"and {len(rows) - room} more faces: a taller terminal shows them", "dim"))
    elif empty:
        lines.append(Text(f"no face: {', '.join(map(printable, empty))}", "dim", no_wrap=True, overflow="ellipsis"))
    return Group(*lines, *wrong)


def _figures(board: FaceBoard, faces: int) -> Text:
    if not board.cameras:
        return Text("No result yet: waiting for cameras and workers ...", "dim")
    latency_s = board.median_latency_s
    late = "" if latency_s is None else f", {latency_s:.2f} s from capture to result"
    cameras = f"{board.cameras} camera{'s' * (board.cameras != 1)}"
    return Text(f"{cameras}, {faces} face{'s' * (faces != 1)}, {board.results_per_second:.1f} results a second{late}", "bold")


def _cells(row: FaceRow) -> Iterator[Text]:
    face, style = row.face, COLOURS[row.face.emotion]
    sure = "" if face.confidence is None else f"{face.confidence:.0%}"
    yield Text(printable(row.camera_id))
    yield Text(str(face.track))
    yield Text(face.emotion, f"bold {style}")
    yield Text(bar(face.confidence or 0.0), style)
    yield Text(sure)
    yield Text(_lasting(row.seen_at - row.since))
    yield Text(f"{face.box[2] - face.box[0]:.0f} px", "dim")


def _lasting(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes}:{rest:02}"


def _moments(subscriber: ResultSubscriber, board: FaceBoard, every_s: float) -> Iterator[None]:
    """When it is time to draw: the board has what came until then."""
    heard_at = drawn_at = time.monotonic()
    for deliveries in subscriber.batches():
        now = time.monotonic()
        if deliveries:
            board.take(deliveries)
        else:
            board.pass_time(now - heard_at)
        heard_at = now
        if now - drawn_at >= every_s:
            drawn_at = now
            yield
