"""`fer-consumer track` as processes: each event once, whoever is killed or stopped."""

import os
import random
import signal
import subprocess
import threading
import time
import urllib.request
from dataclasses import replace

import pytest

from ferstream.consumer.tracking.service.tracker_status import TrackerStatus
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.frames.status_board import read_statuses
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_event, decode_result, encode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result
from tests.consumer.test_cli import face
from tests.consumer.test_cli import result as a_result
from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S
from tests.support.programs import command, environment

CAMERAS = ("door", "yard", "hall", "lift", "roof", "gate")


def keys(shards):
    return Keys("fer", shards)


class Tracker:
    """One `fer-consumer track`, as a context."""

    def __init__(self, url, log, *arguments):
        self.log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command("consumer", "track", "--redis", url, "--metrics-port", "0", *arguments),
                stderr=errors,
                env=environment(),
            )

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PROCESS_S)

    def get(self, path):
        line = wait_until(lambda: next((line for line in self.log.read_text().splitlines() if "metrics on port" in line), None))
        with urllib.request.urlopen(f"http://127.0.0.1:{line.split()[-1]}{path}", timeout=5) as answer:
            return answer.read().decode()


class Load:
    """Results of cameras in front of which people come and go, much faster than in life; and what happens there."""

    def __init__(self, url, shards):
        self._client, self._keys = connect(url), keys(shards)
        self._results = {camera: self._scene(camera) for camera in CAMERAS}
        self._written = dict.fromkeys(CAMERAS, 0)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self.finish()

    def finish(self):
        self._end.set()
        self._thread.join()

    def expected(self):
        """What a tracker tells of what was written, for each camera, when it falls silent then."""
        told = {}
        for camera, count in self._written.items():
            tracker = FaceTracker()
            events = [event for result in self._results[camera][:count] for event in tracker.update(result)[1]]
            told[camera] = [event.event_id for event in (*events, *tracker.finish())]
        return told

    def published(self):
        told = {camera: [] for camera in CAMERAS}
        for shard in range(self._keys.shards):
            for entry_id, fields in self._client.xrange(self._keys.events(shard)):
                event = decode_event(entry_id.decode(), fields)
                told[event.camera_id].append(event.event_id)
        return told

    def count(self):
        return sum(self._client.xlen(self._keys.events(shard)) for shard in range(self._keys.shards))

    def _run(self):
        for number in range(len(self._results[CAMERAS[0]])):
            for camera in CAMERAS:
                stream = self._keys.results(self._keys.shard_of(camera))
                self._client.xadd(stream, encode_result(self._results[camera][number]))
                self._written[camera] += 1
            if self._end.wait(0.003):
                return

    @staticmethod
    def _scene(camera) -> list[Result]:
        """People at two places, for seconds each, happy or sad; ten frames a second."""
        chance, begin, scene = random.Random(camera), time.time(), []
        there = [0, 0]
        for number in range(30_000):
            for place in (0, 1):
                there[place] -= 1
                if there[place] < -25 and chance.random() < 0.05:
                    there[place] = chance.randrange(5, 60)
            faces = tuple(
                replace(face(chance.choice(("happiness", "sadness"))), box=(300.0 * place, 20.0, 300.0 * place + 60, 80.0))
                for place in (0, 1)
                if there[place] >= 0
            )
            one = a_result(number, camera, faces, begin + number / 10)
            scene.append(decode_result("1-0", encode_result(one)))
        return scene


def statuses(client):
    return {one.shard: one.holder for one in read_statuses(client, Keys().trackers, TrackerStatus) if one.shard is not None}


def holder(tracker):
    return f"{os.uname().nodename}:{tracker.process.pid}"


def held_by(client, *trackers):
    """Until each of them has a shard of its own; then the shard of each."""
    names = [holder(tracker) for tracker in trackers]
    wait_until(lambda: sorted(statuses(client).values()) == sorted(names))
    return {name: shard for shard, name in statuses(client).items()}


def assert_each_event_came_once(load):
    expected = load.expected()
    wait_until(lambda: load.count() >= sum(map(len, expected.values())), 60)
    assert load.published() == expected


