"""`python -m tests.benchmarks.analyze`: how fast fer-analyze is beside a worker alone, on the same pictures in one run.

The worker is that of `make bench`: it takes JPEGs out of a full stream. fer-analyze also decodes the file, encodes the JPEGs and
writes the tables, on the same cores. Its speed is that between a short and a long clip, without the start of the programs, which
is told beside it. What the drawing costs is the difference of the long clip with it.
"""

import argparse
import json
import os
import tempfile
import time
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import av
import simplejpeg

from tests.benchmarks.measuring import make_frames
from tests.benchmarks.worker import CORES, measure_worker
from tests.support.programs import run

RATE = 25


def make_clip(path: Path, frames: list[bytes], count: int) -> Path:
    """The frames over and over as H.264."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        pictures = [simplejpeg.decode_jpeg(frame) for frame in frames]
        video.height, video.width, video.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        for number, picture in enumerate(islice(cycle(pictures), count)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return path


def measure_analyze(clip: Path, *options: str) -> tuple[float, float]:
    """Seconds of the whole command, and of processors."""
    before = getrusage(RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        ended = run("analyze", str(clip), "--out", folder, "--json", *options)
        seconds = time.perf_counter() - started
    if ended.returncode:
        raise SystemExit(ended.stdout + ended.stderr)
    after = getrusage(RUSAGE_CHILDREN)
    return seconds, sum(after[:2]) - sum(before[:2])


def measure(faces: int, short: int, long: int, options: tuple[str, ...]) -> dict[str, float]:
    """Everything that the table shows."""
    frames = make_frames(64, faces)
    with tempfile.TemporaryDirectory() as folder:
        clips = [make_clip(Path(folder) / f"{count}.mp4", frames, count) for count in (short, long)]
        workers = [measure_worker(frames, "cpu", "f32", long)]
        first, second = (measure_analyze(clip, "--no-video", *options) for clip in clips)
        drawn = measure_analyze(clips[1], *options)
        workers.append(measure_worker(frames, "cpu", "f32", long))  # before and after: the machine may have drifted in between
    worker_fps = sum(worker["frames_per_second"] for worker in workers) / 2
    worker_cpu = sum(worker["cpu_s_per_frame"] for worker in workers) / 2
    seconds, cpu = ((two - one) / (long - short) for one, two in zip(first, second, strict=True))
    return {
        "worker_fps": worker_fps,
        "analyze_fps": 1 / seconds,
        "ratio": 1 / seconds / worker_fps,
        "start_s": first[0] - short * seconds,
        "worker_cpu_ms": 1000 * worker_cpu,
        "analyze_cpu_ms": 1000 * cpu,
        "cpu_ratio": worker_cpu / cpu,
        "drawing_cpu_ms": 1000 * (drawn[1] - second[1]) / long,
        "drawn_seconds": drawn[0],
        "load": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=3)
    parser.add_argument("--short", type=int, default=150, help="frames of the short clip")
    parser.add_argument("--long", type=int, default=750, help="frames of the long clip")
    parser.add_argument("options", nargs="*", help="of fer-analyze, after --")
    arguments = parser.parse_args()
    figures = measure(arguments.faces, arguments.short, arguments.long, tuple(arguments.options))
    print(f"{CORES} cores, 1280x720 H.264, {arguments.faces} faces a frame")  # noqa: T201
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
