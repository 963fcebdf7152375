"""What a page of somebody else's, a proxy that is none, and bytes that nobody thought of come to."""

import http.client
import socket

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ferstream.consumer.dashboard.access.headers import CONTENT_SECURITY_POLICY
from tests.consumer.dashboard.access.page import TOKEN, Browser, page, people, settings, token_file


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    wanted = settings(
        users_file=people(folder, ben="viewer", cleo="admin"),
        token_file=token_file(folder),
        origins=("https://faces.example.org",),
    )
    with page(wanted) as browser:
        yield browser.port


@pytest.fixture(scope="module")
def cleo(site):
    browser = Browser(site)
    browser.log_in("cleo")
    return browser


def refused(reason):
    return REGISTRY.get_sample_value("fer_dashboard_refused_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("word", [None, "", "wrong", "\xff"])
def test_a_change_without_the_word_is_refused(cleo, word):
    before = refused("csrf")
    answer = cleo.ask("PUT", "/api/config", X_CSRF_Token=word)
    assert (answer.status, "X-CSRF-Token" in answer.error) == (403, True)
    assert refused("csrf") == before + 1


def test_a_login_needs_the_word_too_and_another_ones_is_worth_nothing(site, cleo):
    browser = Browser(site)
    assert browser.post("/api/login", {"name": "ben", "password": "x"}).status == 403
    browser.begin()
    assert cleo.ask("PUT", "/api/config", X_CSRF_Token=browser.csrf).status == 403
    assert cleo.ask("PUT", "/api/config").status == 200


FOREIGN = [
    "https://evil.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "",
    "http://[",
    "file://",
    "\xff",
    "http://u@127.0.0.1",
]


@pytest.mark.parametrize("origin", [None, *FOREIGN])
def test_a_change_from_another_origin_is_refused(cleo, origin):
    answer = cleo.ask("PUT", "/api/config", Origin=origin)
    assert (answer.status, "--origin" in answer.error) == (403, True)


#: What curl --data-binary sends, beside Host and the length.
CURL = {"Origin": None, "X_CSRF_Token": None, "User_Agent": "curl/8.5.0", "Accept": "*/*"}
CURL |= {"Content_Type": "application/x-www-form-urlencoded"}


def test_a_program_of_this_machine_needs_nothing_where_nobody_logs_in():
    with page() as browser:
        assert browser.post("/api/analyze", b"abc", **CURL).json == {"bytes": 3}
        foreign = {"Origin": "https://evil.example", "Referer": "https://evil.example/", "Sec_Fetch_Site": "cross-site"}
        for name, value in [*foreign.items(), ("Cookie", "a=b"), ("Origin", "null"), ("Sec_Fetch_Mode", "no-cors")]:
            assert browser.post("/api/analyze", b"abc", **CURL | {name: value}).status == 403, name
        assert browser.post("/api/analyze", b"abc", Host="evil.example", **CURL).status == 400
        assert browser.post("/api/analyze", b"abc", X_CSRF_Token=None).status == 403


def test_where_people_log_in_a_program_needs_a_token(cleo):
    answer = Browser(cleo.port).post("/api/login", {"name": "cleo", "password": "x"}, **CURL)
    assert (answer.status, "a program needs a token: --token-file" in answer.error) == (403, True)
    assert cleo.ask("PUT", "/api/config", Origin=None).status == 403
    assert Browser(cleo.port).post("/api/analyze", b"abc", **CURL).status == 401


@pytest.mark.parametrize("origin", ["https://faces.example.org", "https://faces.example.org:443"])
def test_an_origin_that_is_named_is_ours(cleo, origin):
    assert cleo.ask("PUT", "/api/config", Origin=origin, Host="faces.example.org").status == 200


def test_a_page_of_another_origin_takes_no_picture(cleo):
    assert cleo.get("/api/picture.jpg", Sec_Fetch_Site="cross-site").status == 403
    assert cleo.get("/api/picture.jpg", Sec_Fetch_Site="same-origin").status == 200
    assert cleo.get("/", Sec_Fetch_Site="cross-site").status == 200


def handshake(browser, path="/api/live", **more):
    headers = browser.cookie() | more
    with connect(f"ws://127.0.0.1:{browser.port}{path}", additional_headers=headers, **more_options(headers)) as websocket:
        return websocket.recv(10)


def more_options(headers):
    return {"origin": headers.pop("Origin")} if "Origin" in headers else {}


def test_a_websocket_of_another_origin_is_refused(cleo):
    assert handshake(cleo) == "cleo"
    assert handshake(cleo, Origin=cleo.origin) == "cleo"
    before = refused("origin")
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        with pytest.raises(InvalidStatus) as told:
            handshake(cleo, Origin=origin)
        assert told.value.response.status_code == 403
    assert refused("origin") == before + 3


def test_a_websocket_of_nobody_is_refused(site, caplog):
    with pytest.raises(InvalidStatus) as told:
        handshake(Browser(site))
    assert told.value.response.status_code == 401
    assert b"log in first" in told.value.response.body
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert handshake(Browser(site), Authorization=f"Bearer {TOKEN}", Origin="https://evil.example") == "token"


def test_a_websocket_needs_its_role(tmp_path):
    with page(settings(users_file=people(tmp_path, ana="watcher"))) as browser:
        browser.log_in("ana")
        assert handshake(browser) == "ana"
        with pytest.raises(InvalidStatus) as told:
            handshake(browser, "/api/pictures")
        assert told.value.response.status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", "", "[", "evil.example:8080", "\xff"])
def test_on_loopback_another_name_is_refused(cleo, host):
    before = refused("host")
    answer = cleo.get("/static/app.js", Host=host)
    assert (answer.status, refused("host")) == (400, before + 1)
    assert "--origin" in answer.error


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8080", "[::1]:8080", "faces.example.org"])
def test_our_own_names_are_known(cleo, host):
    assert cleo.get("/static/app.js", Host=host).status == 200


def test_two_hosts_are_refused(cleo):
    with socket.create_connection(("127.0.0.1", cleo.port)) as sent:
        sent.sendall(b"GET /static/app.js HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert b" 400 " in sent.makefile("rb").readline()


def test_what_every_answer_tells_the_browser(cleo):
    for answer in (cleo.get("/"), cleo.get("/none"), cleo.get("/", Host="evil.example"), Browser(cleo.port).get("/api/config")):
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Permissions-Policy"].startswith("camera=(self)")
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert cleo.get("/api/session").headers["Cache-Control"] == "no-store"
    assert cleo.get("/").headers["Cache-Control"] is None


def test_a_proxy_says_who_it_is(tmp_path):
    users = people(tmp_path, cleo="admin")
    with page(settings(users_file=users, proxy_header="X-Forwarded-User", trusted_proxies=("127.0.0.1",))) as browser:
        assert browser.get("/api/picture.jpg").status == 401
        assert browser.get("/api/picture.jpg", X_Forwarded_User="dora").text == "dora"
        assert browser.get("/api/config", X_Forwarded_User="dora").status == 403
        assert browser.get("/api/config", X_Forwarded_User="cleo").text == "cleo"
        for name in ("", " ", "a\tb", "x" * 101):
            assert browser.get("/api/config", X_Forwarded_User=name).status == 403
        connection = http.client.HTTPConnection("127.0.0.1", browser.port)
        connection.putrequest("GET", "/api/config")
        connection.putheader("X-Forwarded-User", "cleo")
        connection.putheader("X-Forwarded-User", "dora")
        connection.endheaders()
        assert connection.getresponse().status == 403
        connection.close()
        assert browser.log_in("cleo").status == 200


def test_the_header_of_a_stranger_is_refused(tmp_path):
    users = people(tmp_path, cleo="admin")
    with page(settings(users_file=users, proxy_header="X-Forwarded-User", trusted_proxies=("10.0.0.0/24",))) as browser:
        before = refused("proxy")
        claims = {"X_Forwarded_User": "cleo", "X_Forwarded_For": "10.0.0.2", "Forwarded": "for=10.0.0.2"}
        assert browser.get("/api/config", **claims).status == 403
        assert refused("proxy") == before + 1


PATHS = ["/", "/api/config", "/api/session", "/login", "/api/live"]
#: What HTTP lets through in a header (RFC 9110, 5.5).
VALUES = st.binary(max_size=60).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F).strip())
NAMES = st.sampled_from(
    [b"Cookie", b"Authorization", b"Host", b"Origin", b"X-CSRF-Token", b"X-Forwarded-User", b"X-Forwarded-For"]
)


def shaped(value):
    """Values that look like ours, with those bytes in them."""
    cookies = [b"fer_session_0=" + value, b'fer_session_0="' + value + b'"']
    return st.sampled_from([value, b"Bearer " + value, b"http://" + value, *cookies])


@given(data=st.data())
@budget(max_examples=150)
def test_no_bytes_in_a_header_make_a_500(proxied, data):
    sent = [(data.draw(NAMES), data.draw(shaped(data.draw(VALUES)))) for _ in range(data.draw(st.integers(1, 3)))]
    method, path = data.draw(st.sampled_from(["GET", "POST", "PUT"])), data.draw(st.sampled_from(PATHS))
    query = data.draw(st.binary(max_size=20).map(lambda value: "".join(f"%{byte:02x}" for byte in value)))
    name = data.draw(st.sampled_from(["token", "a"]))
    lines = [f"{method} {path}?{name}={query} HTTP/1.1".encode()]
    lines += [b"Host: localhost"] * all(name != b"Host" for name, _ in sent)
    lines += [b": ".join(pair) for pair in sent] + [b"Content-Length: 0", b"Connection: close", b"", b""]
    with socket.create_connection(("127.0.0.1", proxied), timeout=60) as connection:
        connection.sendall(b"\r\n".join(lines))
        status = int(connection.makefile("rb").readline().split()[1])
    assert status < 500


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxied")
    wanted = settings(
        host="0.0.0.0",  # where any Host is let through to what comes behind
        users_file=people(folder, ben="viewer"),
        token_file=token_file(folder),
        proxy_header="X-Forwarded-User",
        trusted_proxies=("127.0.0.1",),
    )
    with page(wanted) as browser:
        yield browser.port
