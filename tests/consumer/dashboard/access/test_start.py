"""What the server refuses to start with, what it warns of, and what it serves by HTTPS; and who looked."""

import json
import re
import signal
import ssl
import subprocess
import sys

import pytest
import trustme
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key
from websockets.sync.client import connect

from ferstream.consumer.cli import main as consumer
from ferstream.consumer.dashboard.access import picture_audit
from ferstream.consumer.dashboard.access.access import Access, Person
from ferstream.consumer.dashboard.access.picture_audit import PictureAudit
from ferstream.consumer.dashboard.access.start_checks import open_access
from ferstream.consumer.dashboard.cli import main
from ferstream.consumer.subscribe.audit import read_lines
from ferstream.streams.wire.keys import Keys
from tests.consumer.dashboard.access.page import TOKEN, Browser, page, people, settings, token_file
from tests.support.patience import PROCESS_S
from tests.support.programs import start


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def pair(tmp_path, authority):
    """A certificate and its key."""
    issued, cert, key = authority.issue_cert("127.0.0.1"), tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    return cert, key


def run(*words):
    return CliRunner().invoke(main, ["run", "--port", "0", "--metrics-port", "0", *map(str, words)])


def test_from_elsewhere_somebody_has_to_be_asked_for():
    for words in (("--host", "0.0.0.0"), ("--host", "::"), ("--origin", "https://faces.example.org")):
        told = run(*words)
        assert told.exit_code == 2
        assert "everybody who reaches this machine could look" in told.output
        assert "fer-dashboard user add NAME --role viewer --users FILE" in told.output


