"""Cameras listed, changed, tried and removed by the page's addresses, on a real file and with the real fer-producer."""

import base64
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
import simplejpeg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from ferstream.consumer.dashboard.access.access import Access
from ferstream.consumer.dashboard.access.middleware import AccessMiddleware
from ferstream.consumer.dashboard.access.page_session import describe
from ferstream.consumer.dashboard.access.routes import routes as session_routes
from ferstream.consumer.dashboard.api.answer import http_error
from ferstream.consumer.dashboard.api.door import Door
from ferstream.consumer.dashboard.cameras import camera_file
from ferstream.consumer.dashboard.cameras.program import MOST_TRIALS, ProducerProgram, TooManyTrials
from ferstream.consumer.dashboard.cameras.routes import routes
from ferstream.producer.config.camera_config import RANGES, SETTING_NAMES, CameraSettings
from tests.consumer.dashboard.access.page import Answer, Browser, people, settings
from tests.support.fleet import wait_until
from tests.support.mjpeg_camera import MjpegCamera
from tests.support.web_server import serving

TRIANGLE = [[0, 0], [1, 0], [0.5, 0.25]]
WRITTEN = """\
# Ours.
cameras:
  # the front
  door: rtsp://u:hunter2@10.0.0.7/x?token=hunter2   # keep
  hall: {url: 'http://10.0.0.8/user=a&password=hunter2&b', fps: 10}
  secret: {url_file: secret.url, loop: true}
  named: '@secret.url'
  a/b: 'portraits:'
"""


class Page:
    """A browser at the page, the file that it changes, all that was answered, and the cameras whose pictures were seen."""

    def __init__(self, browser: Browser, file: Path, looked: list[str]) -> None:
        self.browser, self.file, self.looked = browser, file, looked
        self.answers: list[str] = []

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        answer = self.browser.ask(method, f"/api/config/{path}", body)
        self.answers.append(answer.text)
        return answer

    def cameras(self) -> dict[str, dict]:
        listing = self.ask("GET", "cameras").json
        return {camera.pop("name"): camera for camera in listing["cameras"]}

    def put(self, name: str, **wish: object) -> Answer:
        return self.ask("PUT", f"cameras/{quote(name, safe='')}", wish)

    def check(self, name: str = "new", **wish: object) -> Answer:
        return self.ask("POST", "check", {"name": name} | wish)


@contextmanager
def page_of(file: Path | None, **more: object):
    access = Access(settings(**more))
    looked: list[str] = []

    async def looks(_connection, cameras):
        looked.extend(cameras)

    app = Starlette(
        routes=[*routes(file, Door(partial(describe, access=access), looks)), *session_routes(access)],
        middleware=[Middleware(AccessMiddleware, access=access)],
        exception_handlers={HTTPException: http_error},
    )
    with serving(app) as port:
        page = Page(Browser(port), file or Path(), looked)
        page.browser.begin()
        yield page
        assert not any("hunter2" in answer for answer in page.answers)


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_PRODUCER_CAMERA", "other=portraits:")  # of this process, and not of the one that is asked
    (tmp_path / "secret.url").write_text("rtsp://u:hunter2@10.0.0.9/x\n")
    file = tmp_path / "cameras.yaml"
    file.write_text(WRITTEN)
    with page_of(file) as page:
        yield page


def test_the_list_shows_no_password(page):
    listing = page.ask("GET", "cameras").json
    assert listing["file"] == "cameras.yaml"
    assert [(camera["name"], camera["url"], camera["settings"]) for camera in listing["cameras"]] == [
        ("door", "rtsp://u:***@10.0.0.7/x?***", {}),
        ("hall", "http://10.0.0.8/user=a&password=***", {"fps": 10}),
        ("secret", "@secret.url", {"loop": True}),
        ("named", "@secret.url", {}),
        ("a/b", "portraits:", {}),
    ]
    known = listing["settings"]
    assert set(known) == set(SETTING_NAMES)
    assert {name: (known[name]["least"], known[name]["most"]) for name in RANGES} == RANGES
    kinds = {name: setting["kind"] for name, setting in known.items()}
    assert kinds | {"fps": "number", "every": "integer", "loop": "boolean", "mask": "polygons", "region": "polygon"} == kinds
    assert {name: setting["default"] for name, setting in known.items() if name != "mask"} == {
        name: getattr(CameraSettings(), name) for name in SETTING_NAMES if name != "mask"
    }
    assert kinds["freshness_s"] == "number"


