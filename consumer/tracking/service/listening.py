"""Which cameras are silent, by a clock that stands still while nobody could have heard them."""

import math
from collections import OrderedDict

#: Results this old are of a time that is being caught up with: what they say of silence has passed.
CURRENT_S = 2.0
#: A turn that took longer was a process that stood still, or a Redis that was away.
LONGEST_TURN_S = 1.0


class Listening:
    """When each camera was heard last, in seconds of listening."""

    def __init__(self, silent_after_s: float, forget_after_s: float) -> None:
        self._silent_after_s, self._forget_after_s = silent_after_s, forget_after_s
        self._now, self._turned_at = 0.0, math.inf
        self._heard: OrderedDict[str, float] = OrderedDict()
        self._silent: OrderedDict[str, float] = OrderedDict()

    def turn(self, at: float, lag_s: float) -> None:
        """A turn of the loop ends, `at` by a steady clock, with results that are so old (infinite: nothing can be heard)."""
        if lag_s <= CURRENT_S:
            self._now += min(LONGEST_TURN_S, max(0.0, at - self._turned_at))
        self._turned_at = at

    def hear(self, camera_id: str) -> None:
        """A camera gave a result."""
        self._silent.pop(camera_id, None)
        self._heard[camera_id] = self._now
        self._heard.move_to_end(camera_id)

    def fallen_silent(self) -> list[str]:
        """Cameras that have fallen silent since this was asked last."""
        fallen = _older(self._heard, self._now - self._silent_after_s)
        self._silent.update(fallen)
        return list(fallen)

    def forgotten(self) -> list[str]:
        """Cameras that were silent for so long that nothing need be known of them any more; each is given once."""
        return list(_older(self._silent, self._now - self._forget_after_s))

    def cameras(self) -> list[str]:
        """All that are known."""
        return [*self._heard, *self._silent]


def _older(times: OrderedDict[str, float], than: float) -> dict[str, float]:
    """Those before that time, taken out."""
    found = {}
    while times and next(iter(times.values())) <= than:
        name, at = times.popitem(last=False)
        found[name] = at
    return found
