"""Logging in on the page: what is wrong is said, and one is where one wanted to go. And the list of the API."""

import pytest

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.consumer.dashboard.access.page import PASSWORD, TOKEN, people, token_file
from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard

REQUEST_FAILS = "Failed to load resource"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    given = ("--users", str(people(folder, ben="viewer")), "--token-file", str(token_file(folder)))
    with EmbeddedRedis() as redis, Dashboard(redis.url, *given) as process:
        yield process


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def test_with_a_name_after_a_wrong_password(browser, server):
    with visit(browser, f"{server.url}/fleet", may_fail=(REQUEST_FAILS,)) as page:
        page.get_by_role("heading", name="Log in").wait_for()
        assert violations(page) == []
        page.get_by_label("Name").press_sequentially("ben")  # the first field has the focus
        page.get_by_label("Password").last.fill("guessed")
        page.keyboard.press("Enter")
        page.get_by_role("alert").get_by_text("password").wait_for()
        page.get_by_label("Password").last.fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Fleet").wait_for()
        assert page.url == f"{server.url}/fleet"
        assert page.get_by_role("link", name="Cameras").count() == 0  # a viewer changes none
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("heading", name="Log in").wait_for()


def test_with_a_token_on_a_phone_and_nowhere_else_than_here(browser, server):
    address = f"{server.url}/login?next=https%3A%2F%2Felsewhere.example%2F"
    with visit(browser, address, size=(360, 740), dark=True) as page:
        page.get_by_role("button", name="Token").click()
        page.get_by_label("Token").last.fill(TOKEN)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{server.url}/")
        page.goto(f"{server.url}/api")
        page.get_by_text("/api/status", exact=True).click()
        card = page.get_by_role("group").filter(has_text="/api/status")
        assert f"'{server.url}/api/status'" in card.inner_text()
        card.get_by_role("button", name="Try it").click()
        card.get_by_text('"prefix": "fer"').wait_for()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360
