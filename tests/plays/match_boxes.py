"""Does every box lie on the face of the very picture it was found in? `python -m tests.plays.match_boxes`, in about two minutes.

Two cameras of moving faces, a worker with previews, Redis, the page's server and a browser, all real. Of each picture that the
wall draws, the canvas's pixels say which frame it is (a code in its corner) and where the boxes are; Redis says what the worker
found in the frame whose sequence the page names. `--break` has the page draw the faces of the picture before: this must be found.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import redis

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from tests.support.box_matches import BoxMatches
from tests.support.browser import chromium, visit
from tests.support.dashboard import Dashboard
from tests.support.fleet import WorkerProcess
from tests.support.programs import start

if TYPE_CHECKING:  # a slim environment collects a test of it
    from playwright.sync_api import Page, Route

#: Seconds in which a picture must have come.
SILENT_S = 60
_MODULE = "**/static/js/core/picture.js"
_DRAWS = "drawFaces(context, message,"
_WRONG = "drawFaces(context, { ...message, faces: (this.facesBefore ?? [message]).at(0).faces },"
_AFTER = "if (this.#bitmap) draws?.drawn"
_REMEMBER = "this.facesBefore = [this.facesBefore?.at(-1) ?? message, message];\n"


@contextmanager
def deployment(cameras: Sequence[str], fps: float) -> Iterator[tuple[Dashboard, redis.Redis]]:
    """Cameras of portraits, a worker with previews, and the page's server; and a client of their Redis."""
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedRedis())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        worker = stack.enter_context(WorkerProcess(server.url, "--previews", "plain", log=folder / "worker"))
        page = stack.enter_context(Dashboard(server.url))
        worker.wait_until_ready()
        named = [f"--camera={name}=portraits:{number}" for number, name in enumerate(cameras)]
        producer = start("producer", "run", "--redis", server.url, "--metrics-port", "0", "--fps", str(fps), *named)
        stack.enter_context(producer)
        stack.callback(producer.terminate)
        yield page, stack.enter_context(connect(server.url))


def break_page(page: "Page") -> None:
    """From its next load on, it draws the faces of the picture before."""

    def broken(route: "Route") -> None:
        reply = route.fetch()
        text = reply.text()
        assert _DRAWS in text
        assert _AFTER in text
        route.fulfill(response=reply, body=text.replace(_DRAWS, _WRONG).replace(_AFTER, _REMEMBER + _AFTER))

    page.route(_MODULE, broken)
    page.reload()


def match(page: "Page", client: redis.Redis, frames: int, tell: bool = False) -> BoxMatches:
    """What so many pictures show, each beside its own result."""
    matches = BoxMatches(page, client)
    heard_at = time.monotonic()
    while matches.looked_at < frames:
        page.wait_for_timeout(200)
        if matches.look():
            heard_at = time.monotonic()
        if time.monotonic() - heard_at > SILENT_S:
            raise AssertionError(f"no picture for {SILENT_S} s, after {matches.looked_at}")
        if tell:
            click.echo(f"\r{matches.looked_at:6} of {frames}", nl=False, err=True)
    return matches


@click.command(context_settings={"show_default": True}, help=__doc__)
@click.option("--frames", default=1000, help="Pictures to look at.")
@click.option("--fps", default=10.0, help="Of each camera.")
@click.option("--break", "broken", is_flag=True, help="Draw the faces of the picture before.")
def main(frames: int, fps: float, broken: bool) -> None:
    with (
        deployment(("door", "hall"), fps) as (server, client),
        chromium() as browser,
        visit(browser, f"{server.url}/?measure=1") as page,
    ):
        if broken:
            break_page(page)
        matches = match(page, client, frames, tell=sys.stderr.isatty())
    click.echo(matches.told)
    if broken != bool(matches.mismatches):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
