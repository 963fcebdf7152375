"""Makes docs/pictures/page: every page of the dashboard, light and dark, on a desk and on a phone.

`make screenshots`, or `python -m tests.plays.photograph_pages wall fleet` for some of them; with Debian's chromium installed. All
is real: moving faces, a worker, a tracker, Redis, the server. Only the hour before is made up, as events.
"""

import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import click
import cv2
import simplejpeg
from PIL import Image
from playwright.sync_api import Browser, Page

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_event
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Event
from tests.consumer.dashboard.access.page import people
from tests.plays.hour_of_cameras import Camera, Visit, visits_of
from tests.support.browser import chromium, visit
from tests.support.dashboard import Dashboard
from tests.support.fleet import WorkerProcess
from tests.support.paths import ROOT
from tests.support.portrait_clips import portraits
from tests.support.programs import start
from tests.support.records import event

FOLDER = ROOT / "docs" / "pictures" / "page"
SIZES = {"desk": (1440, 900), "phone": (360, 740)}
QUALITY = 72
FILE = """\
# The house in Linz. Ask Ana before you move a camera.
cameras:
  entrance:
    url: 'portraits:3'
    fps: 3
    mask: [[[0, 0], [0.24, 0], [0.17, 0.4], [0, 0.46]]]   # the neighbour's window
    region: [[0.01, 0.02], [0.99, 0.02], [0.92, 0.98], [0.08, 0.98]]
  reception: {url: 'portraits:1', fps: 3}
  lounge: {url: 'portraits:2', fps: 3}
  café: {url: 'portraits:', fps: 3}
  stairs: {url: 'portraits:4', fps: 3}
"""
_HOUR = (
    Camera("entrance", 3, 15),
    Camera("reception", 1.2, 75, crowd=(25, 40, 4), mood="happiness"),
    Camera("lounge", 0.8, 120, mood="happiness"),
    Camera("café", 1.2, 90, crowd=(10, 25, 2), mood="happiness"),
    Camera("stairs", 3, 6),
)
#: Nothing listens on port 1.
_DOWN = "--camera=yard=rtsp://127.0.0.1:1/stream"
_FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@dataclass(frozen=True, slots=True)
class Place:
    """Where pictures are taken: the server, one that wants a login, and a folder for files."""

    server: str
    closed: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Shot:
    """A page by its address; `ready` brings it to what is worth a picture. `phone` False: it is for large screens."""

    address: str
    ready: Callable[[Page, Place], object]
    phone: bool = True
    closed: bool = False


def _text(words: str) -> Callable[[Page, Place], object]:
    return lambda page, _: page.get_by_text(re.compile(words)).first.wait_for()


def _watched_for_a_while(words: str) -> Callable[[Page, Place], object]:
    """Its lines begin with the first look at the fleet."""

    def ready(page: Page, _: Place) -> None:
        page.get_by_text(words).first.wait_for()
        page.wait_for_timeout(20_000)

    return ready


def _pictures(page: Page, _: Place) -> None:
    page.locator(".stage:not([data-old])").first.wait_for()
    page.get_by_text(re.compile(r"happiness \d")).first.wait_for()
    page.wait_for_timeout(4000)  # people are followed for some seconds


def _one_camera(page: Page, place: Place) -> None:
    _pictures(page, place)
    page.get_by_role("region", name="Events").get_by_text(re.compile("appeared|left")).first.wait_for()


def _own_camera(page: Page, _: Place) -> None:
    page.get_by_role("button", name="Use my camera").click()
    page.get_by_role("img", name=re.compile("Your camera: .*happiness")).wait_for()
    page.wait_for_timeout(4000)


def _own_picture(page: Page, place: Place) -> None:
    page.get_by_label("Drop a file here").set_input_files(place.folder / "two people.jpg")
    page.get_by_text("two people.jpg: 1 picture").wait_for()
    page.locator(".try-found").scroll_into_view_if_needed()
    page.locator(".try-found").evaluate("node => node.closest('.card').scrollIntoView()")


def _masked(page: Page, _: Place) -> None:
    picture = page.get_by_role("img", name="Still picture")
    while not picture.is_visible():  # on a busy machine a trial takes longer than it may
        page.get_by_role("button", name="Try it").click()
        page.locator("button:enabled").filter(has_text="Try it").wait_for()


