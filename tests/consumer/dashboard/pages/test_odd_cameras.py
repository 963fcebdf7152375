"""Cameras with odd names, crowds, clocks that somebody sets and answers that come late, in a real browser."""

from urllib.parse import quote

import pytest

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.browser import chromium, visit
from tests.support.dashboard import Dashboard
from tests.support.living_cameras import LivingCameras

#: A name that scripts trip over, the longest, one that addresses trip over, and one from right to left.
LONG = "W" * 128
NAMES = ("__proto__", LONG, "a/b?c#d%zz", "שער צפוני")
LATE = "late"
#: Each as the page has it: text, where it begins, and how wide it is.
LABELS = """async (faces) => {
    const { drawFaces } = await import("/static/js/core/draw.js");
    const context = document.createElement("canvas").getContext("2d");
    const labels = [];
    const write = context.fillText.bind(context);
    context.fillText = (text, x, y, most) => {
        if (text) labels.push([x, y, Math.min(context.measureText(text).width, most)]);
        write(text, x, y, most);
    };
    const place = { x: 0, y: 0, width: 320, height: 180, scale: 0.25 };
    drawFaces(context, { width: 1280, height: 720, faces }, { place, now: 0, label: "short" });
    return labels;
}"""


@pytest.fixture(scope="module")
def cameras():
    with EmbeddedRedis() as redis, LivingCameras(redis.url, *NAMES, LATE) as living:
        living.url = redis.url
        living.quiet.add(LATE)
        living.silent.add(LATE)
        yield living


@pytest.fixture(scope="module")
def server(cameras):
    with Dashboard(cameras.url) as process:
        yield process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def test_whatever_a_camera_is_called_it_has_its_picture(browser, server):
    with visit(browser, f"{server.url}/") as page:
        for name in NAMES:
            page.get_by_role("link", name=f"{name}, live, 1 face, happiness").wait_for()


def test_a_name_without_a_place_to_break_leaves_room_for_the_rest(browser, server):
    with visit(browser, f"{server.url}/fleet", size=(1440, 900)) as page:
        table = page.get_by_role("region", name="Cameras")
        table.get_by_role("link", name=LONG).wait_for()
        assert table.locator("table").evaluate("one => one.scrollWidth <= one.closest('.table-wrap').clientWidth")
    for name in (LONG, "M" * 128):
        with visit(browser, f"{server.url}/camera/{name}", size=(360, 740), may_fail=("404",)) as page:
            page.get_by_role("heading", name=name).wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_clock_that_is_set_makes_no_picture_old(browser, server):
    with visit(browser, f"{server.url}/") as page:
        page.locator("li[data-camera] .stage:not([data-old])").nth(len(NAMES) - 1).wait_for()
        page.evaluate("() => { const real = Date.now; Date.now = () => real() + 20_000; }")
        page.wait_for_timeout(1500)
        assert page.locator(".stage[data-old]").count() == 0


def test_a_camera_that_comes_later_is_shown_where_nobody_knew_it(browser, server, cameras):
    with visit(browser, f"{server.url}/camera/{LATE}", may_fail=("404",)) as page:
        page.get_by_role("heading", name=f"No camera is called {LATE}").wait_for()
        cameras.silent.clear()
        cameras.quiet.clear()
        page.get_by_role("region", name="Faces now").get_by_text("happiness 90 %").wait_for()


def test_an_answer_of_a_span_that_is_not_shown_any_more_is_left(browser, server):
    with visit(browser, f"{server.url}/fleet") as page:
        held = []

        def hold(route):
            held.append(route)

        page.route("**/timeline?minutes=60*", hold)
        page.goto(f"{server.url}/camera/{quote(NAMES[2], safe='')}")
        page.get_by_role("button", name="10 min").click()
        chart = page.locator("[role=slider][aria-valuemax]")
        chart.wait_for()
        steps = chart.get_attribute("aria-valuemax")
        for one in held:
            one.continue_()
        page.wait_for_timeout(500)
        assert chart.get_attribute("aria-valuemax") == steps


def test_in_a_crowd_no_name_lies_on_another(browser, server):
    faces = [
        {"box": [left, top, left + 150, top + 180], "emotion": "happiness", "confidence": 0.9}
        for left in range(0, 1200, 110)
        for top in range(0, 600, 150)
    ]
    with visit(browser, f"{server.url}/") as page:
        labels = page.evaluate(LABELS, faces)
    assert len(labels) > 5
    for index, (x, y, width) in enumerate(labels):
        assert not [one for one in labels[index + 1 :] if abs(one[1] - y) < 18 and one[0] < x + width and x < one[0] + one[2]]
