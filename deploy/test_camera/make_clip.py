"""Makes the clip of the test camera: the two portraits, as H.264 in Matroska.

python make_clip.py clip.mkv
"""

import sys
import threading
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np

from ferstream.producer.sources.synthetic import FPS, HEIGHT, WIDTH, Portraits

SECONDS = 30


def make_clip(path: Path, seconds: float = SECONDS) -> None:
    """Write `seconds` of the demo's camera, without B-frames, so that a player may begin it anew at its end."""
    portraits = Portraits(FPS, threading.Event(), realtime=False)
    portraits.open()
    with av.open(str(path), "w") as file:
        options = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "g": str(int(FPS))}
        stream = file.add_stream("libx264", rate=Fraction(int(FPS)), options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in islice(portraits.frames(), int(seconds * FPS)):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame.picture), "bgr24")))
        file.mux(stream.encode(None))
    portraits.close()


if __name__ == "__main__":
    make_clip(Path(sys.argv[1]), *map(float, sys.argv[2:]))
