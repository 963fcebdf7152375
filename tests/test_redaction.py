"""No password comes out anywhere: in logs, metrics, statuses, pages, errors, tables, or the commands that our documents show."""

import logging
import re
from urllib.parse import quote

import click
import pytest
from click.testing import CliRunner

from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.config.camera_url import redacted
from ferstream.producer.errors import ConfigError
from ferstream.streams.errors import FerstreamError
from ferstream.streams.programs import PROGRAMS, load
from ferstream.streams.redis_client.connect import connect, redact
from ferstream.streams.service.logs import configure_logging
from ferstream.streams.wire.keys import Keys
from tests.producer.test_cli import running
from tests.support.documents import WRITTEN
from tests.support.markers import needs_torch
from tests.support.paths import ROOT
from tests.support.programs import run
from tests.support.video_files import wait_until

#: On both sides of what may end a password early.
PASSWORDS = [f"hunter2{mark}hunter2" for mark in ("@", "/", "?", "#", "%", " ", ":", "@/?#% ", "/@", "#@", "?@/", "%40")]
SECRET = re.compile("hunter", re.IGNORECASE)
WORST = "hunter2@/?#% :hunter2"


def no_password_in(*texts: str) -> None:
    for text in texts:
        assert not SECRET.search(text), text


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("written", [str, lambda password: quote(password, safe="")], ids=["raw", "encoded"])
@pytest.mark.parametrize("rest", ["host:554/live", "10.0.0.5", "[::1]:554/a?token=hunter2", "host/user=u&password=hunter2&x=1"])
def test_a_camera_s_password_is_never_shown(password, written, rest):
    for user in ("user", ""):
        url = f"rtsp://{user}:{written(password)}@{rest}"
        try:
            camera = CameraConfig("a", url)
        except ConfigError as error:
            no_password_in(str(error))
        else:
            no_password_in(repr(camera), camera.shown_url)
        no_password_in(redacted(url))


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("begin", ["rt'sp://", "://", "rtsp:/", "rtsp:", "//", "", "http:\\\\", " "])
def test_a_mistyped_scheme_shows_no_password(password, begin):
    url = f"{begin}user:{password}@10.0.0.5/live"
    try:
        shown = CameraConfig("a", url).shown_url
    except ConfigError as error:
        shown = str(error)
    no_password_in(shown, redacted(url), redact(url))


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+cluster", "rediss+cluster", "unix"])
def test_a_redis_password_is_never_shown_and_no_host(password, scheme):
    where = "/run/redis.sock" if scheme == "unix" else "host:6379/0"
    for written in (password, quote(password, safe="")):
        url = f"{scheme}://user:{written}@{where}"
        no_password_in(redact(url))
        try:
            connect(url).close()
        except FerstreamError as error:
            no_password_in(str(error), str(error.__cause__ or ""), str(error.__context__ or ""))
        else:
            assert written != password or password.isalnum() or ":" in password or "%40" in password, "a raw mark is refused"


@pytest.fixture(autouse=True)
def handlers_as_before():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_traceback_shows_no_password(password, format_, capsys):
    configure_logging("info", format_)
    try:
        raise ValueError(f"cannot open rtsp://user:{password}@host/x?token=hunter2")
    except ValueError:
        logging.getLogger("a").exception("it failed")
    no_password_in(capsys.readouterr().err)


@pytest.fixture
def redis_url_file(client, redis_server, tmp_path):
    """A file with the URL of a user of our Redis whose password has everything in it."""
    client.acl_setuser("guard", enabled=True, passwords=[f"+{WORST}"], categories=["+@all"], keys=["*"], channels=["*"])
    path = tmp_path / "redis_url"
    path.write_text(redis_server.url.replace("unix://", f"unix://guard:{quote(WORST, safe='')}@") + "\n")
    yield path
    client.acl_deluser("guard")


def said(program: str, *words: str) -> str:
    """What a program prints and logs, run in this process."""
    ended = CliRunner().invoke(load(program), words)
    assert isinstance(ended.exception, SystemExit | None)
    assert ended.output
    return ended.output


