"""The wall with 16 cameras: what a browser draws of it, what the server takes, and what it costs the workers.

    python -m tests.benchmarks.wall

In about two minutes, three runs, each with a Redis and a `fer-dashboard` of its own. Two cores cannot compute 160 frames a second
of several faces beside a browser, so in the first two runs results and pictures are written as a worker writes them, at 10 frames
a second of each camera: one headless Chromium that shows all of them, 320 px each; then many WebSocket viewers who look at all.
In the third a real worker, on one core, has more frames than it can compute, with those viewers and without in turns; Redis, the
server and the viewers are on the other cores. A machine that is busy with other work makes all but the last ratio worse.
"""

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import psutil
import simplejpeg
from playwright.sync_api import Page

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from tests.benchmarks import dashboard
from tests.benchmarks.dashboard import WARM_S, Sample, Taken, play, view
from tests.benchmarks.measuring import make_frames
from tests.benchmarks.previews import AROUND, Side, Told
from tests.support.browser import chromium, visit
from tests.support.dashboard import Dashboard
from tests.support.portrait_clips import portraits

FACES = 2
#: A worker forgets who looked after so many seconds.
FORGOTTEN_S = 4.0
_PROCESSES = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What the browser did, a second, and the server meanwhile."""

    draws: float
    pictures: float
    browser_cores: float
    server: Taken


class Looked(Side):
    """A worker whose cameras are looked at by viewers, or by nobody."""

    def look(self, side: int | None) -> None:
        """The page's server says who looks."""


def in_browser(cameras: int, fps: float, seconds: float) -> Drawn:
    """One Chromium that shows all cameras."""
    jpegs = [simplejpeg.encode_jpeg(np.ascontiguousarray(one), 75, "BGR", "420") for one in portraits(30, (320, 180))]
    with (
        EmbeddedRedis() as redis,
        Dashboard(redis.url) as server,
        _beside(play, redis.url, cameras, fps, FACES, jpegs, time.time() + 600, 2),
        chromium() as browser,
        visit(browser, f"{server.url}/?kiosk=1&measure=1", size=(1920, 1080)) as page,
    ):
        page.wait_for_function(f"() => document.querySelectorAll('[data-camera] canvas').length === {cameras}")
        time.sleep(WARM_S)
        process = psutil.Process(server.process.pid)
        first, shown, cpu_s = Sample.of(process, server), _shown(page), _browser_cpu_s()
        time.sleep(seconds)
        last, shown_then, cpu_then_s = Sample.of(process, server), _shown(page), _browser_cpu_s()
    passed, draws, pictures = (then - before for before, then in zip(shown, shown_then, strict=True))
    taken = Taken.between(first, last)
    return Drawn(draws=draws / passed, pictures=pictures / passed, browser_cores=(cpu_then_s - cpu_s) / passed, server=taken)


def _shown(page: Page) -> tuple[float, float, float]:
    """Seconds of the page's clock, and how often it has drawn, and pictures."""
    at, draws, pictures = page.evaluate("[performance.now() / 1000, ferDraws.frames, ferDraws.pictures]")
    return at, draws, pictures


def _browser_cpu_s() -> float:
    """Of all of its processes."""
    browsers = [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]
    return sum(one.cpu_times().user + one.cpu_times().system for one in browsers)


def of_worker(viewers: int, rounds: int, count: int) -> list[tuple[Told, Told]]:
    """A worker without viewers and with them, of each round."""
    pictures, told = make_frames(32), []
    cores = sorted(os.sched_getaffinity(0))
    own, others = set(cores[:1]), set(cores[1:]) or set(cores)
    with (
        tempfile.TemporaryDirectory() as folder,
        _on(others),
        EmbeddedRedis(max_memory="2gb") as redis,
        connect(redis.url) as client,
    ):
        with _on(own):
            side = Looked(redis.url, client, "fer", "plain", Path(folder))
        with side.worker.wait_until_ready(), Dashboard(redis.url) as server:
            side.measure(pictures, 4 * AROUND, None)  # warm

            def without() -> Told:
                time.sleep(FORGOTTEN_S)
                return side.measure(pictures, count, None)

            def with_viewers() -> Told:
                with _beside(_look, server.url, viewers):
                    time.sleep(FORGOTTEN_S)
                    seen = side.measure(pictures, count, None)
                assert seen.previews_per_frame > 0.2, "nobody got pictures"
                return seen

            for turn in range(rounds):
                if turn % 2:
                    later = with_viewers()
                    told.append((without(), later))
                else:
                    told.append((without(), with_viewers()))
    return told


def _look(url: str, viewers: int) -> None:
    """Until the process is ended."""
    view(url, viewers, time.time() + 600, _PROCESSES.Pipe()[1])


@contextmanager
def _beside(target: Any, *arguments: Any) -> Iterator[None]:
    """A process that does this during the block."""
    process = _PROCESSES.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """What is started in the block runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@click.command(context_settings={"show_default": True}, help=__doc__)
@click.option("--cameras", default=16)
@click.option("--fps", default=10.0, help="Frames a second of each camera.")
@click.option("--viewers", default=50)
@click.option("--seconds", default=12.0, help="Of each of the first two runs, after a few to get warm.")
@click.option("--rounds", default=4, help="Of the third: each without viewers and with them.")
@click.option("--frames", default=224, help="Of each half of a round.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the numbers here.")
def main(cameras: int, fps: float, viewers: int, seconds: float, rounds: int, frames: int, file: Path | None) -> None:
    shown = in_browser(cameras, fps, seconds)
    many = dashboard.measure(cameras, fps, FACES, 12_000, viewers, seconds)
    pairs = of_worker(viewers, rounds, frames)
    rate, cpu = (
        median(getattr(later, name) / getattr(first, name) for first, later in pairs)
        for name in ("frames_per_second", "cpu_per_frame")
    )
    rates = " to ".join(f"{median(told.frames_per_second for told in column):.1f}" for column in zip(*pairs, strict=True))
    rows = (
        (f"{cameras} cameras at {fps:g} frames a second", "measured", "aim"),
        ("---", "---", "---"),
        ("the browser draws", f"{shown.draws:.0f} times a second, {shown.pictures:.0f} pictures", "25 times or more"),
        ("the browser takes", f"{shown.browser_cores:.2f} cores, without a GPU", ""),
        ("the server takes, for it", f"{shown.server.core:.1%} of a core", "under 20%"),
        (
            f"the server takes, for {viewers} viewers",
            f"{many.core:.1%} of a core, {many.pictures:,.0f} pictures a second",
            "under 100%",
        ),
        (f"its memory then, {seconds:g} s apart", many.memory, "flat, once its figures of the last minutes are full"),
        (f"a worker's frames a second with {viewers} viewers, beside without", f"{rate:.3f} (from {rates})", "0.97 or more"),
        ("its processor time a frame, likewise", f"{cpu:.3f}", "1.03 or less"),
    )
    for row in rows:
        click.echo(f"| {' | '.join(row)} |")
    if file:
        told = {"browser": asdict(shown), "viewers": asdict(many), "worker": [[asdict(told) for told in pair] for pair in pairs]}
        file.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
