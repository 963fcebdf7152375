"""`trackers`' ByteTrack over clips, for the Python of an environment of its own: JSON in and out, and nothing of ferstream's.

In: {"timeout_s": ..., "clips": [[{"time": ..., "boxes": [xyxy, ...], "scores": [...]}, ...], ...]}. Out: for each clip and frame
the number of each box, -1 where it has none.
"""

import json
import sys

import numpy as np


def numbers_of(clip: list, timeout_s: float) -> list[list[int]]:
    """The number of each box, with the package's own settings but for the time that a face may be unseen."""
    import supervision
    from trackers import ByteTrackTracker

    tracker = ByteTrackTracker(lost_track_buffer=round(timeout_s * 30))  # counted in frames at 30 a second
    found = []
    for frame in clip:
        count = len(frame["scores"])
        detections = supervision.Detections(
            xyxy=np.array(frame["boxes"], np.float32).reshape(-1, 4),
            confidence=np.array(frame["scores"], np.float32),
            class_id=np.zeros(count, int),
            data={"place": np.arange(count)},
        )
        tracked = tracker.update(detections, timestamp=frame["time"])
        numbers = [-1] * count
        for place, number in zip(tracked.data.get("place", []), tracked.tracker_id, strict=True):
            numbers[int(place)] = int(number)
        found.append(numbers)
    return found


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump([numbers_of(clip, asked["timeout_s"]) for clip in asked["clips"]], sys.stdout)