def test_a_producer_and_all_that_is_told_of_it(client, redis_url_file, tmp_path):
    """Cameras that are refused a connection, with their passwords in each of the places where cameras want them."""
    secrets = {
        "user": f"rtsp://user:{quote(WORST, safe='')}@127.0.0.1:9/x",
        "raw": "rtsp://user:hunter2@hunter2 hunter2@127.0.0.1:9/x",
        "path": f"rtsp://127.0.0.1:9/user=u&password={quote(WORST, safe='')}&channel=1",
        "query": f"http://127.0.0.1:9/x.mp4?password={quote(WORST, safe='')}",
    }
    for name, url in secrets.items():
        (tmp_path / name).write_text(url)
    cameras = tmp_path / "cameras.yaml"
    cameras.write_text("cameras:\n" + "".join(f"  {name}: '@{name}'\n" for name in secrets))
    told = f"--redis-url-file={redis_url_file}"
    with running(tmp_path / "log", told, f"--cameras={cameras}", "-vv", "--log-format=json") as producer:
        wait_until(lambda: producer.log.count(" is down: ") >= len(secrets), within_s=30, what="all are down")
        wait_until(lambda: client.hlen(Keys().cameras) == len(secrets), within_s=10, what="their statuses")
        no_password_in(*(producer.page(path)[1] for path in ("metrics", "healthz", "readyz")))
        no_password_in(*(f"{key!r}{value!r}" for key, value in client.hgetall(Keys().cameras).items()))
        no_password_in(said("status", told), said("status", "--json", told))
        no_password_in(said("consumer", "cameras", told, "-v"), said("consumer", "cameras", "--json", told))
        no_password_in(said("consumer", "tail", "--idle-timeout=0.2", "-vv", told))
        producer.end()
    no_password_in(producer.log)
    no_password_in(said("producer", "check", f"--cameras={cameras}", "-vv"))
    no_password_in(said("producer", "check", f"--cameras={cameras}", "--json"))


def test_a_redis_that_refuses_the_password(redis_server, redis_url, tmp_path):
    for name, written in (("encoded", quote(WORST, safe="")), ("raw", WORST)):
        (tmp_path / name).write_text(redis_server.url.replace("unix://", f"unix://nobody:{written}@"))
        told = f"--redis-url-file={tmp_path / name}"
        no_password_in(said("status", told), said("consumer", "cameras", told), said("consumer", "tail", told, "-vv"))
    told = f"--redis-url-file={tmp_path / 'encoded'}"
    ended = run("producer", "run", "--metrics-port=0", "--camera=p=portraits:", told, "-vv")
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False)
    no_password_in(ended.stdout, ended.stderr)


#: user:password@ in an address, but for what stands for the value of a variable.
_IN_ARGUMENT = re.compile(r"://[^\s/:@'\"]*:(?!\$)[^\s/@'\"]+@|\s(--pass|-a)\s|requirepass")


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s)#.*", "", line)


@pytest.mark.parametrize(
    "page", [*WRITTEN, *sorted((ROOT / "deploy").rglob("*.md"))], ids=lambda page: str(page.relative_to(ROOT))
)
def test_no_command_in_a_document_has_a_password_in_it(page):
    for block in re.findall(r"^```(?:sh|bash|console|text)?\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            assert not _IN_ARGUMENT.search(_without_comment(line)), line


def test_no_container_and_no_service_is_started_with_a_password():
    files = [path for pattern in ("*.yaml", "*.service", "Dockerfile", "*.sh") for path in (ROOT / "deploy").rglob(pattern)]
    assert len(files) > 20
    for path in files:
        for line in path.read_text("utf-8").splitlines():
            assert not _IN_ARGUMENT.search(_without_comment(line)), f"{path}: {line}"


@needs_torch
def test_no_help_shows_a_command_with_a_password_in_it():
    def examples(command: click.Command) -> list[str]:
        below = command.commands.values() if isinstance(command, click.Group) else ()
        return [getattr(command, "example", ""), *(each for one in below for each in examples(one))]

    shown = [each for program in (*PROGRAMS, "fer") for each in examples(load(program))]
    assert sum(map(bool, shown)) > 10
    assert not [each for each in shown if _IN_ARGUMENT.search(each)]
