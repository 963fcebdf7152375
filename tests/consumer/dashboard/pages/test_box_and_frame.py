"""Every box is drawn on the picture it was found in: read from the pixels of the page, with real cameras and a real worker."""

import pytest

from tests.plays.match_boxes import break_page, deployment, match
from tests.support.browser import chromium, visit

#: It needs the machine for itself: a browser, a worker and a producer beside the tests of another process come to few pictures.
pytestmark = [pytest.mark.deploy, pytest.mark.server, pytest.mark.slow]

CAMERAS = ("door", "hall")


@pytest.fixture(scope="module")
def real():
    with deployment(CAMERAS, fps=8.0) as (server, client), chromium() as browser:
        yield browser, server, client


def test_boxes_are_those_of_the_frame_that_is_shown(real):
    browser, server, client = real
    with visit(browser, f"{server.url}/?measure=1") as page:
        seen = match(page, client, 60)
    assert seen.mismatches == []
    assert seen.boxes >= 60
    assert seen.distinct > 50
    assert seen.backwards == 0


def test_boxes_of_the_frame_before_are_noticed(real):
    browser, server, client = real
    with visit(browser, f"{server.url}/?measure=1") as page:
        break_page(page)
        seen = match(page, client, 20)
    assert any("a box lies" in words for words in seen.mismatches)
