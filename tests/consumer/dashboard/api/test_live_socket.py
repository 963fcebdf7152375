"""WS /api/live: pictures with the faces of their own frame, viewers that do not read or talk nonsense, and Redis that goes."""

import asyncio
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from websockets.exceptions import ConnectionClosed

from ferstream.consumer.dashboard.live import viewers
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.wire.codec import encode_event
from ferstream.streams.wire.keys import Keys
from tests.faults.server import Server
from tests.support import records
from tests.support.dashboard import Dashboard, live, next_of, served_here
from tests.support.paths import ROOT
from tests.support.patience import PATIENCE, PROCESS_S
from tests.support.played_worker import HEIGHT, WIDTH, PlayedWorker
from tests.support.records import event, face

ALL = json.dumps({"type": "watch", "pictures": {"*": 320}, "results": ["*"]})
RESULTS = json.dumps({"type": "watch", "results": ["*"]})


@pytest.fixture(scope="module")
def page(redis_server):
    with Dashboard(redis_server.url) as found:
        yield found


@contextmanager
def playing(client, cameras=("door",), *, fps=20, size=200, pictures=True, keys=None):
    """A worker that answers frames until the end of the block; every JPEG holds the name and number of its frame."""
    end = threading.Event()

    def play():
        worker = PlayedWorker(client, keys, pictures=pictures)
        number = 0
        while not end.wait(1 / fps):
            number += 1
            for camera in cameras:
                found = face(box=(number, 0.0, number + 50, 70.0))
                worker.answer([(camera, number, [found])], _jpeg(camera, number, size))

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _jpeg(camera, number, size):
    return f"{camera} {number} ".encode().ljust(size, b".")


async def closed(viewer):
    """With which code."""
    with suppress(ConnectionClosed):
        async for _ in viewer:
            pass
    return viewer.close_code


async def test_a_picture_always_comes_with_the_faces_of_its_own_frame(page, client):
    with playing(client, ("door", "a/ä <b>")):
        async with asyncio.timeout(PROCESS_S), page.live() as viewer:
            hello = await next_of(viewer, "hello")
            assert (hello["emotions"][0], hello["session"]["role"]) == ("anger", "admin")
            await viewer.send(ALL)
            seen = {"door": [], "a/ä <b>": []}
            while min(map(len, seen.values())) < 10:
                picture = await next_of(viewer, "picture")
                (one,) = picture["faces"]
                camera, number = picture["camera"], picture["sequence"]
                assert picture["jpeg"] == _jpeg(camera, number, 200)
                assert (one["box"], picture["width"], picture["height"]) == ([number, 0, number + 50, 70], WIDTH, HEIGHT)
                assert (picture["picture"], picture["blurred"], one["track"] is not None) == ([320, 180], False, True)
                seen[camera].append(number)
            assert all(numbers == sorted(set(numbers)) for numbers in seen.values())


async def test_faces_of_all_shards_have_the_numbers_that_their_events_have(client, redis_url):
    tracker, started = FaceTracker(), time.time() - 60
    for number in range(1, 4):  # three who have left
        place = (100.0 * number, 0.0, 100.0 * number + 50, 70.0)
        for frame in range(10):
            tracker.update(
                replace(records.result(10 * number + frame, face(box=place)), captured_at=started + 3 * number + frame / 10)
            )
    keys = Keys(shards=3)
    client.set(keys.shard_count, keys.shards)
    for camera, state in (("door", tracker.save("door")), ("hall", b"nonsense"), ("yard", b"")):
        client.hset(keys.tracks(keys.shard_of(camera)), mapping={camera: state, "": "1 0-0"})
    with Dashboard(redis_url) as page, playing(client, ("door", "hall", "yard"), keys=keys):
        async with asyncio.timeout(PROCESS_S), page.live() as viewer:
            await viewer.send(ALL)
            seen = {}
            while len(seen) < 3:
                said = await next_of(viewer, "picture")
                seen[said["camera"]] = said["faces"][0]["track"]
            assert seen == {"door": 4, "hall": 1, "yard": 1}


async def test_without_pictures_faces_come_alone_with_events_and_a_status_each_second(page, client):
    with playing(client, pictures=False):
        async with asyncio.timeout(PROCESS_S), page.live() as viewer, page.live() as pictures:
            await viewer.send(RESULTS)
            await pictures.send(ALL)
            faces = await next_of(viewer, "faces")
            assert (faces["camera"], faces["faces"][0]["box"][0]) == ("door", faces["sequence"])
            assert (await next_of(pictures, "faces"))["camera"] == "door"
            client.xadd(Keys().events(0), encode_event(event(5)))
            assert (await next_of(viewer, "event"))["event"]["sequence"] == 5
            first, second = await next_of(viewer, "status"), await next_of(viewer, "status")
            assert first["at"] < second["at"]
            assert {"problems", "figures", "cameras"} <= set(second)


async def test_nobody_is_shown_pictures_where_that_is_switched_off(client, redis_url):
    with Dashboard(redis_url, "--no-pictures") as page, playing(client):
        async with asyncio.timeout(PROCESS_S), page.live() as viewer:
            await viewer.send(ALL)
            assert (await next_of(viewer, "hello"))["session"]["pictures"] is False
            for _ in range(5):
                await next_of(viewer, "faces")
            assert PlayedWorker(client).watched() == []
        assert page.get("/api/cameras/door/picture.jpg").status == 403


