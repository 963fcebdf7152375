"""A camera is added on the page in a real browser: tried, masked, saved into the file, and taken out again."""

import pytest
import yaml

from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.mjpeg_camera import MjpegCamera
from tests.support.video_files import wait_until

WRITTEN = "# Ours.\ncameras:\n  door: rtsp://u:hunter2@127.0.0.1:9/x   # keep\n"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def test_a_camera_comes_and_goes(browser, redis_url, tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text(WRITTEN)
    with (
        MjpegCamera(10, (320, 240)) as camera,
        Dashboard(redis_url, "--cameras", str(file)) as server,
        visit(browser, f"{server.url}/cameras", may_fail=("400", "409")) as page,
    ):
        page.get_by_text("rtsp://u:***@127.0.0.1:9/x").wait_for()
        assert "hunter2" not in page.content()
        page.get_by_role("button", name="Add a camera").click()
        page.get_by_label("Name").fill("door")
        page.get_by_label("Address").fill("/etc/passwd")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("there is a camera with the name door already").wait_for()
        page.get_by_label("Name").fill("hall <b>1<b>")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("the url must begin with rtsp://").wait_for()
        page.get_by_label("Address").fill(camera.url)
        page.get_by_role("button", name="Try it").click()
        page.get_by_role("img", name="Still picture of the camera").wait_for()
        page.get_by_role("button", name="Mask").first.click()
        assert violations(page) == []
        page.get_by_role("button", name="Save").click()
        wait_until(lambda: "hall <b>1<b>" in file.read_text(), within_s=15, what="it is saved")
        page.get_by_role("button", name="hall <b>1<b>").click()
        page.get_by_role("button", name="Remove", exact=True).click()
        entry = yaml.safe_load(file.read_text())["cameras"]["hall <b>1<b>"]
        assert (entry["url"], len(entry["mask"]), len(entry["mask"][0])) == (camera.url, 1, 4)
        assert file.read_text().startswith(WRITTEN)
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        wait_until(lambda: file.read_text() == WRITTEN, within_s=15, what="it is taken out")
