"""Clips with real faces for tests, made on the spot: the demo's two portraits, in the kinds of video that people have."""

import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from ferstream.producer.sources.synthetic import Portraits

NTSC = Fraction(30000, 1001)


def portraits(count: int, size: tuple[int, int] = (640, 360)) -> list[np.ndarray]:
    """Pictures (height, width, 3) BGR of two faces that drift, 1/15 s apart."""
    camera = Portraits(15.0, threading.Event(), realtime=False)
    camera.open()
    return [cv2.resize(camera.compose(number), size, interpolation=cv2.INTER_AREA) for number in range(count)]


def make_clip(
    path: Path,
    *,
    frames: int = 12,
    rate: Fraction = NTSC,
    ticks: Sequence[int] | None = None,
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    size: tuple[int, int] = (640, 360),
    aspect: Fraction | None = None,
    sound: str | None = None,
) -> Path:
    """A clip of the portraits. `ticks` says when each frame is shown, in 1/1000 s; `sound` is the codec of a tone beside it."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.codec_context.time_base = Fraction(1, 1000) if ticks else 1 / rate
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        tone = container.add_stream(sound, rate=48000) if sound else None
        for number, picture in enumerate(portraits(frames, size)):
            frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = ticks[number] if ticks else number, video.codec_context.time_base
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if tone is not None:
            _add_tone(container, tone, frames / float(rate))
    return path


def _add_tone(container, stream, seconds: float) -> None:
    samples = (0.2 * np.sin(np.arange(int(48000 * seconds)) * 0.06)).astype(np.float32)
    stereo = np.stack([samples, samples])
    for start in range(0, stereo.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(stereo[:, start : start + 1024]), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
