"""Seconds from a browser's camera to the drawn answer, and what they went to: `python -m tests.benchmarks.glass_to_glass`.

A headless Chromium's camera is a film of one of the demo's faces, 640x480. Redis, one worker with the packaged models, the page's
server and the browser are on this machine; on one that is busy the figures mean little. The page measures: a delay begins when
the browser captured the frame, and ends when the answer was drawn on that very frame.
"""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
from playwright.sync_api import Page

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.benchmarks.browser_camera import pictures
from tests.support.browser import chromium, visit
from tests.support.dashboard import Dashboard
from tests.support.fleet import WorkerProcess

#: The first answers wait for a warm worker.
WARM_UP = 20
_FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_TAKE = "() => ({...ferTry, delays: ferTry.delays.splice(0), stages: ferTry.stages.splice(0), faces: ferTry.faces.splice(0)})"


def measure(url: str, film: Path, frames: int) -> dict[str, Any]:
    """What the page measured of so many answers."""
    with chromium(*_FAKE, f"--use-file-for-fake-video-capture={film}") as browser, visit(browser, f"{url}/try?measure=1") as page:
        page.get_by_role("button", name="Use my camera").click()
        _wait_for(page, WARM_UP)
        page.evaluate(_TAKE)
        _wait_for(page, WARM_UP + frames)
        seen: dict[str, Any] = page.evaluate(_TAKE)
        return seen


def _wait_for(page: Page, drawn: int) -> None:
    page.wait_for_function(f"() => ferTry.drawn >= {drawn}", timeout=120_000)


def figures(seen: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds: p50 and p95 of the delay and of each stage, and the stage's share of all delays."""
    delays, stages = np.array(seen["delays"]), seen["stages"]
    by_stage = {name: np.array([one[name] for one in stages]) * 1000 for name in stages[0]}
    return {
        "answers": len(delays),
        "mismatches": seen["mismatches"],
        "faces": sum(map(len, seen["faces"])) / len(delays),
        "delay_ms": _percentiles(delays),
        "stages_ms": {name: _percentiles(taken) | {"share": taken.sum() / delays.sum()} for name, taken in by_stage.items()},
    }


def _percentiles(values: np.ndarray) -> dict[str, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return {"p50": float(p50), "p95": float(p95)}


def print_table(told: dict[str, Any]) -> None:
    click.echo(f"{told['answers']} answers with {told['faces']:.2f} faces each, {told['mismatches']} not on their own frame\n")
    click.echo("| stage | p50 | p95 | share |")
    click.echo("|---|---|---|---|")
    for name, one in told["stages_ms"].items():
        click.echo(f"| {name} | {one['p50']:.1f} ms | {one['p95']:.1f} ms | {one['share']:.0%} |")
    click.echo(f"| **capture to screen** | **{told['delay_ms']['p50']:.0f} ms** | **{told['delay_ms']['p95']:.0f} ms** | 100% |")


@click.command(context_settings={"show_default": True}, help=__doc__)
@click.option("--frames", default=200, help="Answers to measure.")
@click.option("--threads", default="2", help="Of the worker, a stage.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(frames: int, threads: str, as_json: bool) -> None:
    with ExitStack() as stack:
        redis = stack.enter_context(EmbeddedRedis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        film = folder / "face.mjpeg"
        film.write_bytes(b"".join(pictures(90)))
        worker = stack.enter_context(WorkerProcess(redis.url, "--threads", threads, log=folder / "worker"))
        server = stack.enter_context(Dashboard(redis.url))
        worker.wait_until_ready()
        told = figures(measure(server.url, film, frames))
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        print_table(told)


if __name__ == "__main__":
    main()