SHOTS = {
    "camera": Shot("/camera/reception", _one_camera),
    "fleet": Shot("/fleet", _watched_for_a_while("All is well")),
    "review": Shot("/review?camera=reception&kind=left", lambda page, _: page.locator("tbody tr").first.wait_for()),
    "try-camera": Shot("/try", _own_camera),
    "try-picture": Shot("/try", _own_picture),
    "cameras": Shot("/cameras?camera=entrance", _masked),
    "api": Shot("/api", _text("/api/status")),
    "login": Shot("/login", _text("Password"), closed=True),
}
#: Taken when a camera is down.
SHOTS_DOWN = {
    "wall": Shot("/", _pictures),
    "kiosk": Shot("/?kiosk=1", _pictures, phone=False),
    "fleet-fault": Shot("/fleet", _watched_for_a_while("yard is down")),
}


def hour_before(now: float) -> list[Event]:
    """What a tracker said in the hour until now, in order of time."""
    told = []
    for camera in _HOUR:
        for one in visits_of(camera, 3590.0, random.Random(camera.name)):
            told.extend(_events(camera.name, one, now - 3600.0))
    return sorted(told, key=lambda one: one.at)


def _events(camera: str, one: Visit, start_at: float) -> Iterator[Event]:
    since, before = start_at + one.begin, None
    first = 1000 * one.track  # the same numbers would be the same event
    for number, (at, mood) in enumerate(one.moods, first):
        if mood != before:
            kind = "changed" if before else "appeared"
            given = {"emotion": mood, "before": before, "duration": at - one.begin}
            yield event(number, kind, camera, at=start_at + at, since=since, track=one.track, **given)
        before = mood
    lasted = one.end - one.begin
    ends = [begin for begin, _ in one.moods[1:]] + [one.end]
    shares: dict[str, float] = {}
    for (begin, mood), end in zip(one.moods, ends, strict=True):
        shares[mood] = shares.get(mood, 0.0) + (end - begin) / lasted
    given = {"emotion": before, "duration": lasted, "shares": shares}
    yield event(first, "left", camera, at=start_at + one.end, since=since, track=one.track, **given)


@contextmanager
def deployment() -> Iterator[tuple[Place, Callable[[], object]]]:
    """Five cameras with all that belongs to them; the function adds one that is down."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cameras, two = folder / "cameras.yaml", folder / "two people.jpg"
        cameras.write_text(FILE, "utf-8")
        cv2.imwrite(str(two), portraits(100, (1280, 720))[-1])
        redis = stack.enter_context(EmbeddedRedis())
        with connect(redis.url) as client, client.pipeline() as pipe:
            for one in hour_before(time.time()):
                pipe.xadd(Keys().events(0), encode_event(one))
            pipe.execute()
        worker = stack.enter_context(WorkerProcess(redis.url, "--previews", "plain", "--threads", "2", log=folder / "worker"))
        own = ("--redis", redis.url, "--metrics-port", "0")

        def run(*words: str) -> None:
            program = stack.enter_context(start(*words, *own))
            stack.callback(program.terminate)

        server = stack.enter_context(Dashboard(redis.url, "--cameras", str(cameras)))
        closed = stack.enter_context(Dashboard(redis.url, "--users", str(people(folder, ana="admin"))))
        run("consumer", "track", "--keep-events", "7200")
        worker.wait_until_ready()
        run("producer", "run", "--cameras", str(cameras))
        yield Place(server.url, closed.url, folder), lambda: run("producer", "run", _DOWN)


def photograph(browser: Browser, place: Place, shots: dict[str, Shot]) -> None:
    """Each of them in all ways."""
    for name, shot in shots.items():
        for device, size in SIZES.items():
            if device == "phone" and not shot.phone:
                continue
            for dark in (False, True):
                url = (place.closed if shot.closed else place.server) + shot.address
                with visit(browser, url, size=size, dark=dark, may_fail=("Failed to load",)) as page:
                    shot.ready(page, place)
                    page.wait_for_timeout(1500)
                    file = FOLDER / f"{device}-{'dark' if dark else 'light'}" / f"{name}.webp"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    Image.open(BytesIO(page.screenshot())).convert("RGB").save(file, quality=QUALITY, method=6)
                    click.echo(f"{file.relative_to(ROOT)}  {file.stat().st_size // 1000} kB")


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(sorted(SHOTS | SHOTS_DOWN)))
def main(names: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder, deployment() as (place, let_one_fail):
        film = Path(folder) / "faces.mjpeg"
        film.write_bytes(b"".join(simplejpeg.encode_jpeg(one, 90, "BGR", "420") for one in portraits(90)))
        with chromium(*_FAKE, f"--use-file-for-fake-video-capture={film}") as browser:
            photograph(browser, place, {name: shot for name, shot in SHOTS.items() if not names or name in names})
            let_one_fail()
            time.sleep(6)
            photograph(browser, place, {name: shot for name, shot in SHOTS_DOWN.items() if not names or name in names})


if __name__ == "__main__":
    main()
