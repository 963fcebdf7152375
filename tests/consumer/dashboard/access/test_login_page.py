"""Logging in with a real browser: in, out, and sent away."""

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ferstream.consumer.dashboard.access import watched_connection
from ferstream.consumer.dashboard.access.people.users_file import remove_user
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.server import build_app
from ferstream.consumer.dashboard.viewer_protocol import ViewerProtocol
from tests.consumer.dashboard.access.page import PASSWORD, TOKEN, people, settings, token_file
from tests.support.browser import chromium, violations, visit
from tests.support.web_server import serving

#: Chromium tells of answers that the page asked for on purpose.
REFUSED = ("status of 401", "WebSocket connection")


@pytest.fixture
def users(tmp_path):
    return people(tmp_path, ben="viewer")


@pytest.fixture
def address(redis_url, users, monkeypatch):
    monkeypatch.setattr(watched_connection, "LOOK_AGAIN_S", 0.5)
    wanted = settings(redis_url=redis_url, users_file=users, token_file=token_file(users.parent))
    with serving(build_app(wanted, Hub(wanted, DashboardMetrics(CollectorRegistry()))), ws=ViewerProtocol) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def log_in(page, password=PASSWORD):
    page.get_by_label("Name", exact=True).fill("ben")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password", exact=True).press("Enter")


def test_in_to_where_one_wanted_to_go_and_out_with_the_right_to_it(browser, address, users):
    with visit(browser, f"{address}/fleet", may_fail=REFUSED) as page:
        page.wait_for_url(f"{address}/login?next=%2Ffleet")
        assert violations(page) == []
        log_in(page, "no password")
        page.get_by_text("name or password is wrong").wait_for()
        log_in(page)
        page.wait_for_url(f"{address}/fleet")
        page.get_by_text("ben", exact=True).wait_for()
        remove_user(users, "ben")
        page.wait_for_url(f"{address}/login?next=%2Ffleet")


def test_a_wrong_token_is_told(browser, address):
    with visit(browser, f"{address}/?token=wrong") as page:
        page.get_by_role("alert").get_by_text("This token is not the right one.").wait_for()
        assert page.get_by_role("button", name="Token").is_visible()  # and names: there are users


def test_the_token_leaves_the_address(browser, address):
    with visit(browser, f"{address}/?token={TOKEN}&kiosk=1") as page:
        page.wait_for_url(f"{address}/?kiosk=1")
        page.goto(f"{address}/login?next=//evil.example/")  # logged in already
        page.wait_for_url(f"{address}/")


def test_a_link_of_another_site_leads_in_who_is_logged_in(browser, address):
    async def elsewhere(_request):
        return HTMLResponse(f"<a href='{address}/fleet'>the fleet</a>")

    may_fail = ("asked", "404")  # the other site itself, and its icon
    with serving(Starlette(routes=[Route("/", elsewhere)])) as port, visit(browser, address, may_fail=may_fail) as page:
        log_in(page)
        page.wait_for_url(f"{address}/")
        page.goto(f"http://localhost:{port}/")  # another site than 127.0.0.1
        page.get_by_role("link").click()
        page.wait_for_url(f"{address}/fleet")
