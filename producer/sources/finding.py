"""What `fer-producer check` says of a camera; made and shown without any video library."""

from dataclasses import dataclass

from ferstream.producer.config.camera_config import CameraConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one camera gave. `state` is ok, failed, or listed where it was not opened; `url` has no password.

    `frames` may be an estimate, 0 where nobody knows; `picture` is the path of a still, or a data: URL, where one was asked
    for.
    """

    name: str
    url: str
    state: str
    size: str = ""
    fps: float = 0.0
    frames: int = 0
    codec: str = ""
    problem: str = ""
    picture: str = ""


def list_all(cameras: list[CameraConfig]) -> list[Finding]:
    """One finding a camera, without opening any."""
    return [Finding(name=camera.camera_id, url=camera.shown_url, state="listed") for camera in cameras]


def as_table(findings: list[Finding]) -> list[str]:
    """The findings as lines of a table with a heading, columns padded to the same width."""
    rows = [("NAME", "STATE", "SIZE", "FPS", "CODEC", "URL", "PROBLEM")]
    rows += [(f.name, f.state, f.size, f"{f.fps:g}" if f.fps else "", f.codec, f.url, f.problem) for f in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