def test_what_goes_together(tmp_path):
    users = tmp_path / "users.yaml"
    for words, said in (
        (["--proxy-header", "X-User"], "--proxy-header needs --trust-proxy"),
        (["--trust-proxy", "nonsense"], "nonsense"),
        (["--proxy-header", "X-User", "--trust-proxy", "nonsense"], "nonsense"),
        (["--origin", "https://a.example/path"], "an origin is scheme, host and port alone"),
        (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key go together"),
        (["--users", users], "users.yaml: No such file"),
    ):
        told = run(*words)
        assert told.exit_code == 2, told.output
        assert said in told.output
    users.write_text("users:\n  ana: {role: boss}\n")
    assert "line 2: ana: role must be" in run("--users", users).output
    users.write_text("")
    assert "names nobody: fer-dashboard user add" in run("--users", users).output


@pytest.mark.parametrize("token", ["", "short", "x" * 19, "with a space in its middle", "\xfcber" * 10])
def test_a_token_that_could_be_guessed_is_refused(tmp_path, token):
    path = tmp_path / "token"
    path.write_text(token)
    told = run("--token-file", path)
    assert told.exit_code == 2
    assert not token or token not in told.output


def test_a_secret_that_could_be_guessed_is_refused(tmp_path):
    path = tmp_path / "secret"
    path.write_text("short")
    assert "at least 32 characters" in run("--session-secret-file", path).output


def test_what_is_warned_of(tmp_path, caplog, pair):
    token = token_file(tmp_path)
    token.chmod(0o644)
    open_access(settings(host="0.0.0.0", token_file=token))
    assert "browsers give no camera" in caplog.text
    assert f"others on this machine may read {token}: chmod 600" in caplog.text
    caplog.clear()
    token.chmod(0o600)
    open_access(settings(host="0.0.0.0", token_file=token, tls_cert=pair[0], tls_key=pair[1]))
    open_access(settings(token_file=token))
    assert caplog.text == ""


def test_files_that_are_no_certificate(tmp_path, pair, authority):
    cert, key = pair
    other, empty, broken = tmp_path / "other.pem", tmp_path / "empty.pem", tmp_path / "broken.pem"
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(other)
    empty.write_text("")
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    locked = tmp_path / "locked.pem"
    plain = load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    for given, said in (
        ((cert, other), f"the key in {other} does not belong to the certificate in {cert}"),
        ((empty, key), f"{empty} holds no certificate in PEM form"),
        ((cert, empty), f"{empty} holds no private key in PEM form"),
        ((broken, key), f"cannot use the certificate in {broken}"),
        ((cert, locked), "the key is protected by a password"),
        ((tmp_path / "none.pem", key), "none.pem: No such file"),
    ):
        told = run("--tls-cert", given[0], "--tls-key", given[1])
        assert (told.exit_code, said in told.output) == (2, True), told.output


def test_by_https_the_cookie_is_for_https(tmp_path, pair, authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    wanted = settings(users_file=people(tmp_path, ben="viewer"), tls_cert=pair[0], tls_key=pair[1])
    with page(wanted, ssl_certfile=pair[0], ssl_keyfile=pair[1]) as plain:
        browser = Browser(plain.port, context)
        login = browser.log_in("ben")
        assert login.status == 200
        assert login.headers["Set-Cookie"].startswith("__Host-fer_session_0=")
        assert "; secure" in login.headers["Set-Cookie"]
        assert browser.get("/api/picture.jpg").text == "ben"
        assert browser.post("/api/logout", Origin=f"http://127.0.0.1:{plain.port}").status == 403
        address = f"wss://127.0.0.1:{plain.port}/api/live"
        with connect(address, ssl=context, origin=browser.origin, additional_headers=browser.cookie()) as websocket:
            assert websocket.recv(10) == "ben"


def test_the_program_asks_for_a_login_by_https_and_says_no_secret(tmp_path, redis_url, pair, authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    users, token = people(tmp_path, ben="viewer"), token_file(tmp_path)
    words = ["run", "--redis", redis_url, "--port", "0", "--metrics-port", "0", "-vv"]
    words += ["--users", str(users), "--token-file", str(token), "--tls-cert", str(pair[0]), "--tls-key", str(pair[1])]
    process = start("dashboard", *words)
    assert process.stderr is not None
    try:
        said = ""
        while not (found := re.search(r"the page is at https://127\.0\.0\.1:(\d+)/", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        browser = Browser(int(found[1]), context)
        assert browser.get(f"/?token={TOKEN}").headers["Location"] == "/"
        assert browser.begin()["name"] == "token"
        assert browser.log_in("ben").json["name"] == "ben"
        assert list(browser.cookies) == [f"__Host-fer_session_{browser.port}"]
        address = f"wss://127.0.0.1:{browser.port}/api/live"
        with connect(address, ssl=context, additional_headers=browser.cookie()) as websocket:
            hello = json.loads(websocket.recv(10))
            assert (hello["type"], hello["session"]["name"]) == ("hello", "ben")
        stranger = Browser(browser.port, context)
        assert stranger.get("/").status == 303
        assert "<" in stranger.get("/login").text
    finally:
        process.send_signal(signal.SIGTERM)
        said += process.communicate(timeout=PROCESS_S)[1]
    assert process.returncode == 0, said
    for secret in (TOKEN, *browser.cookies.values(), "correct horse"):
        assert secret not in said


class Looking:
    """A connection of somebody, as far as the audit asks."""

    def __init__(self, name):
        self.scope = {"type": "http", "state": {"person": Person(name, "viewer")}, "client": ("10.0.0.9", 1)}
        self.client = type("Client", (), {"host": "10.0.0.9"})


async def test_who_looked_at_which_camera_is_in_the_audit(client, redis_url, monkeypatch):
    async with PictureAudit(Access(settings(redis_url=redis_url))) as audit:
        await audit.looks(Looking("ana"), ["door", "hall"])
        for _ in range(10):
            await audit.looks(Looking("ana"), ["door", "hall"])
        await audit.looks(Looking("ana"), ["gate", "door"])
        await audit.looks(Looking("ben"), ["door"])
        monkeypatch.setattr(picture_audit, "ONCE_IN_S", 0.0)
        await audit.looks(Looking("ben"), ["door"])
    lines = [line for _, line in read_lines(client, Keys(), 10)]
    assert [(line.user, line.host, line.reads, line.cameras) for line in lines] == [
        ("ana", "10.0.0.9", "pictures", ["door", "hall"]),
        ("ana", "10.0.0.9", "pictures", ["gate"]),
        ("ben", "10.0.0.9", "pictures", ["door"]),
        ("ben", "10.0.0.9", "pictures", ["door"]),
    ]
    shown = CliRunner().invoke(consumer, ["audit", "--redis", redis_url, "--camera", "gate"]).output
    assert re.search(r"pictures +ana@10\.0\.0\.9:\d+ +fer-dashboard +- +gate", shown)


async def test_the_audit_remembers_a_bounded_number(client, redis_url, monkeypatch):
    monkeypatch.setattr(picture_audit, "MOST_LOOKS", 10)
    async with PictureAudit(Access(settings(redis_url=redis_url))) as audit:
        await audit.looks(Looking("ana"), [f"camera {number}" for number in range(100)])
        assert len(audit._said) == 10


async def test_a_look_that_redis_did_not_take_is_told_again(client, redis_url):
    async with PictureAudit(Access(settings(redis_url=redis_url))) as audit:
        client.config_set("maxmemory", 1)
        try:
            await audit.looks(Looking("ana"), ["door"])
        finally:
            client.config_set("maxmemory", 0)
        assert read_lines(client, Keys(), 10) == []
        await audit.looks(Looking("ana"), ["door"])
    assert [line.cameras for _, line in read_lines(client, Keys(), 10)] == [["door"]]


@pytest.mark.parametrize("words", [("run",), ("user", "list", "--users", "x")])
def test_without_its_extra_it_says_in_a_line_what_to_install(words):
    hide = "import sys; sys.modules |= dict.fromkeys(('starlette', 'uvicorn', 'ruamel', 'argon2'))"
    begin = f"{hide}; from ferstream.streams.programs import dashboard; dashboard()"
    ended = subprocess.run([sys.executable, "-c", begin, *words], capture_output=True, text=True, check=False, timeout=PROCESS_S)
    assert (ended.returncode, ended.stderr.count("\n")) == (3, 1), ended.stderr
    assert "pip install '.[dashboard]'" in ended.stderr
