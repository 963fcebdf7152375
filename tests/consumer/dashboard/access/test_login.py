"""Who is let in, as what, and for how long."""

import asyncio
import base64
import json
import logging
import time

import itsdangerous
import pytest
from argon2 import PasswordHasher
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from ferstream.consumer.dashboard.access import watched_connection
from ferstream.consumer.dashboard.access.people import passwords
from ferstream.consumer.dashboard.access.people.passwords import PasswordChecker
from ferstream.consumer.dashboard.access.people.users_file import User, put_user, read_users, remove_user
from ferstream.consumer.dashboard.access.refusal import Refusal
from tests.consumer.dashboard.access.page import HASH, PASSWORD, TOKEN, Browser, page, people, settings, token_file


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    return people(tmp_path_factory.mktemp("users"), ana="watcher", ben="viewer", cleo="admin")


@pytest.fixture(scope="module")
def site(users):
    with page(settings(users_file=users)) as browser:
        yield browser.port


@pytest.fixture
def browser(site):
    return Browser(site)


def test_where_nobody_has_to_log_in_everybody_may_everything():
    with page() as browser:
        session = browser.begin()
        assert (session["name"], session["role"], session["login"]) == ("local", "admin", False)
        assert browser.get("/").text == "the page"
        assert browser.get("/api/config").text == "local"


def test_a_stranger_is_sent_to_the_login_and_the_api_says_401(browser):
    page_ = browser.get("/camera/door?kiosk=1")
    assert (page_.status, page_.headers["Location"]) == (303, "/login?next=%2Fcamera%2Fdoor%3Fkiosk%3D1")
    answer = browser.get("/api/config")
    assert (answer.status, "log in first" in answer.error) == (401, True)
    assert [browser.get(path).status for path in ("/login", "/static/app.js", "/api/session")] == [200, 200, 200]
    assert browser.get("//evil.example/").headers["Location"] == "/login?next=%2Fevil.example%2F"


def test_the_word_of_those_who_need_no_cookie_is_also_what_a_websocket_is_told():
    with page() as browser:
        assert browser.begin()["csrf"] == browser.begin()["csrf"]
        assert browser.ask("PUT", "/api/config").status == 200
        assert browser.cookies == {}


def test_what_each_role_may(site):
    for name, sees, changes in (("ana", 403, 403), ("ben", 200, 403), ("cleo", 200, 200)):
        browser = Browser(site)
        session = browser.log_in(name).json
        assert session == browser.begin()
        assert (session["name"], session["pictures"], session["cameras_editable"]) == (name, sees == 200, changes == 200)
        assert browser.get("/").status == 200
        assert browser.get("/api/picture.jpg").status == sees
        assert browser.get("/api/config").status == changes
    assert "needs the role admin, and ben is viewer" in _as(site, "ben").get("/api/config").text


def _as(site, name):
    browser = Browser(site)
    browser.log_in(name)
    return browser


