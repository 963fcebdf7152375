"""When a camera's next preview is due: ten a second, and fewer while frames wait for the time that previews take."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ferstream.streams.frames.previews import EVERY_S, PREVIEW_S

#: Share of a worker's processor time that previews may take while frames wait.
SHARE = 0.02
#: Frames wait for good where no moment without a waiting one was seen for so long: some wait in every burst.
BURST_S = 0.25
#: What the first preview is taken to cost, in seconds, and how much the last one counts in what the next will.
FIRST_COST_S, LAST_ONE = 0.001, 0.1

Turn = Literal["now", "too soon", "no time"]


@dataclass(frozen=True, slots=True)
class _Last:
    """A camera's last turn: when its frame was captured, and how long the worker had worked by then."""

    captured_at: float = -math.inf
    worked_s: float = -math.inf


class PreviewPace:
    """Gives each camera its turns. Safe to use from several threads.

    While frames wait, the turns of a camera are so far apart that what all of them cost, as measured, is SHARE of what the
    process works meanwhile: each camera gets fewer then, and none gets none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, worked: Callable[[], float] = time.process_time) -> None:
        self._clock, self._worked = clock, worked
        self._lock = threading.Lock()
        self._turns: dict[str, _Last] = {}  # by camera
        self._cost_s = FIRST_COST_S
        self._free_at = clock()  # when no frame waited

    def turn(self, camera_id: str, captured_at: float, cameras: int, *, waiting: bool) -> Turn:
        """Whether a frame captured then is to be shown, where so many `cameras` are looked at and frames wait or do not.

        "now" takes the camera's turn; "too soon" is more than ten a second, "no time" more than there is time for.
        """
        with self._lock:
            worked_s, every_s = self._worked(), self._every_s(cameras, waiting)
            last = self._turns.get(camera_id, _Last())
            if captured_at < last.captured_at - PREVIEW_S:  # a clock was set back
                last = _Last(worked_s=last.worked_s)
            if _early(captured_at, last.captured_at, EVERY_S):
                return "too soon"
            if _early(worked_s, last.worked_s, every_s):
                return "no time"
            self._forget(captured_at, cameras)
            self._turns[camera_id] = _Last(max(captured_at, last.captured_at + EVERY_S), max(worked_s, last.worked_s + every_s))
            return "now"

    def took(self, seconds: float) -> None:
        """The processor time that a preview cost."""
        with self._lock:
            self._cost_s += LAST_ONE * (seconds - self._cost_s)

    def _every_s(self, cameras: int, waiting: bool) -> float:
        """How much work must lie between two turns of a camera; none where no other frame waits for it."""
        now = self._clock()
        if not waiting:
            self._free_at = now
        return 0.0 if now - self._free_at < BURST_S else self._cost_s * cameras / SHARE

    def _forget(self, captured_at: float, cameras: int) -> None:
        """Cameras that had no turn for a minute."""
        if len(self._turns) > 2 * cameras:
            self._turns = {name: last for name, last in self._turns.items() if captured_at - last.captured_at < 60}


def _early(at: float, last: float, every_s: float) -> bool:
    """Before its turn, by more than frames jitter."""
    return at + every_s / 2 < last + every_s
