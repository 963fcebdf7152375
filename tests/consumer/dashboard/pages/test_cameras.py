"""Cameras of a file on the page: masked with keys and pointer, changed, removed after a question; the file keeps its comments."""

import re

import pytest
import yaml

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.living_cameras import LivingCameras

REQUEST_FAILS = "Failed to load resource"
YARD = "<b>yard</b>"
FILE = """\
# Ours; ask Ana before you change the door.
cameras:
  door:  # at the front
    url: rtsp://ana:secret@192.0.2.1/stream
    fps: 2
  "<b>yard</b>":
    url: 'portraits:1'
    region: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cameras") / "cameras.yaml"
    path.write_text(FILE, "utf-8")
    return path


@pytest.fixture(scope="module")
def redis_url():
    with EmbeddedRedis() as server, LivingCameras(server.url, "door"):
        yield server.url


@pytest.fixture(scope="module")
def server(redis_url, file):
    with Dashboard(redis_url, "--cameras", str(file)) as process:
        yield process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def cameras_of(file):
    return yaml.safe_load(file.read_text("utf-8"))["cameras"]


def test_a_camera_is_tried_masked_and_added(browser, server, file):
    with visit(browser, f"{server.url}/cameras", may_fail=(REQUEST_FAILS,)) as page:
        page.get_by_role("button", name=re.compile("door.*live")).wait_for()
        page.get_by_role("button", name="Add a camera").press("Enter")
        page.keyboard.type("hall")
        page.get_by_label("Address").fill("ftp://192.0.2.1/")
        page.get_by_role("button", name="Try it").click()
        page.locator("[data-field=url]").get_by_role("alert").get_by_text("must begin with rtsp://").wait_for()
        page.get_by_label("Address").fill("portraits:")
        page.get_by_role("button", name="Try it").click()
        page.get_by_text(re.compile("1280 . 720, .* frames a second")).wait_for()
        assert page.get_by_role("img", name="Still picture").evaluate("image => [image.naturalWidth > 0, image.complete]") == [
            True,
            True,
        ]
        page.get_by_role("button", name="Mask", exact=True).press("Enter")  # a rectangle in the middle, its first corner focused
        page.keyboard.press("Shift+ArrowLeft")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")  # a corner more, after it
        page.keyboard.press("Delete")
        page.get_by_role("button", name="Region", exact=True).click()
        corner = page.get_by_role("button", name="Corner 1 of Region").bounding_box()
        page.mouse.move(corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2)
        page.mouse.down()
        page.mouse.move(0, 0)
        page.mouse.up()
        assert violations(page) == []
        page.get_by_role("button", name="Save").click()
        page.get_by_role("status").get_by_text("hall is saved").wait_for()
    hall = cameras_of(file)["hall"]
    assert hall["mask"][0] == [[0.3, 0.34], [0.65, 0.35], [0.65, 0.65], [0.35, 0.65]]
    assert hall["region"][0] == [0, 0]
    assert "# at the front" in file.read_text("utf-8")


def test_a_setting_changes_and_nothing_else(browser, server, file):
    with visit(browser, f"{server.url}/cameras", dark=True) as page:
        page.get_by_role("button", name=re.compile("door")).click()
        assert "secret" not in page.content()
        page.get_by_label("Frames a second").fill("1000")
        page.get_by_role("button", name="Save").click()
        assert page.get_by_label("Frames a second").evaluate("input => input.validity.rangeOverflow")
        page.get_by_label("Frames a second").fill("12")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("status").get_by_text("door is saved").wait_for()
    assert cameras_of(file)["door"] == {"url": "rtsp://ana:secret@192.0.2.1/stream", "fps": 12}


def test_a_camera_is_removed_after_a_question(browser, server, file):
    with visit(browser, f"{server.url}/cameras", size=(360, 740)) as page:
        page.get_by_role("button", name=re.compile("yard")).click()
        page.get_by_role("button", name="Corner 3 of Region, 50 % across, 90 % down").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.get_by_role("button", name="Remove", exact=True).click()
        question = page.get_by_role("dialog", name=f"Remove {YARD}?")
        question.get_by_role("button", name="Keep it").press("Enter")
        assert YARD in cameras_of(file)
        page.get_by_role("button", name="Remove", exact=True).click()
        question.get_by_role("button", name="Remove", exact=True).click()
        page.get_by_role("status").get_by_text("is removed").wait_for()
    assert YARD not in cameras_of(file)