@pytest.mark.parametrize(("name", "password"), [("ben", "no password"), ("ben", ""), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_are_one_answer(browser, name, password, caplog):
    browser.begin()
    with caplog.at_level(logging.DEBUG):
        answer = browser.post("/api/login", {"name": name, "password": password})
    assert (answer.status, answer.error) == (401, "name or password is wrong")
    assert browser.get("/api/config").status == 401
    assert not password or password not in caplog.text


BODIES = [b"", b"[]", b"{", b'{"name": 1}', b'{"nam": "a"}', b"\xff", b'{"password": "\\ud800", "name": "ben"}']


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_login_is_said(browser, body):
    browser.begin()
    answer = browser.post("/api/login", body)
    assert (answer.status, answer.error.startswith("a login is")) == (400, True)


def test_a_body_that_never_ends_is_refused(browser):
    browser.begin()
    assert browser.post("/api/login", b"{" + b" " * 9000).status == 413
    assert browser.post("/api/login", {"name": "ben", "password": "x" * 1025}).status == 400


def test_logged_out_is_out(site):
    browser = _as(site, "ben")
    assert browser.post("/api/logout").json["name"] is None
    assert browser.get("/api/picture.jpg").status == 401


def test_the_cookie_is_for_no_script_and_no_other_site(browser):
    set_ = browser.log_in("cleo").headers["Set-Cookie"].lower()
    assert "httponly" in set_
    assert "samesite=strict" in set_
    assert "max-age=43200" in set_
    assert "secure" not in set_


@pytest.mark.parametrize(
    ("headers", "https_only"),
    [
        ({"Origin": "https://faces.example.org", "Host": "faces.example.org"}, True),
        ({"Origin": "https://faces.example.org"}, True),
        ({}, False),
    ],
)
def test_behind_a_proxy_that_does_tls_the_cookie_goes_by_https_only(tmp_path, headers, https_only):
    with page(settings(users_file=people(tmp_path, ben="viewer"), origins=("https://faces.example.org",))) as browser:
        browser.begin()
        answer = browser.post("/api/login", {"name": "ben", "password": PASSWORD}, **headers)
        assert answer.status == 200
        assert ("secure" in answer.headers["Set-Cookie"].lower()) is https_only
        assert browser.get("/api/session", Host=headers.get("Host")).json["name"] == "ben"


def test_so_does_the_one_for_the_token_in_an_address(tmp_path):
    with page(settings(token_file=token_file(tmp_path), origins=("https://faces.example.org",))) as browser:
        for host, https_only in (("faces.example.org", True), ("127.0.0.1", False)):
            cookie = browser.get(f"/?token={TOKEN}", Host=host).headers["Set-Cookie"]
            assert ("secure" in cookie.lower()) is https_only


def test_a_forged_cookie_is_nobodys(site):
    browser = _as(site, "cleo")
    (name, value), *_ = browser.cookies.items()
    said = json.loads(base64.b64decode(value.split(".")[0]))
    assert HASH not in str(said)
    flipped = value[:-2] + ("A" if value[-2] != "A" else "B") + value[-1]  # of the last letter two bits mean nothing
    other = itsdangerous.TimestampSigner("another secret").sign(base64.b64encode(json.dumps(said).encode())).decode()
    for forged in (flipped, "B" + value[1:], other, value.split(".")[0], "", "null", "\xff.\xff.\xff"):
        browser.cookies[name] = forged
        assert browser.get("/api/config").status == 401, forged
    browser.cookies[name] = value
    assert browser.get("/api/config").status == 200


def test_a_session_ends_when_its_user_goes_or_gets_another_password(tmp_path):
    path = people(tmp_path, ben="viewer", cleo="admin")
    with page(settings(users_file=path)) as browser:
        other = Browser(browser.port)
        assert browser.log_in("ben").status == 200
        assert other.log_in("cleo").status == 200
        remove_user(path, "ben")
        assert browser.get("/api/picture.jpg").status == 401
        assert browser.log_in("ben").status == 401
        put_user(path, User("cleo", "viewer", HASH))
        assert other.get("/api/config").status == 403
        put_user(path, User("cleo", "admin", PasswordHasher(time_cost=1, memory_cost=64).hash("another password")))
        assert other.get("/api/config").status == 401
        path.write_text("users: [")
        assert other.log_in("cleo", "another password").status == 200


def test_an_old_hash_is_made_anew_at_a_login(tmp_path):
    path = tmp_path / "users.yaml"
    old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    put_user(path, User("ben", "viewer", old))
    with page(settings(users_file=path)) as browser:
        assert browser.log_in("ben", "wrong").status == 401
        assert read_users(path)["ben"].password_hash == old
        assert browser.log_in("ben").status == 200
        assert browser.get("/api/picture.jpg").status == 200
        renewed = read_users(path)["ben"].password_hash
        assert renewed != old
        assert not PasswordHasher().check_needs_rehash(renewed)


def test_a_websocket_ends_with_the_right_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(watched_connection, "LOOK_AGAIN_S", 0.2)
    path = people(tmp_path, ben="viewer")
    with page(settings(users_file=path)) as browser:
        browser.log_in("ben")
        with connect(f"ws://127.0.0.1:{browser.port}/api/live", additional_headers=browser.cookie()) as websocket:
            assert websocket.recv(10) == "ben"
            for _ in range(5):
                websocket.send("still there")
                assert websocket.recv(10) == "still there"
                time.sleep(0.1)
            remove_user(path, "ben")
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(10)
            assert closed.value.rcvd.code == 1008


def test_a_websocket_does_not_outlast_its_session(tmp_path, monkeypatch):
    monkeypatch.setattr(watched_connection, "LOOK_AGAIN_S", 0.2)
    with page(settings(users_file=people(tmp_path, ben="viewer"), session_s=3.0)) as browser:
        assert "max-age=3;" in browser.log_in("ben").headers["Set-Cookie"].lower()
        address = f"ws://127.0.0.1:{browser.port}/api/live"
        with connect(address, additional_headers=browser.cookie()) as websocket:
            assert websocket.recv(10) == "ben"
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(60)
            assert closed.value.rcvd.code == 1008
        assert browser.get("/api/picture.jpg").status == 401


def test_the_secret_in_a_file_keeps_people_in_over_a_restart(tmp_path, users):
    secret = tmp_path / "secret"
    secret.write_text("s" * 40)
    wanted = settings(users_file=users, secret_file=secret, port=8080)
    with page(wanted) as browser:
        browser.log_in("ben")
        cookies = browser.cookies
    with page(wanted) as browser:
        browser.cookies = cookies
        assert browser.begin()["name"] == "ben"
    with page(settings(users_file=users, port=8080)) as browser:
        browser.cookies = dict(cookies)
        assert browser.begin()["name"] is None


def test_the_token_in_the_address_is_taken_into_the_session(tmp_path):
    with page(settings(token_file=token_file(tmp_path), token_role="watcher")) as browser:
        assert browser.get("/?token=wrong").headers["Location"] == "/login?wrong=token&next=%2F"
        answer = browser.get(f"/camera/door?kiosk=1&token={TOKEN}")
        assert (answer.status, answer.headers["Location"]) == (303, "/camera/door?kiosk=1")
        assert TOKEN not in str(browser.cookies)
        assert browser.get("/camera/door?kiosk=1").status == 200
        assert browser.get("/api/picture.jpg").status == 403
        session = browser.begin()
        assert (session["name"], session["role"], session["logins"]) == ("token", "watcher", ["token"])
        assert browser.post("/api/analyze", b"").status == 403


def test_a_bearer_needs_neither_cookie_nor_csrf(tmp_path):
    with page(settings(token_file=token_file(tmp_path))) as browser:
        bare = {"Origin": None, "X_CSRF_Token": None, "Cookie": None}
        assert browser.post("/api/analyze", b"abc", Authorization=f"Bearer {TOKEN}", **bare).json == {"bytes": 3}
        for wrong in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer \xff"):
            answer = browser.post("/api/analyze", b"abc", Authorization=wrong, **bare)
            assert (answer.status, answer.error) == (401, "this token is wrong")
        assert browser.post("/api/analyze", b"abc", Authorization=f"Basic {TOKEN}", **bare).status == 401
        assert browser.log_in(token=TOKEN).json["role"] == "viewer"
        assert browser.log_in(token="wrong").status == 401
        assert browser.log_in("ben").status == 401


async def test_where_many_wait_the_next_is_sent_away(monkeypatch):
    monkeypatch.setattr(passwords, "MOST_WAITING", 2)
    checker = PasswordChecker()
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    answers = await asyncio.gather(*(checker.check(cheap, PASSWORD) for _ in range(3)), return_exceptions=True)
    assert answers[:2] == [True, True]
    assert isinstance(answers[2], Refusal)
    assert (answers[2].status, answers[2].headers) == (503, {"Retry-After": "3"})
    assert await checker.check(cheap, PASSWORD)
    assert not await checker.check(None, PASSWORD)


def test_many_checks_at_once_hold_nobody_up(browser):
    async def both():
        logins = [asyncio.to_thread(Browser(browser.port).log_in, "nobody", f"wrong {number}") for number in range(4)]
        answers = asyncio.gather(*logins)
        seen = 0
        while not answers.done():
            assert (await asyncio.to_thread(browser.get, "/static/app.js")).status == 200
            seen += 1
        return [answer.status for answer in await answers], seen

    statuses, seen = asyncio.run(both())
    assert set(statuses) == {401}
    assert seen > 1
