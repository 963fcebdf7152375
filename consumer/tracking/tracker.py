"""Following faces over the frames of a camera, so that what is said of one person can be smoothed."""

from collections.abc import Iterator
from dataclasses import dataclass

from ferstream.streams.wire.messages import Result

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class _Track:
    number: int
    box: Box
    seen_at: float


class Tracker:
    """Greedy matching of boxes by intersection over union, the best pair first, camera by camera.

    As SORT without its motion model (Bewley et al. 2016): at the rates of live cameras a face overlaps its last box.

    Args:
        least_iou: boxes that overlap less are of two people.
        max_age_s: a face unseen for so many seconds ends its track.

    Smoother has an example.
    """

    def __init__(self, *, least_iou: float = 0.3, max_age_s: float = 1.5) -> None:
        self._least_iou, self._max_age_s = least_iou, max_age_s
        self._cameras: dict[str, list[_Track]] = {}
        self._last_number = 0

    def update(self, result: Result) -> list[int]:
        """Take in a result, in order of capture for each camera.

        Returns:
            The track of each face, in the order of the result's faces. Numbers are never used again.
        """
        now = moment(result)
        tracks = [track for track in self._cameras.get(result.camera_id, []) if abs(now - track.seen_at) <= self._max_age_s]
        matched: dict[int, _Track] = {}
        for face, track in self._pairs(result, tracks):
            if face not in matched and track not in matched.values():
                matched[face] = track
        for index, face_ in enumerate(result.faces):
            if index not in matched:
                self._last_number += 1
                matched[index] = _Track(self._last_number, face_.box, now)
                tracks.append(matched[index])
            matched[index].box, matched[index].seen_at = face_.box, now
        self._keep(result.camera_id, tracks)
        return [matched[index].number for index in range(len(result.faces))]

    def living(self) -> set[int]:
        """Numbers of the tracks that are still followed."""
        return {track.number for tracks in self._cameras.values() for track in tracks}

    def _pairs(self, result: Result, tracks: list[_Track]) -> Iterator[tuple[int, _Track]]:
        scored = [(iou(face.box, track.box), index, track) for index, face in enumerate(result.faces) for track in tracks]
        for overlap, index, track in sorted(scored, key=lambda pair: -pair[0]):
            if overlap >= self._least_iou:
                yield index, track

    def _keep(self, camera_id: str, tracks: list[_Track]) -> None:
        if tracks:
            self._cameras[camera_id] = tracks
        else:
            self._cameras.pop(camera_id, None)


def moment(result: Result) -> float:
    """When its frame was, in seconds: in a file by the file's own time, since it may be read faster than it was filmed."""
    return result.captured_at if result.media_time is None else result.media_time


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two xyxy boxes, 0 where either has no area."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return both / (areas - both)
