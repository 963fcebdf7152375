"""How `fer-analyze` analyses its files, and what it writes."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOptions:
    """How clips are analysed. Tables depend on all but `video` and `blur`."""

    every: int
    from_s: float
    to_s: float | None
    emotions: tuple[str, ...]
    smooth_s: float
    format: str
    video: bool
    blur: bool
    max_side: int
    jpeg_quality: int

    def message(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def outputs(self, name: str, kind: str) -> dict[str, str]:
        """The files and folders that are written of a video or of pictures, by what they are."""
        written = {"faces": f"{name}.{self.format}"}
        if kind == "video":
            written["events"] = f"{name}.events.{self.format}"
        if self.video:
            written["drawn"] = f"{name}.mp4" if kind == "video" else f"{name}.drawn"
        return written
