"""A walk through all pages: with keys alone, on a phone, in both lights, with nobody kept out and nothing that fails."""

from urllib.parse import quote

import pytest

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.living_cameras import LivingCameras
from tests.support.records import event

CAMERAS = ("a-camera-with-a-name-that-is-long-for-a-phone", "door", "hall")
#: Each page, by its address, with what is there once it is ready.
PAGES = {
    "/": "li[data-camera=door] .stage:not([data-old])",
    f"/camera/{quote(CAMERAS[0])}": ".stage:not([data-old])",
    "/fleet": ".fleet-figures",
    "/review": "tbody tr",
    "/try": "form",
    "/cameras": "form, button[type=submit], li button",
    "/api": "main h2",
    "/login": "main h1",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where a server with cameras, events and a file of cameras is."""
    file = tmp_path_factory.mktemp("walk") / "cameras.yaml"
    file.write_text("cameras:\n  door: 'portraits:'\n", "utf-8")
    with EmbeddedRedis() as redis, LivingCameras(redis.url, *CAMERAS) as living:
        now = living.now
        for number, name in enumerate(CAMERAS):
            living.tell(event(number, "appeared", name, at=now - 300 + number, since=now - 300, emotion="neutral"))
            living.tell(event(number, "left", name, at=now - 200 + number, since=now - 300, duration=100.0))
        with Dashboard(redis.url, "--cameras", str(file)) as server:
            yield server.url


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def press_to(page, key, there, most=60):
    """Press a key until the script is true of the focused element."""
    for _ in range(most):
        if page.evaluate(f"(() => {{ const at = document.activeElement; return {there}; }})()"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead there: {there}")


def test_from_the_wall_to_a_camera_the_fleet_and_a_found_event_with_keys_alone(browser, address):
    with visit(browser, f"{address}/") as page:
        page.locator("li[data-camera=door] .stage:not([data-old])").wait_for()
        press_to(page, "Tab", "at.closest('li[data-camera]')")
        press_to(page, "ArrowRight", "at.closest('li').dataset.camera === 'door'")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="door", exact=True).wait_for()
        press_to(page, "Shift+Tab", "at.pathname === '/fleet'")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Fleet", exact=True).wait_for()
        press_to(page, "Shift+Tab", "at.pathname === '/review'")
        page.keyboard.press("Enter")
        page.locator("tbody tr").nth(5).wait_for()
        press_to(page, "Tab", "at.name === 'camera'")
        page.keyboard.type("hall")
        page.get_by_role("heading", name="2 events").wait_for()
        press_to(page, "Tab", "at.pathname === '/camera/hall'")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="hall", exact=True).wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("heading", name="Wall", exact=True).wait_for()
        assert page.evaluate("document.activeElement !== document.body")


@pytest.mark.parametrize(("dark", "size"), [(False, (360, 740)), (True, (1440, 900))])
def test_every_page_fits_and_keeps_nobody_out(browser, address, dark, size):
    with visit(browser, f"{address}/", size=size, dark=dark) as page:
        for path, ready in PAGES.items():
            page.goto(address + path)
            page.locator(ready).first.wait_for()
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide == size[0], f"{path} is {wide} px wide"
            assert violations(page) == [], path
