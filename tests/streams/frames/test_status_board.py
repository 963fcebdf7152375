"""Statuses as leases: a name has one holder, who renews it; whoever falls silent loses it, is shown so, and is forgotten."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import msgpack
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import FORGET_S, LEASE_S, StatusBoard, read_statuses, when
from ferstream.streams.frames.worker_status import WorkerStatus
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.support.fleet import server_now, wait_until

KEY = Keys().cameras
#: Short enough for a test to wait for its end.
SHORT_S = 0.02


def status(camera_id="door", **more):
    return CameraStatus(camera_id=camera_id, state="live", url="rtsp://u:s3cr3t@host/1", **more)


def cameras(client) -> list[CameraStatus]:
    return read_statuses(client, KEY, CameraStatus)


def age(client, name: str, seconds: float) -> None:
    """Let a status be as if it had been renewed so long ago."""
    message = msgpack.unpackb(client.hget(KEY, name))
    client.hset(KEY, name, msgpack.packb(message | {"updated_at": message["updated_at"] - seconds}))


def test_statuses_come_back_by_name_without_passwords(client):
    StatusBoard(client, KEY).renew({"yard": status("yard", sequence=3), "door": status(problem="none")})
    door, yard = cameras(client)
    assert (door.camera_id, yard.camera_id, yard.sequence) == ("door", "yard", 3)
    assert door.url == "rtsp://u:***@host/1"
    assert all(b"s3cr3t" not in value for value in client.hgetall(KEY).values())


def test_a_status_is_one_map_of_msgpack_that_says_who_holds_it_since_when(client):
    board, before = StatusBoard(client, KEY), server_now(client)
    board.renew({"door": status(problem="é" * 300)})
    first = msgpack.unpackb(client.hget(KEY, "door"))
    board.renew({"door": status()})
    second = msgpack.unpackb(client.hget(KEY, "door"))
    assert first["problem"] == "é" * 300
    assert first["holder"] == second["holder"] == board.holder
    assert before - 1 < first["since"] == second["since"] <= first["updated_at"] < second["updated_at"]


def test_a_name_that_another_holds_is_refused_and_not_touched(client):
    ours, theirs = StatusBoard(client, KEY), StatusBoard(client, KEY)
    ours.renew({"door": status()})
    written = client.hget(KEY, "door")
    refused = theirs.renew({"door": status(), "yard": status("yard")})
    assert set(refused) == {"door"}
    assert refused["door"].name == ours.holder
    assert str(refused["door"]) == f"{ours.holder} since {when(cameras(client)[0].since)}"
    theirs.remove(["door"])
    assert client.hget(KEY, "door") == written
    assert ours.renew({"door": status()}) == {}


def test_whoever_falls_silent_loses_the_name_and_finds_out(client):
    hangs, waits = StatusBoard(client, KEY), StatusBoard(client, KEY)
    hangs.renew({"door": status()})
    age(client, "door", LEASE_S - 1)
    assert waits.renew({"door": status()})
    age(client, "door", 1)
    assert cameras(client)[0].silent_since(server_now(client)) == pytest.approx(server_now(client) - LEASE_S, abs=1)
    assert waits.renew({"door": status()}) == {}
    assert hangs.renew({"door": status()})["door"].name == waits.holder
    assert cameras(client)[0].silent_since(server_now(client)) is None


def test_a_clock_that_was_set_back_keeps_no_name_for_the_dead(client):
    StatusBoard(client, KEY).renew({"door": status()})
    age(client, "door", -3600)
    assert StatusBoard(client, KEY).renew({"door": status()}) == {}


def test_what_was_left_stays_to_be_read_and_is_free(client):
    leaves = StatusBoard(client, KEY)
    leaves.renew({"door": status()})
    leaves.leave({"door": replace(status(), state="ended")})
    assert cameras(client)[0].state == "ended"
    assert StatusBoard(client, KEY).renew({"door": status()}) == {}


def test_what_was_removed_is_gone(client):
    board = StatusBoard(client, KEY)
    board.renew({"door": status()})
    board.renew({})
    board.remove(["door", "nobody's"])
    assert cameras(client) == []


def test_whoever_writes_next_deletes_what_was_silent_for_an_hour(client):
    StatusBoard(client, KEY).renew({"old": status("old"), "older": status("older"), "door": status()})
    age(client, "older", FORGET_S)
    age(client, "old", FORGET_S - 60)
    client.hset(KEY, "garbage", b"\xc1")
    StatusBoard(client, KEY).renew({"yard": status("yard")})
    assert set(client.hkeys(KEY)) == {b"old", b"door", b"yard"}


def test_a_full_redis_still_says_who_is_there(client):
    board = StatusBoard(client, KEY)
    limit = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", 1)
    try:
        board.renew({"door": status()})
        before = cameras(client)[0].updated_at
        board.renew({"door": status()})
    finally:
        client.config_set("maxmemory", limit)
    assert cameras(client)[0].updated_at > before


def test_a_server_that_has_forgotten_the_script_is_given_it_again(client):
    board = StatusBoard(client, KEY)
    client.script_flush()
    assert board.renew({"door": status()}) == {}
    client.script_flush()
    assert board.renew({"door": status()}) == {}


def test_an_ended_camera_is_not_called_silent():
    assert replace(status(), state="ended", updated_at=1.0).silent_since(100.0) is None
    assert replace(status(), updated_at=1.0).silent_since(100.0) == 1.0


def test_fields_of_a_newer_version_are_passed_over_and_what_is_no_status_hides_none(client):
    StatusBoard(client, KEY).renew({"door": status()})
    message = msgpack.unpackb(client.hget(KEY, "door")) | {"mood": "calm"}
    others = {"a": b"\xc1", "b": msgpack.packb([1]), "c": msgpack.packb({"camera_id": "c"}), "d": b""}
    client.hset(KEY, mapping=others | {"door": msgpack.packb(message)})
    assert [one.camera_id for one in cameras(client)] == ["door"]


def test_a_camera_of_an_older_producer_is_not_taken_from_it(client):
    older = {"camera_id": "door", "state": "live", "url": "x", "producer": "p:1", "updated_at": server_now(client)}
    client.hset(KEY, "door", msgpack.packb(older))
    assert StatusBoard(client, KEY).renew({"door": status()})["door"].name == "p:1"


def test_a_worker_says_what_it_is(client):
    said = WorkerStatus(name="w", state="ready", device="cpu", runtime="openvino", precision="f32", models={}, shards=(0, 3))
    board = StatusBoard(client, Keys().workers)
    board.renew({"w": said})
    (read,) = read_statuses(client, Keys().workers, WorkerStatus)
    assert replace(read, holder="", since=0.0, updated_at=0.0) == said


def test_a_cluster_keeps_statuses_too(cluster):
    with connect(cluster.url) as client:
        ours, theirs = StatusBoard(client, KEY), StatusBoard(client, KEY)
        assert ours.renew({"door": status(), "yard": status("yard")}) == {}
        assert set(theirs.renew({"door": status()})) == {"door"}
        assert [one.camera_id for one in cameras(client)] == ["door", "yard"]


HOLDERS = 3
#: Which holder does what, and what time passes before.
DEEDS = st.sampled_from(["renew", "renew", "leave", "remove"])
STEPS = st.lists(st.tuples(st.integers(0, HOLDERS - 1), DEEDS, st.sampled_from([0.0, 0.01, 0.03])), max_size=15)


@pytest.fixture(scope="module")
def shared(redis_server) -> Iterator["redis.Redis"]:
    with connect(redis_server.url) as client:
        yield client


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_a_name_never_has_two_holders(shared, steps):
    """Each believes that it holds the name from before it asked until the lease has passed: no two do so at one time."""
    shared.delete(KEY)
    boards = [StatusBoard(shared, KEY, lease_s=SHORT_S) for _ in range(HOLDERS)]
    until = dict.fromkeys(range(HOLDERS), 0.0)
    for who, what, pause_s in steps:
        time.sleep(pause_s)
        asked_at = time.monotonic()
        if what == "renew":
            refused = boards[who].renew({"door": status()})
            until[who] = 0.0 if refused else asked_at + SHORT_S
        else:
            if what == "remove":
                boards[who].remove(["door"])
            elif until[who]:
                boards[who].leave({"door": status()})
            until[who] = 0.0
        now = time.monotonic()
        believing = [holder for holder, end in until.items() if end > now]
        assert len(believing) <= 1


def test_of_many_that_ask_at_once_one_gets_the_name(client):
    boards = [StatusBoard(client, KEY) for _ in range(8)]
    got: list[bool] = []
    threads = [threading.Thread(target=lambda board=board: got.append(not board.renew({"door": status()}))) for board in boards]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(got) == len(boards))
    assert sum(got) == 1
