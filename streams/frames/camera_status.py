"""What a producer says of a camera in `fer:cameras`; the status is its lease of the camera's name."""

from dataclasses import dataclass
from typing import Any, Literal

from ferstream.streams.frames.status_board import Status
from ferstream.streams.redis_client.connect import redact

State = Literal["connecting", "live", "stalled", "frozen", "down", "ended", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus(Status):
    """One camera as its producer, the holder, sees it. A camera that another producer holds is `held`."""

    camera_id: str
    state: str  # one of State; a newer version may have others
    url: str  # redacted on writing, whatever it holds
    last_frame_at: float | None = None
    sequence: int = 0
    width: int = 0
    height: int = 0
    frames_per_second: float = 0.0
    reconnects: int = 0
    waiting_bytes: int = 0
    problem: str = ""

    def silent_since(self, now: float) -> float | None:
        """As of every status; a camera that has ended has nothing more to say."""
        return None if self.state == "ended" else Status.silent_since(self, now)

    def message(self) -> dict[str, Any]:
        return Status.message(self) | {"url": redact(self.url)}
