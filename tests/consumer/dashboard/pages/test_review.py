"""Review: events are found again by what the address says, older ones are loaded, and CSV has the same."""

import csv
import re
import time
from pathlib import Path

import pytest

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_event
from ferstream.streams.wire.keys import Keys
from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.records import event

MARKUP = "<b>yard</b>"
#: Of the door; some more of the yard. A page of the table has 200.
MANY = 230


@pytest.fixture(scope="module")
def redis_url():
    with EmbeddedRedis() as server:
        yield server.url


@pytest.fixture(scope="module")
def client(redis_url):
    client = connect(redis_url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def server(redis_url, client):
    now = time.time()
    for number in range(MANY):
        tell(client, event(number, at=now - 600 + number, track=number))
    tell(client, event(1, "left", MARKUP, at=now - 60, emotion="sadness", shares={"sadness": 0.8, "neutral": 0.2}))
    tell(client, event(2, "appeared", MARKUP, at=now - 90_000, emotion="sadness"))  # the day before yesterday
    with Dashboard(redis_url) as process:
        process.wait_for("/api/history", lambda answer: len(answer.json["events"]) > MANY)
        yield process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def tell(client, one):
    """As a tracker does."""
    client.xadd(Keys().events(0), encode_event(one))


def test_filters_live_in_the_address_and_are_those_of_the_csv(browser, server):
    with visit(browser, f"{server.url}/review") as page:
        page.get_by_role("heading", name="The newest 200 events").wait_for()
        page.get_by_label("Camera", exact=True).select_option(MARKUP)
        page.get_by_role("heading", name="1 event", exact=True).wait_for()
        row = page.get_by_role("row").nth(1)
        assert re.search(r"<b>yard</b>.*left.*sadness.*sadness 80 %, neutral 20 %", row.inner_text(), re.DOTALL)
        page.get_by_label("Expression").select_option("sadness")
        page.get_by_label("What happened").select_option("left")
        address = page.url
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        lines = Path(download.value.path()).read_text("utf-8").splitlines()
        assert [line["camera_id"] for line in csv.DictReader(lines)] == [MARKUP]
    with visit(browser, address, dark=True) as page:  # sent to somebody
        page.get_by_role("heading", name="1 event", exact=True).wait_for()
        assert page.get_by_label("Camera", exact=True).input_value() == MARKUP
        assert page.get_by_label("Expression").input_value() == "sadness"
        assert violations(page) == []
        page.get_by_label("When").select_option("own")
        page.get_by_label("From", exact=True).fill("2020-01-01T00:00:00")
        page.get_by_label("What happened").select_option("")
        page.get_by_role("heading", name="2 events").wait_for()
        assert "from=1577" in page.url
        page.get_by_label("Expression").select_option("fear")
        page.get_by_role("heading", name="No event fits").wait_for()


def test_older_ones_are_loaded_and_new_ones_wait_to_be_asked_for(browser, server, client):
    with visit(browser, f"{server.url}/review?camera=door", size=(360, 740)) as page:
        page.get_by_role("button", name="Show older ones").click()
        page.get_by_role("heading", name=f"{MANY} events", exact=True).wait_for()
        assert page.locator("tbody tr").count() == MANY
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        tell(client, event(1, "left", MARKUP, at=time.time()))  # not of this camera
        tell(client, event(9000, at=time.time(), emotion="fear"))
        page.get_by_role("button", name="1 new event: show it").press("Enter")
        page.get_by_role("row").nth(1).get_by_text("fear").wait_for()
