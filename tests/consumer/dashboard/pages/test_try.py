"""Try: a browser's camera through a real worker to a name on its own frame; files; and what is said where there is no camera."""

import base64
import re

import cv2
import numpy as np
import pytest
import simplejpeg

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.consumer.dashboard.access.page import TOKEN, token_file
from tests.support.browser import another, chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.fleet import WorkerProcess
from tests.support.frame_code import read_code
from tests.support.portrait_clips import make_clip, portraits

FAKE = "--use-fake-device-for-media-stream"
#: Another name of this machine: for a browser a page from there is not secure.
ELSEWHERE = "faces.test"
ENTRY = f"/try?token={TOKEN}"
REQUEST_FAILS = "Failed to load resource"


def jpeg(picture: np.ndarray) -> bytes:
    """Of BGR pixels, with colours as Chromium's fake camera wants them."""
    return simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=85, colorspace="BGR", colorsubsampling="420")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """Redis, the server, and one worker."""
    log = tmp_path_factory.mktemp("try") / "worker"
    with EmbeddedRedis() as redis, WorkerProcess(redis.url, log=log) as worker, Dashboard(redis.url) as server:
        worker.wait_until_ready()
        yield server


@pytest.fixture(scope="module")
def nobody_works(tmp_path_factory):
    """A server without a worker, for visitors from elsewhere too, who need a token."""
    reached = ("--origin", f"http://{ELSEWHERE}", "--token-file", str(token_file(tmp_path_factory.mktemp("token"))))
    with EmbeddedRedis() as redis, Dashboard(redis.url, *reached) as server:
        yield server


@pytest.fixture(scope="module")
def film():
    """What the browser's camera shows, again and again: the demo's two people, and in a corner each picture's number."""
    return [jpeg(picture) for picture in portraits(45)]


