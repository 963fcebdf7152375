"""Where a subscriber is in the results of each shard, as a token that survives a restart."""

import re
from collections import deque

from ferstream.streams.errors import FerstreamError

BEGINNING = "0-0"
_ID = re.compile(r"\d{1,20}(-\d{1,20})?")


def order(entry_id: str) -> tuple[int, int]:
    """An entry id as a pair that sorts as Redis does."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def parse_position(text: str) -> list[str] | None:
    """The ids of a token ("id" for every shard, "id0,id1" for two), or None for "$": the end as of the first connection.

    Raises FerstreamError where it is no token.
    """
    if text == "$":
        return None
    ids = text.split(",")
    if not all(_ID.fullmatch(part) for part in ids):
        raise FerstreamError(
            f'{text[:80]!r} is no position: "$" (new results), "0" (all there are) or an entry id for each shard'
        )
    return [part if "-" in part else f"{part}-0" for part in ids]


class ShardPosition:
    """One shard's entries between being read and being done with.

    `id` is the last entry before the first one that is still open: starting again after it repeats a few results, where
    later ones overtook it, and loses none.
    """

    def __init__(self, entry_id: str) -> None:
        self.id = entry_id
        self._read: deque[str] = deque()
        self._open: set[str] = set()

    def opened(self, entry_id: str) -> None:
        self._read.append(entry_id)
        self._open.add(entry_id)

    def closed(self, entry_id: str) -> None:
        self._open.discard(entry_id)
        while self._read and self._read[0] not in self._open:
            # Claimed entries are older than what was read before them: the position never goes back for them.
            self.id = max(self.id, self._read.popleft(), key=order)

    def begin_again(self) -> None:
        """The stream was made anew: everything in it is new."""
        self.id = BEGINNING
        self._read.clear()
        self._open.clear()
