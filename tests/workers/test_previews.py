"""Previews of whole workers: there while somebody looks, each with a result of its own, and then gone."""

import asyncio
import signal
import threading
import time

from ferstream.streams.frames.previews import WATCH_S, watch
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect, connect_async
from ferstream.streams.wire.codec import decode_preview, encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.workers.intake.intake import BLOCK_S
from ferstream.workers.pipeline.watched_cameras import WatchedCameras
from tests.support.fleet import KEYS, WorkerProcess, add, frame, portrait_jpeg, results, server_now, wait_until

GONE_S = 4.0


class Viewer:
    """Looks at a camera, as a context."""

    def __init__(self, url, camera, side=320, keys=KEYS):
        self._url, self._camera, self._side, self._keys = url, camera, side, keys
        self._left = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._look()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._left.set()
        self._thread.join()

    async def _look(self):
        clock = ServerClock()
        with connect(self._url) as client:
            clock.set_from(client)
        async with connect_async(self._url) as client:
            while not self._left.is_set():
                await watch(client, self._keys, {self._camera: self._side}, clock.now() + WATCH_S)
                await asyncio.sleep(0.2)


def shown(client, camera="door", keys=KEYS):
    return [decode_preview(entry_id.decode(), fields) for entry_id, fields in client.xrange(keys.preview(camera))]


def test_a_preview_is_there_while_somebody_looks_and_gone_soon_after(redis_url, client, tmp_path):
    picture, numbers = portrait_jpeg(), iter(range(10**6))

    def more(camera):
        add(client, frame(next(numbers), picture, server_now(client), camera=camera))
        time.sleep(0.03)
        return shown(client, camera)

    with WorkerProcess(redis_url, "--previews=blur", log=tmp_path / "log").wait_until_ready() as worker:
        with Viewer(redis_url, "hall"):
            wait_until(lambda: more("hall"))  # it knows by now who looks
            assert [more("door") for _ in range(10)] == [[]] * 10
        with Viewer(redis_url, "door"):
            wait_until(lambda: more("door"))
            (preview,) = shown(client)
            assert (preview.camera_id, preview.sequence) in {(result.camera_id, result.sequence) for result in results(client)}
            assert (preview.width, preview.height, preview.blurred) == (320, 320, True)
        left = time.monotonic()
        while time.monotonic() - left < GONE_S:
            more("door")
        assert client.keys("fer:preview:*") == []
        assert worker.stop() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_frame_that_another_worker_left_has_a_preview_and_none_where_they_are_off(redis_url, client, tmp_path):
    other, numbers, picture = Keys("other"), iter(range(10**6)), portrait_jpeg()

    def entry():
        return encode_frame(frame(next(numbers), picture, server_now(client), camera="door"))

    with (
        WorkerProcess(redis_url, "--prefix=other", log=tmp_path / "off") as off,
        WorkerProcess(redis_url, "--previews=plain", "--claim-after=1", log=tmp_path / "plain").wait_until_ready() as worker,
        Viewer(redis_url, "door"),
        Viewer(redis_url, "door", keys=other),
    ):
        wait_until(lambda: client.xadd(KEYS.frames(0), entry()) and shown(client))  # it knows by now who looks
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0)
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(2 * BLOCK_S)  # what it waits for in Redis is over
        last = client.xadd(KEYS.frames(0), entry())
        client.xreadgroup("workers", "killed", {KEYS.frames(0): ">"})
        worker.process.send_signal(signal.SIGCONT)
        result = wait_until(lambda: next((one for one in results(client) if one.frame_id == last.decode()), None))
        assert [one.sequence for one in shown(client)] == [result.sequence]
        off.wait_until_ready()
        for _ in range(5):
            client.xadd(other.frames(0), entry())
        wait_until(lambda: client.xlen(other.results(0)) == 5)
        assert shown(client, keys=other) == []
        assert off.stop() == worker.stop() == 0
    assert worker.totals["claimed"] == 1


def test_while_redis_is_away_nobody_looks_and_that_is_told_once(caplog):
    with EmbeddedRedis() as server, connect(server.url) as client:
        clock = ServerClock()
        clock.set_from(client)
        watched = WatchedCameras(client, KEYS, clock)
        watched.start()
        with Viewer(server.url, "door"):
            wait_until(lambda: watched.watch("door", clock.now()))
        assert watched.watch("hall", clock.now()) is None
        client.set(KEYS.watched, "no hash")
        wait_until(lambda: not watched.count())
        time.sleep(1.2)
        watched.stop()
    told = [record.message for record in caplog.records if "no previews" in record.message]
    assert len(told) == 1
    assert "WRONGTYPE" in told[0]
