"""How many frames a worker holds, shared by those who read: no more than it has room for, and none of them alone."""

import threading
from dataclasses import dataclass

#: A reader that finds no room looks up this often.
LOOK_S = 0.5


@dataclass(slots=True, eq=False)
class Share:
    """What one reader has of the window. `cut_off`: its Redis is away, so that what it holds can take nobody's room."""

    held: int = 0
    reserved: int = 0
    flowing: bool = True
    cut_off: bool = False


class Window:
    """Safe to use from several threads; `size` is at least `readers`.

    A reader that waits for its next frame reserves one place only. One place is kept for each that holds none.
    """

    def __init__(self, size: int, readers: int) -> None:
        self.shares = [Share() for _ in range(readers)]
        self._size = size
        self._most = size if readers == 1 else max(1, size // readers)
        self._changed = threading.Condition()
        self._closed = False

    def reserve(self, share: Share) -> int:
        """Wait for room, not for long; returns how many entries may be read, 0 where there is no room."""
        wanted = self._most if share.flowing or len(self.shares) == 1 else 1
        with self._changed:
            self._changed.wait_for(lambda: self._free(share) > 0 or self._closed, timeout=LOOK_S)
            share.reserved = 0 if self._closed else max(0, min(wanted, self._free(share)))
            return share.reserved

    def fill(self, share: Share, count: int, more: bool) -> None:
        """So many came of those reserved; whether the next may be there already."""
        with self._changed:
            share.reserved = 0
            share.flowing = more
            share.held += count
            self._changed.notify_all()

    def release(self, share: Share, count: int) -> None:
        """So many are done with."""
        with self._changed:
            share.held -= count
            self._changed.notify_all()

    def held(self) -> int:
        return sum(share.held for share in self.shares)

    def close(self) -> None:
        """No more is to be read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _free(self, mine: Share) -> int:
        others = (share for share in self.shares if share is not mine and not share.cut_off)
        return self._size - mine.held - mine.reserved - sum(max(1, share.held + share.reserved) for share in others)
