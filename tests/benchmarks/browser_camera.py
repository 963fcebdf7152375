"""Seconds from a page's sending a frame to its answer, and what they went to: `python -m tests.benchmarks.browser_camera`.

One face at 640x480, packaged models, an embedded Redis, everything on this machine; on one that is busy the figures mean little.
What a browser takes beside it, tests/benchmarks/glass_to_glass.py measures.
"""

import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import click
import cv2
import numpy as np
import simplejpeg

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.fleet import WorkerProcess
from tests.support.frames_server import FramesServer
from tests.support.portrait_clips import portraits

WARM_UP = 10
#: A frame's seconds by what they went to.
Told = dict[str, float]


def pictures(count: int) -> list[bytes]:
    """JPEGs of one of the demo's portraits, which drifts. 640x480"""
    return [
        simplejpeg.encode_jpeg(np.ascontiguousarray(cv2.resize(one[:, :640], (640, 480))), 80, "BGR", "420")
        for one in portraits(count, (1280, 720))
    ]


def measure(server: FramesServer, jpegs: list[bytes], frames: int, fps: float) -> list[Told]:
    """Of each frame from its sending on; the next one leaves when it is due and the one before is answered."""
    told = []
    with server.page(fps=fps) as page:
        due = time.perf_counter()
        for number in range(frames + WARM_UP):
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due + 1 / fps, time.perf_counter())
            sent_at = time.perf_counter()
            page.send(number, jpegs[number % len(jpegs)])
            answer = page.hear_of(number)
            if answer["type"] == "result" and number >= WARM_UP:
                told.append({"in all": time.perf_counter() - sent_at, **answer["seconds"]})
    return told


def print_table(told: list[Told]) -> None:
    by_stage = defaultdict(list)
    for one in told:
        for stage, seconds in one.items():
            by_stage[stage].append(seconds)
    click.echo(f"{len(told)} frames answered")
    for stage, seconds in by_stage.items():
        p50, p95 = np.percentile(seconds, (50, 95)) * 1000
        click.echo(f"{stage:>10}  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms")


@click.command()
@click.option("--frames", default=150, show_default=True)
@click.option("--fps", default=10.0, show_default=True)
@click.option("--threads", default="2", show_default=True, help="Of the worker, a stage.")
def main(frames: int, fps: float, threads: str) -> None:
    """From send to answer: p50, p95, and each stage's share."""
    jpegs = pictures(30)
    with ExitStack() as stack:
        redis = stack.enter_context(EmbeddedRedis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        worker = stack.enter_context(WorkerProcess(redis.url, "--threads", threads, log=folder / "worker.log"))
        server = stack.enter_context(FramesServer(redis.url))
        worker.wait_until_ready()
        print_table(measure(server, jpegs, frames, fps))


if __name__ == "__main__":
    main()