@pytest.mark.slow
def test_one_of_two_trackers_is_killed_in_mid_load_and_each_event_comes_once(client, redis_url, tmp_path):
    client.set(Keys().shard_count, 2)
    with Tracker(redis_url, tmp_path / "a") as killed, Tracker(redis_url, tmp_path / "b") as other:
        held_by(client, killed, other)
        with Load(redis_url, 2) as load:
            wait_until(lambda: load.count() > 50)
            killed.process.kill()
            wait_until(lambda: set(statuses(client).values()) == {holder(other)})
            seen = load.count()
            wait_until(lambda: load.count() > seen + 100)
            load.finish()
            assert_each_event_came_once(load)
        assert other.stop() == 0
        assert statuses(client) == {}


@pytest.mark.slow
def test_one_that_was_stopped_for_longer_than_its_lease_publishes_nothing_more_of_it(client, redis_url, tmp_path):
    client.set(Keys().shard_count, 1)
    with Tracker(redis_url, tmp_path / "a") as stalled, Load(redis_url, 1) as load:
        wait_until(lambda: load.count() > 50)
        stalled.process.send_signal(signal.SIGSTOP)
        with Tracker(redis_url, tmp_path / "b") as successor:
            held_by(client, successor)
            seen = load.count()
            wait_until(lambda: load.count() > seen + 50)
            stalled.process.send_signal(signal.SIGCONT)
            wait_until(lambda: "letting go of the shard" in (tmp_path / "a").read_text())
            load.finish()
            assert_each_event_came_once(load)
            assert holder(successor) in statuses(client).values()
    assert "Traceback" not in (tmp_path / "a").read_text()


def test_a_silent_camera_s_faces_leave_and_a_restart_repeats_nothing(client, redis_url, tmp_path):
    client.set(Keys().shard_count, 1)
    stream, now = Keys().results(0), time.time()
    with Tracker(redis_url, tmp_path / "a", "--left-after", "0.5") as first:
        for number in range(20):
            client.xadd(stream, encode_result(a_result(number, "door", captured_at=now + number / 10)))
        wait_until(lambda: client.xlen(Keys().events(0)) == 1)
        wait_until(lambda: 'fer_track_faces{camera="door"} 1.0' in first.get("/metrics"))
        assert first.get("/readyz") == "ok\n"
        assert first.stop() == 0
    client.hset(Keys().tracks(0), "yard", b"of another version")
    with Tracker(redis_url, tmp_path / "b", "--left-after", "0.5") as second:
        wait_until(lambda: client.xlen(Keys().events(0)) == 2)
        kinds = [decode_event("1-0", fields).kind for _, fields in client.xrange(Keys().events(0))]
        assert kinds == ["appeared", "left"]
        metrics = wait_until(lambda: (text := second.get("/metrics")) and 'kind="left"' in text and text)
        assert 'fer_track_events_total{kind="appeared"}' not in metrics
        assert "its faces appear anew" in (tmp_path / "b").read_text()
        assert second.stop() == 0


@pytest.mark.slow
def test_on_a_cluster_every_shard_is_followed(cluster, tmp_path):
    client = connect(cluster.url)
    client.set(Keys().shard_count, 6)
    with Tracker(cluster.url, tmp_path / "a") as tracker, Load(cluster.url, 6) as load:
        wait_until(lambda: load.count() > 20)
        load.finish()
        assert_each_event_came_once(load)
        assert tracker.stop() == 0
    client.close()


def test_a_tracker_waits_until_somebody_says_how_many_shards_there_are(client, redis_url, tmp_path):
    with Tracker(redis_url, tmp_path / "a") as tracker:
        with pytest.raises(urllib.error.HTTPError, match="503"):
            tracker.get("/readyz")
        client.set(Keys().shard_count, 3)
        wait_until(lambda: len(statuses(client)) == 3)
        assert wait_until(lambda: len(statuses(client)) == 3)
        assert tracker.stop() == 0


def test_without_the_rights_it_says_which_is_missing(client, redis_url, tmp_path):
    client.acl_setuser("looker", enabled=True, passwords=["+secret"], keys=["*"], commands=["+@all", "-xadd"])
    url = redis_url.replace("unix://", "unix://looker:secret@")
    with Tracker(url, tmp_path / "a") as tracker:
        assert tracker.process.wait(PROCESS_S) == 3
    said = (tmp_path / "a").read_text()
    assert "XADD fer:events:{0}" in said
    assert "secret" not in said
    client.acl_deluser("looker")
