"""Where faces have to be hidden: also where the detector lost one for a moment, and just before and after it was seen."""

from collections import deque
from collections.abc import Iterator

from ferstream.consumer.report.marks import Box, FrameMarks

#: Seconds for which a face is taken to be where it was, or will be, though it is not found.
BRIDGED_S = 0.6


class HiddenFaces:
    """Gives the boxes to hide in each frame. Looks so far ahead and back, and holds no more than that."""

    def __init__(self, marks: Iterator[FrameMarks]) -> None:
        self._marks = marks
        self._around: deque[FrameMarks] = deque()
        self._ahead: FrameMarks | None = next(marks, None)

    def at(self, number: int, at_s: float) -> list[Box]:
        """Boxes to hide in the frame of this number and media time. Frames are asked for in their order."""
        while self._ahead is not None and self._ahead.at <= at_s + BRIDGED_S:
            self._around.append(self._ahead)
            self._ahead = next(self._marks, None)
        while self._around and self._around[0].at < at_s - BRIDGED_S:
            self._around.popleft()
        here: list[Box] = []
        before: dict[int, tuple[float, Box]] = {}
        after: dict[int, tuple[float, Box]] = {}
        for marks in self._around:
            for face in marks.faces:
                if marks.number == number:
                    here.append(face.box)
                if face.track is not None:
                    if marks.number <= number:
                        before[face.track] = (marks.at, face.box)
                    else:
                        after.setdefault(face.track, (marks.at, face.box))
        found = {track for track, (_, box) in before.items() if box in here}
        return here + [_between(before.get(track), after.get(track), at_s) for track in (before | after).keys() - found]


def _between(before: tuple[float, Box] | None, after: tuple[float, Box] | None, at_s: float) -> Box:
    """Where a face is taken to be between two frames that show it; where one shows it, there."""
    if before is None or after is None:
        seen = before or after
        assert seen is not None
        return seen[1]
    share = (at_s - before[0]) / max(1e-9, after[0] - before[0])
    x1, y1, x2, y2 = (old + share * (new - old) for old, new in zip(before[1], after[1], strict=True))
    return x1, y1, x2, y2
