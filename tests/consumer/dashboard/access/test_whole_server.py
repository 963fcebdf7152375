"""The server with all its rooms: nothing of it is there for nobody, and what lasts ends with the right to it."""

import http.client
import json
import re
import time
from contextlib import closing, contextmanager

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ferstream.consumer.dashboard.access import watched_connection
from ferstream.consumer.dashboard.access.people.users_file import remove_user
from ferstream.consumer.dashboard.access.person import ROLES
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.server import build_app
from ferstream.consumer.dashboard.viewer_protocol import ViewerProtocol
from ferstream.consumer.subscribe.audit import read_lines
from ferstream.streams.wire.keys import Keys
from tests.consumer.dashboard.access.page import Browser, people, settings
from tests.consumer.subscribe.test_subscriber import publish
from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S
from tests.support.web_server import serving

#: What the login page needs, and probes.
FREE = {"/login", "/static/favicon.svg", "/healthz", "/readyz", "/api/session", "/api/login", "/api/logout"}


@contextmanager
def server(redis_url, users):
    wanted = settings(redis_url=redis_url, users_file=users)
    app = build_app(wanted, Hub(wanted, DashboardMetrics(CollectorRegistry())))
    with serving(app, ws=ViewerProtocol) as port:
        yield app, Browser(port)


def test_nothing_is_there_for_nobody(redis_url, tmp_path):
    with server(redis_url, people(tmp_path, ben="viewer")) as (app, browser):
        browser.begin()
        asked = 0
        for route in app.routes:
            assert isinstance(route, Route | WebSocketRoute | Mount)
            path = re.sub(r"\{\w+(:\w+)?\}", "door", route.path) + "/favicon.svg" * isinstance(route, Mount)
            methods = route.methods or () if isinstance(route, Route) else ("GET",)
            for method in {*methods} - {"HEAD"}:
                answer = browser.ask(method, path)
                if path in FREE:
                    assert answer.status not in (401, 303), path
                else:
                    assert answer.status in (401, 303), path
                    assert answer.status == 401 or answer.headers["Location"].startswith("/login?next="), path
                    asked += 1
        assert asked > 10
        assert browser.get("/api/none").status == 401
        assert "requestBody" in json.loads(_as(browser, "ben").get("/api/openapi.json").text)["paths"]["/api/login"]["post"]


def test_why_it_is_not_ready_is_told_to_whom_it_knows(tmp_path):
    with server(f"unix://{tmp_path}/none.sock", people(tmp_path, ben="watcher")) as (_, browser):
        told = browser.get("/readyz")
        assert (told.status, "none.sock" in told.text, "log in" in told.text) == (503, False, True)
        _as(browser, "ben")
        wait_until(lambda: "none.sock" in browser.get("/readyz").text)


#: Of all addresses of the API, those that need more than being let in, and the role that they need.
NEED = {
    "/api/cameras/{camera:path}/picture.jpg": "viewer",
    "/api/analyze": "viewer",
    "/api/browser-camera": "viewer",
    "/api/config/cameras": "admin",
    "/api/config/cameras/{camera:path}": "admin",
    "/api/config/check": "admin",
}


@pytest.mark.parametrize("role", ["watcher", "viewer"])
def test_each_role_is_refused_what_is_above_it_and_nothing_else(redis_url, tmp_path, role):
    with server(redis_url, people(tmp_path, ben=role)) as (app, browser):
        _as(browser, "ben")
        refused = set()
        for route in app.routes:
            assert isinstance(route, Route | WebSocketRoute | Mount)
            if not route.path.startswith("/api/") or route.path in ("/api/events", "/api/login", "/api/logout"):
                continue
            path = re.sub(r"\{\w+(:\w+)?\}", "door", route.path)
            if isinstance(route, WebSocketRoute):
                refused |= {route.path} if is_refused(browser, path) else set()
                continue
            statuses = {browser.ask(method, path, b"{}").status for method in {*(route.methods or ())} - {"HEAD"}}
            refused |= {route.path} if statuses == {403} else set()
            assert statuses == {403} or 403 not in statuses, route.path
    assert refused == {path for path, needed in NEED.items() if ROLES.index(needed) > ROLES.index(role)}


def is_refused(browser, path):
    try:
        with connect(f"ws://127.0.0.1:{browser.port}{path}", additional_headers=browser.cookie()):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


def _as(browser, name):
    assert browser.log_in(name).status == 200
    return browser


def test_a_stream_of_events_ends_with_the_right_to_it(redis_url, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(watched_connection, "LOOK_AGAIN_S", 0.2)
    users = people(tmp_path, ben="viewer")
    with server(redis_url, users) as (_, browser):
        _as(browser, "ben")
        with closing(http.client.HTTPConnection("127.0.0.1", browser.port, timeout=PROCESS_S)) as connection:
            connection.request("GET", "/api/events", headers=browser.cookie())
            with connection.getresponse() as stream:
                assert stream.status == 200
                remove_user(users, "ben")
                stream.read()  # to its end
    assert not [record for record in caplog.records if record.levelname == "ERROR" and "response" in record.message]


def test_who_looks_at_the_wall_is_in_the_audit(client, redis_url, tmp_path):
    with server(redis_url, people(tmp_path, ana="watcher", ben="viewer")) as (_, browser):
        publish(client, 1)
        for name, watches in (("ana", lambda: False), ("ben", lambda: looked(client))):
            _as(browser, name)
            with connect(f"ws://127.0.0.1:{browser.port}/api/live", additional_headers=browser.cookie()) as websocket:
                for _ in range(10 if name == "ana" else 600):
                    publish(client, 2)
                    websocket.send(json.dumps({"type": "watch", "pictures": {"*": 320, "no such camera": 320}}))
                    time.sleep(0.1)
                    if watches():
                        break
    assert looked(client) == [("ben", "127.0.0.1", ["door"])]


def looked(client):
    return [(line.user, line.host, line.cameras) for _, line in read_lines(client, Keys(), 100) if line.reads == "pictures"]
