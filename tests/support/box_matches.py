"""Beside each picture that the wall drew, the result that the worker published of that very frame."""

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import redis

from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result
from tests.support.drawn_frames import Box, Drawn, DrawnFrames

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Pixels of the canvas that a box's line may lie beside where its result has it.
CLOSE = 2.0


class BoxMatches:
    """Looks at every picture from now on. `mismatches` are in words, `worst` is the largest distance of a matching line, px."""

    def __init__(self, page: "Page", client: redis.Redis) -> None:
        self._frames = DrawnFrames(page)
        self._client = client
        self._last = "0"
        self._results: dict[tuple[str, int], Result] = {}
        self._offsets: dict[str, int] = {}
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self.looked_at = self.boxes = 0
        self.worst = 0.0
        self.mismatches: list[str] = []

    def look(self) -> int:
        """At what was drawn since the last look."""
        drawn = self._frames.take()
        self._read_results()
        for one in drawn:
            self.looked_at += 1
            if wrong := self._wrong(one):
                self.mismatches.append(f"{one.camera} {one.sequence}: {wrong}")
        return len(drawn)

    @property
    def distinct(self) -> int:
        """Different frames among them."""
        return sum(len(set(numbers)) for numbers in self._numbers.values())

    @property
    def backwards(self) -> int:
        """How often an older frame followed a newer one."""
        return sum(second < first for numbers in self._numbers.values() for first, second in pairwise(numbers))

    @property
    def told(self) -> str:
        lines = [
            f"{self.looked_at} pictures drawn, {self.distinct} different frames, {self.backwards} older than the one before",
            f"{self.boxes} boxes, none more than {self.worst:.1f} px of the canvas from its result's",
            f"{len(self.mismatches)} mismatches",
        ]
        return "\n".join(lines + [f"  {words}" for words in self.mismatches[:10]])

    def _wrong(self, drawn: Drawn) -> str:
        """What does not fit; "" where all does."""
        number, result = drawn.number, self._results.get((drawn.camera, drawn.sequence))
        if number is None:
            return "its corner cannot be read"
        self._numbers[drawn.camera].append(number)
        offset = self._offsets.setdefault(drawn.camera, drawn.sequence - number)
        if drawn.sequence - number != offset:
            return f"its corner says {number}, and {drawn.sequence - offset} belongs to that sequence"
        if result is None:
            return "there is no result of that sequence"
        there, expected = self._frames.boxes(drawn), sorted(_scaled(face.box, drawn.scale) for face in result.faces)
        self.boxes += len(there)
        if len(there) != len(expected):
            return f"{len(there)} boxes are drawn, and {len(expected)} were found"
        far = max(map(_distance, there, expected), default=0.0)
        if far > CLOSE:
            return f"a box lies {far:.1f} px from its result's"
        self.worst = max(self.worst, far)
        return ""

    def _read_results(self) -> None:
        """The stream is trimmed after a while: it is read as it grows."""
        for entry_id, fields in self._client.xrange(Keys().results(0), f"({self._last}" if self._last != "0" else "-"):
            self._last = entry_id.decode()
            result = decode_result(self._last, fields)
            self._results[result.camera_id, result.sequence] = result


def _scaled(box: Box, scale: float) -> Box:
    x1, y1, x2, y2 = (value * scale for value in box)
    return x1, y1, x2, y2


def _distance(one: Box, other: Box) -> float:
    """Between those two lines of one side that are farthest apart."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
