"""The results of one file in the order of its frames, where several threads of several workers answered them."""

import heapq
from collections.abc import Iterator

from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.messages import Result

#: Results that wait for one before them, at most: far more than frames of a file fit into its byte budget in Redis. Where so many
#: wait, the missing frame has no result.
HELD = 4096


class FrameOrder:
    """Gives results by their numbers; what stands before a result that was given is refused.

    Args:
        first: number of the first frame, None where it is not known beforehand.
        every: step from one number to the next.
    """

    def __init__(self, first: int | None, every: int = 1) -> None:
        self._next, self._every = first, every
        self._held: list[int] = []
        self._results: dict[int, Result] = {}

    def add(self, result: Result) -> Iterator[Result]:
        """Take in a result; gives those that can go now. Raises FerstreamError where a later one went already."""
        if (self._next is not None and result.sequence < self._next) or result.sequence in self._results:
            raise FerstreamError(f"frame {result.sequence} was answered too late, or twice: {self._next} is next")
        heapq.heappush(self._held, result.sequence)
        self._results[result.sequence] = result
        while self._held and (self._held[0] == self._next or len(self._held) > HELD):
            yield self._pop()

    def rest(self) -> Iterator[Result]:
        """What is held, where no more will come."""
        while self._held:
            yield self._pop()

    def _pop(self) -> Result:
        number = heapq.heappop(self._held)
        self._next = number + self._every
        return self._results.pop(number)