def test_settings_change_and_the_address_stays(page):
    shown = {name: camera["url"] for name, camera in page.cameras().items()}
    wanted = {"fps": 3, "region": TRIANGLE}
    for name, wish in (("door", {"url": shown["door"]}), ("hall", {}), ("secret", {"url": "@secret.url"}), ("a/b", {"url": ""})):
        answer = page.put(name, settings=wanted, **wish)
        assert (answer.status, answer.json["url"]) == (200, shown[name])
    text = page.file.read_text()
    assert "rtsp://u:hunter2@10.0.0.7/x?token=hunter2" in text
    assert "url_file: secret.url, fps: 3, region: [[0, 0], [1, 0], [0.5, 0.25]]}" in text
    assert {"# Ours.", "  # the front", "  named: '@secret.url'"} <= set(text.splitlines())
    found = page.cameras()
    assert {name: camera["settings"] for name, camera in found.items()} == dict.fromkeys(shown, wanted) | {"named": {}}
    assert {name: camera["url"] for name, camera in found.items()} == shown


def test_a_camera_more_and_one_less(page):
    page.file.chmod(0o600)
    assert page.put("gate: 1", url="rtsp://u:hunter2@10.0.0.3/x", settings={"mask": [TRIANGLE]}, new=True).status == 200
    assert page.file.read_text() == WRITTEN + (
        "  'gate: 1':\n    url: 'rtsp://u:hunter2@10.0.0.3/x'\n    mask: [[[0, 0], [1, 0], [0.5, 0.25]]]\n"
    )
    assert page.file.stat().st_mode & 0o777 == 0o600
    assert page.ask("DELETE", "cameras/gate%3A%201").status == 204
    assert page.file.read_text() == WRITTEN
    assert page.ask("DELETE", "cameras/a%2Fb").status == 204
    assert page.file.read_text() == WRITTEN.replace("  a/b: 'portraits:'\n", "")
    answer = page.ask("DELETE", "cameras/a%2Fb")
    assert (answer.status, answer.error) == (404, "there is no camera 'a/b' in cameras.yaml")
    assert sorted(path.name for path in page.file.parent.iterdir()) == ["cameras.yaml", "secret.url"]


@pytest.mark.parametrize(
    ("name", "wish", "told"),
    [
        ("x/y", {"url": "portraits:"}, "the name of a new camera must not hold a /"),
        ("x", {}, "the url is missing"),
        ("x", {"url": "file:///etc/passwd"}, "the url must begin with rtsp://"),
        ("x", {"url": "/etc/passwd"}, "the url must begin with rtsp://"),
        ("x", {"url": "@/etc/shadow"}, "the url must begin with rtsp://"),
        ("x", {"url": "concat:/etc/passwd"}, "the url must begin with rtsp://"),
        ("x", {"url": "rtsp://h/a\nb"}, "the url must begin with rtsp://"),
        ("door", {"url": "rtsp://u:***@10.0.0.8/x"}, "the url holds *** in the place of what is not shown"),
        ("door", {"settings": {"url": "/x"}}, "the url is no setting"),
        ("door", {"settings": 3}, "this is no camera: Expected `object`, got `int` - at `$.settings`"),
        ("door", {"address": "x"}, "this is no camera: Object contains unknown field `address`"),
    ],
)
def test_what_the_page_may_not_ask_for(page, name, wish, told):
    for answer in (page.put(name, **wish), page.check(name, **wish)):
        assert (answer.status, told in answer.error) == (400, True), answer.error
    assert page.file.read_text() == WRITTEN


