"""How far one results stream was read and yielded."""

from collections import deque

BEGINNING = "0-0"


def order(entry_id: str) -> tuple[int, int]:
    """An entry id as a pair that sorts as Redis does."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


class ShardPosition:
    """How far one shard is: `cursor` is the last entry that was read, `id` the last one before those still to be yielded.

    Starting again after `id` loses nothing; it repeats the few results that overtook an older one.
    """

    def __init__(self, entry_id: str) -> None:
        self._start = self.id = self.cursor = entry_id
        self._read: deque[str] = deque()
        self._waiting: set[str] = set()

    @property
    def moved(self) -> bool:
        """Whether anything was read since the start: before that, the position is only what the caller says."""
        return self.cursor != self._start

    def add(self, entry_id: str) -> None:
        """An entry was read, and waits to be yielded."""
        self._read.append(entry_id)
        self._waiting.add(entry_id)

    def remove(self, entry_id: str) -> None:
        """An entry was yielded, or left out."""
        self._waiting.discard(entry_id)
        while self._read and self._read[0] not in self._waiting:
            entry_id = self._read.popleft()
            if order(entry_id) > order(self.id):  # claimed ones are older: the position never goes back for them
                self.id = entry_id

    def begin_again(self) -> None:
        """The stream was made anew: everything in it is new."""
        self.id = self.cursor = BEGINNING
        self._read.clear()
        self._waiting.clear()
