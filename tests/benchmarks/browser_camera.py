"""Seconds from a page's sending a frame to its answer, and what they went to: `python -m tests.benchmarks.browser_camera`.

One face at 640x480, packaged models, an embedded Redis, everything on this machine; on one that is busy the figures mean little.
With --browser it is from capture to drawing, in a headless Chromium whose camera is a file, as the page itself measures it.
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
from tests.support.browser import chromium, visit
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


def measure_in_browser(server: FramesServer, film: Path, frames: int) -> list[Told]:
    """Of each frame from its capture to the end of its drawing."""
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}")
    with chromium(*fake) as browser, visit(browser, f"{server.origin}/try?measure=1") as page:
        page.get_by_role("button", name="Use my camera").click()
        page.wait_for_function(f"() => ferTry.drawn >= {frames + WARM_UP}", timeout=120_000)
        delays, stages = page.evaluate("[ferTry.delays, ferTry.stages]")
    shown = zip(delays, stages, strict=True)
    return [{"in all": delay / 1000, **each} for delay, each in list(shown)[WARM_UP:]]


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
@click.option("--fps", default=10.0, show_default=True, help="Of the script; a browser sends 15.")
@click.option("--threads", default="2", show_default=True, help="Of the worker, a stage.")
@click.option("--browser", is_flag=True, help="From capture to drawing in Chromium, in place of a script's from send to answer.")
def main(frames: int, fps: float, threads: str, browser: bool) -> None:
    """A person's own camera: p50, p95, and each stage's share."""
    jpegs = pictures(30)
    with ExitStack() as stack:
        redis = stack.enter_context(EmbeddedRedis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        worker = stack.enter_context(WorkerProcess(redis.url, "--threads", threads, log=folder / "worker.log"))
        server = stack.enter_context(FramesServer(redis.url))
        worker.wait_until_ready()
        if browser:
            film = folder / "film.mjpeg"
            film.write_bytes(b"".join(jpegs))
            print_table(measure_in_browser(server, film, frames))
        else:
            print_table(measure(server, jpegs, frames, fps))


if __name__ == "__main__":
    main()