@pytest.mark.parametrize(
    ("way", "name", "wish", "told"),
    [
        ("check", "x\ny", {"url": "portraits:"}, "a camera's name must be printable and 1 to 128 characters long"),
        ("put", "x" * 129, {"url": "portraits:"}, "a camera's name must be printable and 1 to 128 characters long"),
        ("put", "x", {"url": "rtsp://u:p@10.0.0.8:port/x"}, "the URL has no host, or a port that is no number"),
        ("check", "door", {"settings": {"fps": 0}}, "camera door: fps must be a number from 0.01 to 240, not 0"),
        ("put", "door", {"settings": {"fsp": 3}}, "unknown key fsp (did you mean fps?)"),
        ("put", "door", {"settings": {"mask": TRIANGLE}}, "mask must be a list of polygons, and this is one polygon"),
    ],
)
def test_the_errors_are_those_of_the_producer(page, way, name, wish, told):
    answer = getattr(page, way)(name, **wish)
    assert (answer.status, told in answer.error, str(page.file.parent) in answer.error) == (400, True, False), answer.error
    assert page.file.read_text() == WRITTEN


def test_a_name_that_is_taken(page):
    answer = page.put("door", url="portraits:", new=True)
    assert (answer.status, "a camera with the name door already" in answer.error) == (409, True)


def test_two_who_change_the_file(page, monkeypatch):
    old = page.ask("GET", "cameras").json["version"]
    assert page.put("hall", settings={"fps": 4}, version=old).status == 200
    answer = page.put("hall", settings={"fps": 5}, version=old)
    assert (answer.status, "cameras.yaml was changed meanwhile" in answer.error) == (409, True)
    with_camera = camera_file.with_camera

    def somebody_saves(text, name, entry):
        page.file.write_text(text + "# by hand\n")
        return with_camera(text, name, entry)

    monkeypatch.setattr(camera_file, "with_camera", somebody_saves)
    answer = page.put("hall", settings={"fps": 6})
    assert (answer.status, "at the same moment by somebody else" in answer.error) == (409, True)
    assert page.file.read_text().endswith("# by hand\n")
    assert "fps: 4" in page.file.read_text()


def test_many_at_once_lose_nothing(page):
    threads = [threading.Thread(target=page.put, args=(f"n{number}",), kwargs={"url": "portraits:"}) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"n{number}" for number in range(3)} <= set(page.cameras())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cameras:\n  a: 'rtsp://u:hunter2@h\n", "cameras.yaml, line 3: this is no YAML"),
        ("cameras:\n  a: /x\n  a: rtsp://u:hunter2@h/x\n", "cameras.yaml, line 3: cameras has a twice"),
        ("cameras:\n  a: &d {url: /x}\n  b: *d\n", "cameras.yaml: this file is laid out in a way that cannot be changed here"),
    ],
)
def test_a_file_that_cannot_be_changed_here(page, text, told):
    page.file.write_text(text)
    answer = page.put("a", settings={"fps": 3})
    assert (answer.status, told in answer.error) == (409, True), answer.error
    assert page.file.read_text() == text


def test_a_mistake_elsewhere_in_the_file(page):
    page.file.write_text(WRITTEN + "  bad: {url: /x, fps: 0}\n")
    answer = page.put("door", settings={"fps": 3})
    assert (answer.status, answer.error) == (
        400,
        "cameras.yaml, line 11: camera bad: fps must be a number from 0.01 to 240, not 0",
    )


