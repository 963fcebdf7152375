"""The real fer-producer with a witness: a file that has a line for every frame that a camera gave, whatever becomes of it.

WITNESS names the file. POISON is the share of frames whose JPEG is broken on its way to Redis.
"""

import os
import random
from dataclasses import replace
from typing import Any

from ferstream.producer import camera
from ferstream.producer.camera_state import CameraState
from ferstream.producer.cli import main as run
from ferstream.producer.encoder import Encoded, JpegEncoder


def main() -> None:
    camera.CameraState = witnessed(os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))  # type: ignore[misc]
    if share := float(os.environ.get("POISON", "0")):
        poison(share, random.Random(os.environ["SEED"]))
    run()


def witnessed(file: int) -> type[CameraState]:
    """A camera's state that writes down each frame when it learns of it: at once after the capture."""

    class Witnessed(CameraState):
        def __init__(self, camera_id: str, *rest: Any) -> None:
            super().__init__(camera_id, *rest)
            self._name = camera_id

        def frame(self, width: int, height: int, sequence: int, captured_at: float) -> None:
            os.write(file, f"{self._name} {sequence}\n".encode())
            super().frame(width, height, sequence, captured_at)

    return Witnessed


def poison(share: float, chance: random.Random) -> None:
    encode = JpegEncoder.encode

    def broken(self: JpegEncoder, picture: Any) -> Encoded:
        encoded = encode(self, picture)
        return replace(encoded, jpeg=b"\xff\xd8 no picture") if chance.random() < share else encoded

    JpegEncoder.encode = broken  # type: ignore[method-assign]
