"""When a camera's next preview is due: ten a second, and fewer while frames wait for the time that previews take."""

import math
import threading
import time
from collections.abc import Callable
from typing import Literal

from ferstream.streams.frames.previews import EVERY_S, PREVIEW_S

#: Share of a worker's time that previews may take while frames wait.
SHARE = 0.02
#: Frames wait for good where no moment without a waiting one was seen for so long: some wait in every burst.
BURST_S = 0.25
#: What the first preview is taken to cost, in seconds, and how much the last one counts in what the next will.
FIRST_COST_S, LAST_ONE = 0.001, 0.1

Turn = Literal["now", "too soon", "no time"]


class PreviewPace:
    """Gives each camera its turns. Safe to use from several threads.

    While frames wait, the turns of all cameras are as far apart as it takes for their cost, which is measured, to be SHARE of the
    time of `threads` threads: each camera gets fewer then, and none gets none.
    """

    def __init__(self, threads: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget, self._clock = SHARE * threads, clock
        self._lock = threading.Lock()
        self._turns: dict[str, float] = {}  # of each camera the last one, as a time of capture
        self._cost_s = FIRST_COST_S
        self._free_at = clock()  # when no frame waited

    def turn(self, camera_id: str, captured_at: float, cameras: int, *, waiting: bool) -> Turn:
        """Whether a frame captured then is to be shown, where so many `cameras` are looked at and frames wait or do not.

        "now" takes the camera's turn; "too soon" is more than ten a second, "no time" more than there is time for.
        """
        with self._lock:
            every_s = self._every_s(cameras, waiting)
            last = self._turns.get(camera_id, -math.inf)
            if captured_at < last - PREVIEW_S:  # a clock was set back
                last = -math.inf
            if _early(captured_at, last, EVERY_S):
                return "too soon"
            if _early(captured_at, last, every_s):
                return "no time"
            self._forget(captured_at, cameras)
            self._turns[camera_id] = max(captured_at, last + every_s)
            return "now"

    def took(self, seconds: float) -> None:
        """What a preview cost."""
        with self._lock:
            self._cost_s += LAST_ONE * (seconds - self._cost_s)

    def _every_s(self, cameras: int, waiting: bool) -> float:
        now = self._clock()
        if not waiting:
            self._free_at = now
        if now - self._free_at < BURST_S:
            return EVERY_S
        return max(EVERY_S, self._cost_s * cameras / self._budget)

    def _forget(self, captured_at: float, cameras: int) -> None:
        """Cameras that nobody has looked at for a minute."""
        if len(self._turns) > 2 * cameras:
            self._turns = {name: at for name, at in self._turns.items() if abs(captured_at - at) < 60}


def _early(captured_at: float, last: float, every_s: float) -> bool:
    """Before its turn by more than times of capture jitter."""
    return captured_at + every_s / 2 < last + every_s
