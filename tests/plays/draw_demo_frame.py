"""Draws docs/pictures/demo.jpg: one frame of the demo's camera, with what a real worker said of it.

`python -m tests.plays.draw_demo_frame`. The frame goes the whole way: written by a fer-producer, answered by a fer-worker,
read by a subscriber. Both portraits are in the public domain (see producer/sources/synthetic.py).
"""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ferstream import Face, Result, ResultSubscriber
from ferstream.producer.sources.synthetic import Portraits
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.paths import ROOT

PICTURE = ROOT / "docs" / "pictures" / "demo.jpg"
WIDTH = 960  # as it is shown; the camera's is 1280
PATIENCE_S = 60.0


def main() -> None:
    """Write the picture, and say what is on it."""
    camera = Portraits(15.0, threading.Event(), realtime=False)
    camera.open()
    frame = camera.compose(0)
    result = answer(frame)
    for face in result.faces:
        print(label(face), *(round(value) for value in face.box))  # noqa: T201
    PICTURE.parent.mkdir(exist_ok=True)
    draw(frame, result).save(PICTURE, quality=88)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")  # noqa: T201


def answer(frame: np.ndarray) -> Result:
    """What a fleet of one producer and one worker says of a frame (BGR)."""
    with EmbeddedRedis() as server, tempfile.TemporaryDirectory() as folder:
        cv2.imwrite(str(Path(folder) / "frame.png"), frame)
        shared = ("--redis", server.url, "--metrics-host", "127.0.0.1", "--metrics-port", "0", "--log-level", "warning")
        files = ("--camera", f"demo={folder}", "--as-fast-as-possible", "--stay")
        with (
            ResultSubscriber(server.url, from_="0", idle_timeout_s=PATIENCE_S) as results,
            running("workers", *shared),
            running("producer", *shared, *files),
        ):
            for result in results:
                return result
    raise SystemExit("no result came; what the programs said is above")


@contextmanager
def running(package: str, *options: str) -> Iterator[None]:
    """One of the programs, until the end of the block."""
    process = subprocess.Popen([sys.executable, "-c", f"from ferstream.{package}.cli import main; main()", "run", *options])
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def draw(frame: np.ndarray, result: Result) -> Image.Image:
    """The frame with a box and a name for each face."""
    picture = Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    scale = WIDTH / picture.width
    picture = picture.resize((WIDTH, round(picture.height * scale)), Image.Resampling.LANCZOS)
    pencil = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"), 20)
    for face in result.faces:
        x0, y0, x1, y1 = (value * scale for value in face.box)
        text = label(face)
        width = pencil.textlength(text, font)
        pencil.rectangle((x0, y0, x1, y1), outline="#ffd33d", width=3)
        pencil.rectangle((x0, y0 - 30, x0 + width + 14, y0), fill="#ffd33d")
        pencil.text((x0 + 7, y0 - 15), text, "#24292f", font, "lm")
    return picture


def label(face: Face) -> str:
    return face.emotion if face.confidence is None else f"{face.emotion} {face.confidence:.0%}"


if __name__ == "__main__":
    main()