@pytest.mark.parametrize("wrong", ["nonsense", '{"type":"watch","pictures":7}', "x" * 300_000, b"\xff\x00", "flood"])
async def test_what_is_no_message_of_a_page_ends_its_connection_and_is_counted(wrong, page):
    before = page.metrics()['fer_dashboard_viewers_dropped_total{reason="wrong-message"}']
    async with asyncio.timeout(PROCESS_S), page.live() as viewer:
        with suppress(ConnectionClosed):
            for _ in range(1000 if wrong == "flood" else 1):
                await viewer.send(RESULTS if wrong == "flood" else wrong)
        # Of a flood, what the server has not read any more resets the connection.
        assert await closed(viewer) in ((1003, 1006) if wrong == "flood" else (1003,))
    assert page.metrics()['fer_dashboard_viewers_dropped_total{reason="wrong-message"}'] == before + 1
    assert page.get("/readyz").status == 200


async def test_who_does_not_read_is_skipped_ahead_then_dropped_and_holds_up_nobody(client, redis_url, monkeypatch):
    monkeypatch.setattr(viewers, "SEND_S", 2.0)
    registry = CollectorRegistry()

    def count(name, **labels):
        return registry.get_sample_value(f"fer_dashboard_{name}", labels)

    async with served_here(redis_url, registry) as url, asyncio.timeout(PROCESS_S), live(url) as stuck, live(url) as reading:
        stuck.transport.pause_reading()
        await stuck.send(ALL)
        await reading.send(ALL)
        with playing(client, size=400_000):
            while not count("viewers_dropped_total", reason="slow"):
                last = (await next_of(reading, "picture"))["sequence"]
            assert count("messages_skipped_total") > 5
            while (await next_of(reading, "picture"))["sequence"] < last + 5:
                pass
            while count("viewers") > 1:
                await next_of(reading, "picture")


async def test_redis_may_go_and_come_back(tmp_path):
    with Server(tmp_path) as redis, Dashboard(f"redis://127.0.0.1:{redis.port}/0") as page:
        async with asyncio.timeout(PROCESS_S), page.live() as viewer:
            await viewer.send(RESULTS)
            with playing(redis.client):
                await next_of(viewer, "faces")
            redis.kill()
            assert "Redis" in (await next_of(viewer, "away"))["what"]
            said = page.get("/api/status")
            assert (said.status, "Redis" in said.json["error"], page.get("/readyz").status) == (503, True, 503)
            redis.start()
            await next_of(viewer, "back")
            assert "problems" in await next_of(viewer, "status")
            with playing(redis.client):
                await next_of(viewer, "faces")
            async with page.live() as late:
                assert "problems" in await next_of(late, "status")


async def test_the_page_is_there_before_redis_is(tmp_path):
    with Server(tmp_path) as redis:
        redis.kill()
        with Dashboard(f"redis://127.0.0.1:{redis.port}/0", wait=False) as page:
            assert page.wait_for("/readyz", lambda answer: "Redis" in answer.body.decode()).status == 503
            async with asyncio.timeout(PROCESS_S), page.live() as viewer:
                assert "Redis" in (await next_of(viewer, "away"))["what"]
                redis.start()
                await next_of(viewer, "status")


async def test_sigterm_lets_viewers_go_in_order(client, redis_url):
    with Dashboard(redis_url) as page, playing(client):
        async with asyncio.timeout(PROCESS_S), page.live() as viewer, page.live() as stuck:
            await viewer.send(ALL)
            await stuck.send(ALL)
            stuck.transport.pause_reading()
            events = await asyncio.to_thread(urllib.request.urlopen, f"{page.url}/api/events")
            await next_of(viewer, "picture")
            begun = time.monotonic()
            page.process.send_signal(signal.SIGTERM)
            assert await closed(viewer) == 1012
            status, said = await asyncio.to_thread(page.ended)
            assert (status, "Traceback" in said, "ERROR" in said) == (0, False, False)
            assert time.monotonic() - begun < 10 * PATIENCE
            events.close()


def test_sigterm_waits_for_no_upload_for_ever(redis_url):
    with Dashboard(redis_url) as page, closing(half_an_upload(page)) as upload:
        page.process.send_signal(signal.SIGTERM)
        with upload.getresponse() as answer:
            assert (answer.status, b"ask again" in answer.read()) == (503, True)
        status, said = page.ended()
        assert (status, "Traceback" in said) == (0, False)


def half_an_upload(page):
    """A connection whose request's body is not all there."""
    connection = http.client.HTTPConnection(page.url.removeprefix("http://"), timeout=PROCESS_S)
    connection.putrequest("POST", "/api/analyze")
    session = page.get("/api/session").json
    for name, value in {"Origin": page.url, "X-CSRF-Token": session["csrf"], "Content-Length": "100"}.items():
        connection.putheader(name, value)
    connection.endheaders(b"half")
    return connection


async def test_a_second_signal_leaves_at_once(redis_url):
    with Dashboard(redis_url) as page:
        async with page.live() as viewer:
            viewer.transport.pause_reading()
            page.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
            page.process.send_signal(signal.SIGTERM)
            assert (await asyncio.to_thread(page.ended))[0] == 143


async def test_the_client_of_the_docs(page, client, tmp_path):
    text = (ROOT / "docs" / "dashboard.md").read_text()
    (code,) = re.findall(r"^```py\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    script = tmp_path / "client.py"
    script.write_text(code.replace("ws://127.0.0.1:8080", f"ws{page.url.removeprefix('http')}"))
    with playing(client), subprocess.Popen([sys.executable, "-u", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = await asyncio.to_thread(process.stdout.readline)
        process.kill()
    assert re.fullmatch(r"door \d+ \d+ (happiness|unknown)\n", line)
