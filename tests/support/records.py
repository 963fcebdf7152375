"""Records for tests of what keeps them."""

from ferstream import EMOTIONS, Face, Result
from ferstream.streams.wire.messages import Event


def result(number: int = 1, *faces: Face, camera_id: str = "door") -> Result:
    """A frame of a camera, tenths of a second after another."""
    return Result(
        camera_id=camera_id,
        sequence=number,
        captured_at=1.7e9 + number / 10,
        frame_id="1-1",
        width=640,
        height=480,
        faces=faces,
        models={},
        seconds={},
        worker="w",
    )


def face(emotion: str = "happiness", probability: float = 0.9, **more: object) -> Face:
    """A face that looks so."""
    rest = (1 - probability) / 7
    probabilities = tuple(probability if name == emotion else rest for name in EMOTIONS)
    given: dict[str, object] = {"box": (10.0, 20.0, 50.0, 70.0), "score": 0.9, "quality": 0.8}
    return Face(emotion=emotion, probabilities=probabilities, **(given | more))  # type: ignore[arg-type]


def event(number: int = 1, kind: str = "changed", camera_id: str = "door", **more: object) -> Event:
    """Something that happened to track 1."""
    given: dict[str, object] = {
        "event_id": f"{camera_id}/1/{kind}/{number}",
        "kind": kind,
        "camera_id": camera_id,
        "track": 1,
        "at": 1.7e9 + number,
        "media_time": None,
        "sequence": number,
        "emotion": "happiness",
        "before": "neutral" if kind == "changed" else None,
        "since": 1.7e9,
        "duration": float(number),
        "peak": 0.9,
        "probabilities": face().probabilities,
        "shares": {"neutral": 1.0},
        "best_sequence": 1,
        "box": (10.0, 20.0, 50.0, 70.0),
    }
    return Event(**(given | more))  # type: ignore[arg-type]