def test_a_file_that_is_not_there_yet(tmp_path):
    (tmp_path / "there").symlink_to(tmp_path / "cameras.yaml")
    with page_of(tmp_path / "there") as page:
        assert page.cameras() == {}
        assert page.put("a", url="portraits:").status == 200
    assert (tmp_path / "cameras.yaml").read_text() == "cameras:\n  a:\n    url: 'portraits:'\n"
    assert (tmp_path / "there").is_symlink()
    assert (tmp_path / "cameras.yaml").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_written(tmp_path):
    with page_of(tmp_path / "none" / "cameras.yaml") as page:
        answer = page.put("a", url="portraits:")
    said = "cameras.yaml cannot be changed: No such file or directory in its folder"
    assert (answer.status, answer.error) == (409, said)


def test_what_is_nested_deeper_than_polygons_is_no_setting(page):
    deep: object = []
    for _ in range(300):
        deep = [deep]
    for answer in (page.put("door", settings={"mask": deep}), page.check("door", settings={"mask": deep})):
        assert (answer.status, "this is no camera: Expected" in answer.error) == (400, True)


def test_a_camera_is_tried(page):
    with MjpegCamera(10, (320, 240)) as camera:
        answer = page.check(url=camera.url, settings={"mask": [TRIANGLE], "max_side": 160})
        assert answer.status == 200
        found = answer.json
        assert (found["state"], found["size"], found["problem"]) == ("ok", "320x240", "")
        head, _, picture = found["picture"].partition(",")
        assert head == "data:image/jpeg;base64"
        shown = simplejpeg.decode_jpeg(base64.b64decode(picture))
        assert shown.shape == (120, 160, 3)
        assert shown[2:20, 60:100].min() > 60  # as it is, for whoever draws the mask
        (page.file.parent / "secret.url").write_text(camera.url)
        for name in ("secret", "named"):
            assert page.check(name).json["state"] == "ok"
    assert page.looked == ["new", "secret", "named"]
    gone = page.check(url=camera.url).json
    assert (gone["state"], gone["picture"]) == ("failed", "")
    assert "refused" in gone["problem"]
    assert page.file.read_text() == WRITTEN


def test_without_pictures_none_is_shown_of_one_that_is_tried(tmp_path):
    with page_of(tmp_path / "cameras.yaml", pictures=False) as page:
        found = page.check(url="portraits:").json
        assert (found["state"], found["picture"], page.looked) == ("ok", "", [])


def test_few_are_tried_at_once(page):
    program = ProducerProgram()
    with MjpegCamera(10) as camera:
        camera.mood = "stalled"
        entry = {"url": camera.url, "stall_after_s": 0.5}
        threads = [threading.Thread(target=partial(program.try_out, "a", entry, picture=False)) for _ in range(MOST_TRIALS)]
        for thread in threads:
            thread.start()
        wait_until(lambda: refused(program, entry))
        camera.mood = "well"
        for thread in threads:
            thread.join()


def refused(program: ProducerProgram, entry: dict[str, object]) -> bool:
    try:
        program.try_out("b", entry, picture=False)
    except TooManyTrials as error:
        return "being tried already" in str(error)
    return False


def test_it_is_for_admins(tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text(WRITTEN)
    with page_of(file, users_file=people(tmp_path, ben="viewer")) as page:
        assert page.ask("GET", "cameras").status == 401
        assert page.browser.log_in("ben").status == 200
        for answer in (page.ask("GET", "cameras"), page.put("door"), page.ask("DELETE", "cameras/door"), page.check("door")):
            assert (answer.status, answer.error) == (403, "this needs the role admin, and ben is viewer")
    assert file.read_text() == WRITTEN


def test_a_server_without_a_file():
    with page_of(None) as page:
        answer = page.ask("GET", "cameras")
    assert (answer.status, "--cameras FILE" in answer.error) == (404, True)


def test_a_body_without_an_end(page):
    assert page.ask("PUT", "cameras/a", b'{"url":"' + b"x" * 300_000).status == 413
    assert page.ask("PUT", "cameras/a", b"{").error == "this is no camera: the body must be JSON"
    assert page.ask("PUT", "cameras/a", b"[" * 100_000).status == 400
