"""The wall in a real browser: cameras that are well and not, by keyboard, on a phone, while the server goes and comes."""

import re

import pytest

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.living_cameras import LivingCameras
from tests.support.patience import PATIENCE

MARKUP = "<img src=x onerror=alert(1)>"
CAMERAS = (MARKUP, "attic", "door", "gate/north", "hall")


@pytest.fixture(scope="module")
def redis_url():
    with EmbeddedRedis() as server:
        yield server.url


@pytest.fixture(scope="module")
def cameras(redis_url):
    with LivingCameras(redis_url, *CAMERAS) as living:
        yield living


@pytest.fixture(scope="module")
def server(redis_url, cameras):
    with Dashboard(redis_url) as process:
        yield process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def tile(page, name):
    return page.locator("li[data-camera]").filter(has=page.get_by_text(name, exact=True))


def pictured(page, name):
    """Wait until the camera's own picture is drawn, in its colour."""
    page.wait_for_function(
        """name => {
            const canvas = document.querySelector(`li[data-camera="${CSS.escape(name)}"] canvas`);
            if (!canvas) return false;
            const [red, , blue] = canvas.getContext("2d").getImageData(canvas.width * 0.9, canvas.height * 0.9, 1, 1).data;
            return blue > 120 && red < 60;
        }""",
        arg=name,
    )


def test_every_camera_is_there_with_its_picture_and_its_name_is_text(browser, server):
    with visit(browser, f"{server.url}/") as page:
        for name in CAMERAS:
            tile(page, name).wait_for()
        pictured(page, "door")
        page.get_by_text("5 faces now").wait_for()
        page.get_by_text("happiness 5").wait_for()
        assert page.locator("main img").count() == 0
        page.get_by_role("link", name="door, live, 1 face, happiness").wait_for()
        # A box is drawn in the colour of its emotion, at the place where the face is.
        edge = """canvas => {
            const context = canvas.getContext("2d");
            const [x, y] = [canvas.width * 320 / 1280, canvas.height * 300 / 720];
            const strip = context.getImageData(x - 6, y, 12, 1).data;
            return Array.from({length: 12}, (_, i) => [strip[4 * i], strip[4 * i + 1], strip[4 * i + 2]]);
        }"""
        page.wait_for_timeout(300)
        near = [pixel for pixel in tile(page, "door").locator("canvas").evaluate(edge) if is_orange(pixel)]
        assert near


def is_orange(pixel):
    red, green, blue = pixel
    return red > 180 and 100 < green < 200 and blue < 90


def test_a_camera_that_is_down_says_so_within_seconds_and_comes_back(browser, server, cameras):
    with visit(browser, f"{server.url}/") as page:
        pictured(page, "hall")
        cameras.change("hall", "down", "connection refused: nothing listens on that port")
        hall = tile(page, "hall")
        hall.get_by_text("Camera down since").wait_for(timeout=5000 * PATIENCE)
        hall.get_by_text("nothing listens on that port").wait_for()
        page.get_by_text("1 not live").wait_for()
        page.get_by_role("status").filter(has_text="hall: Camera down").first.wait_for(state="attached")
        assert hall.locator(".stage").get_attribute("data-old") is not None
        cameras.change("hall", "live")
        hall.get_by_text("Camera down since").wait_for(state="hidden")
        pictured(page, "hall")


def test_what_stopped_is_grey_with_its_age_and_who_went_silent_is_named(browser, server, cameras):
    with visit(browser, f"{server.url}/") as page:
        pictured(page, "attic")
        cameras.quiet.add("attic")
        cameras.silent.add("gate/north")
        tile(page, "attic").get_by_text(re.compile(r"No picture for \d+ s")).wait_for()
        assert tile(page, "attic").locator(".stage").get_attribute("data-old") is not None
        tile(page, "gate/north").get_by_text("Silent since").wait_for()
        cameras.quiet.clear()
        cameras.silent.clear()
        pictured(page, "attic")


def test_by_keyboard_alone(browser, server):
    with visit(browser, f"{server.url}/") as page:
        pictured(page, "door")
        page.keyboard.press("/")
        page.keyboard.type("o")  # of the markup, door and gate/north
        page.wait_for_function("() => document.querySelectorAll('li[data-camera]').length === 3")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Delete")
        page.wait_for_function("() => document.querySelectorAll('li[data-camera]').length === 5")
        while page.evaluate("!document.activeElement.closest('li[data-camera]')"):
            page.keyboard.press("Tab")
        first = focused(page)
        page.keyboard.press("ArrowRight")
        assert focused(page) != first
        page.keyboard.press("End")
        assert focused(page) == "hall"
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="hall", exact=True).wait_for()
        page.keyboard.press("Escape")
        page.wait_for_url(f"{server.url}/")
        page.keyboard.press("?")
        page.get_by_role("dialog").get_by_text("go to the filter").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")


def focused(page):
    return page.evaluate("document.activeElement.closest('li')?.dataset.camera")


def test_a_phone_is_wide_enough_and_a_wall_screen_shows_all_without_controls(browser, server):
    with visit(browser, f"{server.url}/", size=(360, 740)) as page:
        tile(page, "door").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
    with visit(browser, f"{server.url}/?kiosk=1", size=(1920, 1080)) as page:
        pictured(page, "hall")
        assert page.get_by_role("link").count() == page.get_by_role("combobox").count() == 0
        assert page.evaluate("document.documentElement.scrollHeight") <= 1080
        assert all(tile(page, name).bounding_box()["height"] > 200 for name in CAMERAS)


@pytest.mark.parametrize("dark", [False, True])
def test_keeps_nobody_out(browser, server, dark):
    with visit(browser, f"{server.url}/", dark=dark) as page:
        pictured(page, "door")
        assert violations(page) == []


def test_a_server_that_goes_is_missed_and_found_again(browser, redis_url, cameras):
    with (
        Dashboard(redis_url) as server,
        visit(browser, f"{server.url}/", may_fail=("WebSocket connection", "ERR_CONNECTION_REFUSED")) as page,
    ):
        pictured(page, "door")
        server.process.terminate()
        server.ended()
        page.get_by_text(re.compile(r"Connection lost, trying again in \d s")).wait_for()
        tile(page, "door").get_by_text(re.compile(r"No picture for \d+ s")).wait_for()
        with Dashboard(redis_url, "--port", server.url.rpartition(":")[2]):
            page.get_by_text("Connection lost").first.wait_for(state="hidden")
            tile(page, "door").get_by_text("No picture for").wait_for(state="hidden")
            pictured(page, "door")


def test_where_there_is_no_camera_it_says_what_to_start_or_where_to_add_one(browser, tmp_path):
    (tmp_path / "cameras.yaml").write_text("cameras: {}\n")
    with EmbeddedRedis() as empty:
        with Dashboard(empty.url) as server, visit(browser, f"{server.url}/") as page:
            page.get_by_text("No camera has said anything yet").wait_for()
            page.get_by_text("fer-producer run").first.wait_for()
        with Dashboard(empty.url, "--cameras", f"{tmp_path}/cameras.yaml") as server, visit(browser, f"{server.url}/") as page:
            page.get_by_role("link", name="Add a camera").click()
            page.wait_for_url(f"{server.url}/cameras")