@pytest.fixture(scope="module")
def browser(film, tmp_path_factory):
    path = tmp_path_factory.mktemp("camera") / "people.mjpeg"
    path.write_bytes(b"".join(film))
    fake = (FAKE, "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={path}")
    with chromium(*fake, f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1") as started:
        yield started


def test_the_browsers_camera_is_named_on_its_own_frames_and_the_delay_is_told(browser, deployment):
    with visit(browser, f"{deployment.url}/try?measure=1") as page:
        page.get_by_role("button", name="Use my camera").click()
        page.wait_for_function("() => ferTry.faces.some((faces) => faces.includes('happiness') && faces.includes('neutral'))")
        page.get_by_role("img", name=re.compile("Your camera: .*happiness")).wait_for()
        page.wait_for_function("() => ferTry.drawn >= 10")
        assert page.evaluate("ferTry.mismatches") == 0
        delays = page.evaluate("ferTry.delays.map((delay, at) => [delay / 1000, Object.values(ferTry.stages[at])])")
        assert all(delay == pytest.approx(sum(stages), abs=0.02) for delay, stages in delays)
        page.get_by_text("Capture to screen, p50").wait_for()
        assert page.get_by_text("find faces").is_visible()
        assert violations(page) == []
        page.get_by_label("As in a mirror").uncheck()
        page.get_by_role("button", name="Stop").press("Enter")
        page.get_by_role("button", name="Use my camera").wait_for()
        deployment.wait_for("/api/status", lambda answer: answer.json["cameras"] == [])


def test_a_camera_that_is_unplugged_is_not_taken_for_a_worker_that_hangs(browser, deployment):
    with visit(browser, f"{deployment.url}/try") as page:
        page.evaluate(KEEP_TRACK)
        page.get_by_role("button", name="Use my camera").click()
        page.get_by_role("button", name="Stop").wait_for()
        page.evaluate("track.dispatchEvent(new Event('ended'))")
        page.get_by_role("alert").get_by_text("The camera stopped").wait_for()
        page.get_by_role("button", name="Use my camera").wait_for()
        deployment.wait_for("/api/status", lambda answer: answer.json["cameras"] == [])


#: The browser's own, to say that it ended: no test can unplug a camera.
KEEP_TRACK = """() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        [window.track] = stream.getTracks();
        return stream;
    };
}"""


def test_a_box_lies_on_the_face_of_the_frame_that_is_shown(browser, deployment, film):
    """A number on the canvas says which picture it shows; a box lies where a worker finds the face in that very picture."""
    with visit(browser, f"{deployment.url}/try?measure=1") as page:
        page.get_by_role("button", name="Use my camera").click()
        page.get_by_label("As in a mirror").uncheck()
        canvas = page.get_by_role("img", name=re.compile("Your camera: .*happiness"))
        shown = {}
        while len(shown) < 8:
            pixels = cv2.imdecode(np.frombuffer(canvas.screenshot(), np.uint8), cv2.IMREAD_COLOR_RGB)
            number, box = read_code(pixels), box_in(pixels)
            if number is not None and box is not None:
                shown[number] = box
        page.get_by_role("button", name="Stop").click()
        found = {number: page.evaluate(ANALYZE, base64.b64encode(film[number]).decode())["frames"][0] for number in shown}
    for number, box in shown.items():
        faces = [face["box"] for face in found[number]["faces"] if face["emotion"] == "happiness"]
        assert len(faces) == 1
        assert box == pytest.approx([value / side for value, side in zip(faces[0], (640, 360) * 2, strict=True)], abs=0.012)


#: Of the page's own way to the API, which knows the word against forged requests.
ANALYZE = """async (picture) => {
    const { send } = await import("/static/js/core/api.js");
    const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
    return send("POST", "/api/analyze", new Blob([bytes], { type: "image/jpeg" }));
}"""


def box_in(pixels: np.ndarray) -> list[float] | None:
    """Where the canvas has long straight lines in the colour of happiness, xyxy in shares of its sides."""
    lines = (np.abs(pixels.astype(int) - (230, 159, 0)) <= 8).all(axis=2)
    columns, rows = np.flatnonzero(lines.sum(0) > 30), np.flatnonzero(lines.sum(1) > 30)
    if not len(columns) or not len(rows):
        return None
    height, width = lines.shape
    return [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height]


def test_a_picture_and_what_is_none(browser, deployment, tmp_path):
    picture, text = tmp_path / "two people.jpg", tmp_path / "text.jpg"
    picture.write_bytes(jpeg(portraits(1)[0]))
    text.write_text("no picture")
    with visit(browser, f"{deployment.url}/try", size=(360, 740), may_fail=(REQUEST_FAILS,)) as page:
        page.get_by_label("Drop a file here").set_input_files(picture)
        page.get_by_text("two people.jpg: 1 picture").wait_for()
        page.get_by_text(re.compile("face 1, found with")).wait_for()
        assert page.locator(".try-found .try-face-head").count() == 2
        page.get_by_text("The same as JSON").click()
        assert '"emotion": "happiness"' in page.locator("pre").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert violations(page) == []
        page.get_by_label("Drop a file here").set_input_files(text)
        page.get_by_role("alert").get_by_text("This kind of file is not taken").wait_for()
        assert "send a JPEG, PNG or WebP picture" in page.get_by_role("alert").inner_text()


def test_a_clip_is_looked_through_by_keyboard(browser, deployment, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=18)
    with visit(browser, f"{deployment.url}/try", dark=True) as page:
        page.get_by_label("Drop a file here").set_input_files(clip)
        slider = page.get_by_role("slider", name="Frame")
        slider.focus()
        page.keyboard.press("End")
        page.get_by_text(re.compile(r"frame (\d+) of \1 · 0\.\d+ s")).wait_for()
        assert page.locator(".try-found .try-face-head").count() == 2
        page.wait_for_timeout(300)
        shown = cv2.imdecode(np.frombuffer(page.get_by_role("img", name="clip.mp4").screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert shown.std() > 30  # the clip's own picture, not an empty frame


def test_where_no_worker_answers_it_says_so(browser, nobody_works, tmp_path):
    picture = tmp_path / "people.jpg"
    picture.write_bytes(jpeg(portraits(1)[0]))
    with visit(browser, f"{nobody_works.url}{ENTRY}", may_fail=(REQUEST_FAILS,)) as page:
        page.get_by_role("button", name="Use my camera").click()
        page.get_by_label("Drop a file here").set_input_files(picture)
        page.get_by_text(re.compile(r"No answer for \d+ s.*no worker answered")).wait_for()
        page.get_by_role("alert").get_by_text("No worker answered").wait_for()
        assert "start fer-worker run" in page.get_by_role("alert").inner_text()
        page.get_by_role("link", name="The fleet's page says what is wrong").click()
        page.get_by_role("heading", name="Fleet").wait_for()


def test_why_a_browser_gives_no_camera(browser, nobody_works):
    elsewhere = nobody_works.url.replace("127.0.0.1", ELSEWHERE)
    with visit(browser, f"{elsewhere}{ENTRY}", may_fail=("Cross-Origin-Opener-Policy",)) as page:
        page.get_by_text("Browsers give a camera to secure pages only").wait_for()
        assert page.get_by_text("--tls-cert").is_visible()
        assert page.get_by_role("button", name="Use my camera").is_disabled()
    with (
        another(browser, FAKE, "--deny-permission-prompts") as denying,
        visit(denying, f"{nobody_works.url}{ENTRY}") as page,
    ):
        page.get_by_role("button", name="Use my camera").click()
        page.get_by_text("The camera was not allowed").wait_for()
    with (
        another(browser, "--use-fake-ui-for-media-stream") as without,
        visit(without, f"{nobody_works.url}{ENTRY}") as page,
    ):
        page.get_by_role("button", name="Use my camera").click()
        page.get_by_text("There is no camera on this device").wait_for()
