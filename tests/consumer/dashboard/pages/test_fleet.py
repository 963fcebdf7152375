"""The fleet's page: five faults, each staged for real, and what somebody reads there who has nothing but this page."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from ferstream.streams.frames.status_board import StatusBoard
from ferstream.streams.frames.worker_status import WorkerStatus
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.wire.keys import Keys
from tests.support.browser import chromium, violations, visit
from tests.support.dashboard import Dashboard
from tests.support.fleet import WorkerProcess
from tests.support.living_cameras import LivingCameras
from tests.support.programs import command, environment

#: Nothing listens on port 1.
NOBODY = "rtsp://127.0.0.1:1/stream"
WORKER = WorkerStatus(name="w", state="ready", device="cpu", runtime="openvino", precision="f32")


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def redis():
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture(scope="module")
def server(redis):
    with Dashboard(redis.url) as process:
        yield process


@pytest.fixture(autouse=True)
def client(redis):
    """Each test begins with nothing in Redis."""
    with Redis.from_url(redis.url) as client:
        client.flushall()
        yield client


@contextmanager
def a_producer(url: str, *cameras: str, fps: str = "5") -> Iterator[None]:
    """One `fer-producer run`, until the end of the block."""
    given = [word for camera in cameras for word in ("--camera", camera)]
    words = ("run", "--redis", url, "--metrics-port", "0", "--fps", fps, "--freshness", "1", *given)
    with subprocess.Popen(command("producer", *words), stderr=subprocess.DEVNULL, env=environment()) as process:
        try:
            yield
        finally:
            process.terminate()


def says(page, what: str, do: str, title: str) -> None:
    """Wait for a problem; its words, what to do, and the runbook's entry are there."""
    problem = page.get_by_role("article").filter(has_text=re.compile(what))
    problem.get_by_text(re.compile(do)).wait_for()
    problem.get_by_role("link", name=f"Runbook: {title}").click()
    entry = page.get_by_role("complementary", name=title)
    entry.get_by_text("What to look at").wait_for()
    page.get_by_role("link", name="Close the runbook").click()
    entry.wait_for(state="hidden")


def test_a_fleet_that_is_well_says_so(browser, redis, server):
    with LivingCameras(redis.url, "<b>door</b>"), visit(browser, f"{server.url}/fleet", dark=True) as page:
        page.get_by_role("heading", name="All is well").wait_for()
        page.get_by_text("1 camera is live, 1 worker works").wait_for()
        page.get_by_role("img", name="Results out, the last minutes").wait_for()
        assert violations(page) == []
        page.get_by_role("link", name="<b>door</b>").focus()
        page.wait_for_timeout(1500)  # a status came, and the link is still the same
        assert page.evaluate("document.activeElement.textContent") == "<b>door</b>"
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_no_worker_a_camera_that_is_down_another_prefix_and_a_full_redis(browser, redis, server, client):
    with a_producer(redis.url, "door=portraits:", f"yard={NOBODY}"), visit(browser, f"{server.url}/fleet") as page:
        says(page, "no worker reads them", "start fer-worker run", "No worker reads the frames")
        says(page, r"Camera 'yard' is down \(.*refused", "fer-producer check", "A camera cannot be opened")
        assert page.locator("tbody tr").first.inner_text().startswith("yard")  # what is wrong stands first
        assert page.get_by_text("balances").is_visible()
        StatusBoard(client, Keys("other").workers).renew({"w": WORKER})
        says(page, "Workers read prefix other, cameras write to fer", "both the same", "Cameras and workers use two prefixes")
        client.config_set("maxmemory", client.info()["used_memory"])
        says(page, r"Redis is full \(\d+% of maxmemory\)", "raise maxmemory", "Redis takes no more frames")
        page.get_by_role("link", name="Wall").click()
        page.locator("li[data-camera=door]").get_by_text("Redis is full").wait_for()
        page.get_by_text("Not known: no results come").wait_for()
        assert violations(page) == []
        client.config_set("maxmemory", "512mb")


def test_a_worker_that_is_too_slow(browser, redis, server, tmp_path):
    with (
        WorkerProcess(redis.url, log=tmp_path / "worker").wait_until_ready(),
        a_producer(redis.url, *(f"camera-{number}=portraits:" for number in range(4)), fps="25"),
        visit(browser, f"{server.url}/fleet") as page,
    ):
        says(page, r"[Ww]orkers are too slow \(busy \d+%\)", "start more workers", "Workers are too slow")


@pytest.mark.deploy
def test_a_redis_that_is_away(browser, redis, server):
    with a_producer(redis.url, "door=portraits:"), visit(browser, f"{server.url}/") as page:
        page.get_by_text("1 live").wait_for()
        page.locator("li[data-camera=door]").get_by_text("No worker is running").wait_for()
        os.kill(redis.pid, signal.SIGSTOP)
        page.locator("li[data-camera=door]").get_by_text("Redis does not answer").wait_for(timeout=30_000)
        page.get_by_text("1 live").wait_for(state="hidden")
        assert page.locator(".wall-problem").is_hidden()  # what was wrong before is not said of now
        page.get_by_text("Redis does not answer: look at its log").wait_for()
        page.get_by_role("link", name="See the fleet").click()
        page.get_by_role("heading", name="The fleet cannot be seen").wait_for(timeout=30_000)
        says(page, "[Nn]o answer from Redis", "look at Redis's log", "Redis cannot be seen")
        os.kill(redis.pid, signal.SIGCONT)
        page.get_by_role("heading", name="The fleet cannot be seen").wait_for(state="hidden")
