"""One camera's page in a real browser: who is there, what happened, the last hour, and why there is no picture."""

import re
from urllib.parse import quote

import pytest

from ferstream.consumer.dashboard.access.people.users_file import remove_user
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.consumer.dashboard.access.page import PASSWORD, people
from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.living_cameras import LivingCameras
from tests.support.records import event

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def cameras():
    with EmbeddedRedis() as redis, LivingCameras(redis.url, "door", MARKUP) as living:
        now = living.now
        living.tell(
            event(1, "appeared", at=now - 900, since=now - 900, track=1, emotion="neutral"),
            event(2, "changed", at=now - 600, since=now - 900, duration=300.0, track=1, before="neutral", emotion="happiness"),
            event(3, "left", at=now - 300, since=now - 900, duration=600.0, track=1, shares={"neutral": 0.5, "happiness": 0.5}),
        )
        living.url = redis.url
        yield living


@pytest.fixture(scope="module")
def server(cameras):
    with Dashboard(cameras.url) as process:
        yield process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def test_shows_who_is_there_what_happened_and_how_late_it_is(browser, server, cameras):
    with visit(browser, f"{server.url}/camera/door") as page:
        people = page.get_by_role("region", name="Faces now")
        people.get_by_text("happiness 90 %").wait_for()
        people.get_by_text(re.compile(r"here for \d+ s")).wait_for()
        page.locator(".stage:not([data-old])").wait_for()
        events = page.get_by_role("region", name="Events")
        events.get_by_text("from neutral to happiness").wait_for()
        cameras.tell(event(4, "appeared", at=cameras.now, since=cameras.now, track=7, emotion="fear"))
        events.get_by_text("#7 appeared, fear").wait_for()
        tracks = page.get_by_role("region", name="Faces that left")
        tracks.get_by_role("row").filter(has_text="10 min").get_by_text("happiness 50 %").wait_for()
        tracks.get_by_role("group").focus()
        left = {"at": cameras.now, "since": cameras.now - 20, "duration": 20.0, "track": 2}
        cameras.tell(event(5, "left", **left, emotion="fear", shares={"fear": 1.0}))
        tracks.get_by_role("row").filter(has_text="fear 100 %").wait_for()
        assert page.evaluate("document.activeElement.matches('.tracks-wrap')")  # who reads it keeps the place
        page.get_by_role("region", name="Latency").get_by_text(re.compile(r"\d+ ms")).first.wait_for()
        page.get_by_text(re.compile(r"^1280 . 720$")).wait_for()
        assert page.title() == "door · ferstream"


def test_the_last_hour_is_read_by_keyboard(browser, server):
    with visit(browser, f"{server.url}/camera/door") as page:
        timeline = page.get_by_role("slider", name="Expressions over time")
        page.locator("[role=slider][aria-valuetext]").wait_for()
        timeline.focus()
        for _ in range(2):
            page.keyboard.press("PageDown")  # five minutes each
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert re.fullmatch(r"\d\d:\d\d:\d\d: (neutral|happiness) 1.0", timeline.get_attribute("aria-valuetext"))
        page.locator(".chart-readout strong").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("heading", name="Wall").wait_for()


def test_a_name_of_markup_is_text_and_one_that_nobody_knows_is_told(browser, server):
    with visit(browser, f"{server.url}/camera/{quote(MARKUP, safe='')}", may_fail=("404",)) as page:
        page.get_by_role("heading", name=MARKUP).wait_for()
        page.get_by_role("region", name="Faces now").get_by_text("happiness 90 %").wait_for()
        page.goto(f"{server.url}/camera/nobody")
        page.get_by_role("heading", name="No camera is called nobody").wait_for()


@pytest.mark.parametrize("dark", [False, True])
def test_keeps_nobody_out_and_fits_a_phone(browser, server, dark):
    with visit(browser, f"{server.url}/camera/door", size=(360, 740), dark=dark) as page:
        page.get_by_text("from neutral to happiness").wait_for()
        page.get_by_text("happiness 50 %").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert violations(page) == []


def test_without_previews_faces_are_drawn_to_scale_and_it_says_how_to_get_a_picture(browser):
    with (
        EmbeddedRedis() as redis,
        LivingCameras(redis.url, "door", previews=False),
        Dashboard(redis.url) as server,
        visit(browser, f"{server.url}/camera/door") as page,
    ):
        page.get_by_text("start workers with --previews plain").wait_for()
        page.get_by_role("region", name="Faces now").get_by_text("happiness 90 %").wait_for()


def test_who_may_see_no_picture_is_told_so_and_who_is_removed_is_out(browser, cameras, tmp_path):
    users = people(tmp_path, ana="watcher")
    with (
        Dashboard(cameras.url, "--users", str(users)) as server,
        visit(browser, f"{server.url}/camera/door", may_fail=("WebSocket connection",)) as page,
    ):
        page.get_by_label("Name").fill("ana")
        page.get_by_label("Password").last.fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_text("Your role shows faces without pictures").wait_for()
        page.get_by_role("region", name="Faces now").get_by_text("happiness 90 %").wait_for()
        remove_user(users, "ana")
        page.get_by_role("heading", name="Log in").wait_for()
