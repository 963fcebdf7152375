"""What a camera showed in a minute: numbers of a group, and nothing of one face."""

from dataclasses import asdict, dataclass
from typing import Any

from ferstream.streams.wire.emotions import NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Statistics of one camera over `seconds` (60) that begin at `start`, seconds since the epoch on Redis's clock.

    `results` are the frames that were answered, `people_max` and `people_mean` the faces in one of them, `faces` those of all
    together. `emotion_seconds` maps a name to the seconds that faces were named so: two people who are happy for one second are
    two. `unknown_share` is the share of `unknown` in these, and `coverage` the share of the time that results were there for.
    """

    camera_id: str
    start: float
    seconds: float
    results: int
    people_max: int
    people_mean: float
    faces: int
    emotion_seconds: dict[str, float]
    unknown_share: float
    coverage: float


def minute_map(minute: Minute) -> dict[str, Any]:
    """The minute as a JSON-ready map: seconds and shares to three digits."""
    message = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(minute).items()}
    message["emotion_seconds"] = {name: round(minute.emotion_seconds.get(name, 0.0), 3) for name in NAMES}
    return message
