"""A camera's name is a lease: of two producers that have a camera of one name, one reads it and the other waits."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgpack
import pytest

from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.fleet import Fleet
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import LEASE_S, StatusBoard, read_statuses
from ferstream.streams.wire.keys import Keys
from tests.support.fleet import wait_until

KEYS = Keys()
DOOR = CameraConfig("door", "portraits:", CameraSettings(max_side=320))
YARD = CameraConfig("yard", "portraits:", CameraSettings(max_side=320))


@contextmanager
def a_fleet(url: str) -> Iterator[Fleet]:
    """A producer's cameras; the test itself does what its link's thread does once a second."""
    link = RedisLink(url, KEYS)
    link.open()
    fleet = Fleet(link, group="workers", camera_labels=False)
    try:
        yield fleet
    finally:
        fleet.stop()
        link.client.close()


def cameras(client) -> dict[str, CameraStatus]:
    """Each camera's status, by its place in the hash."""
    names = sorted(name.decode() for name in client.hkeys(KEYS.cameras))
    return dict(zip(names, read_statuses(client, KEYS.cameras, CameraStatus), strict=True))


def sums(fleet: Fleet) -> tuple[int, int, int]:
    totals = fleet.totals().get("door")
    return (totals.captured, totals.written, totals.dropped.get("redis_down", 0)) if totals else (0, 0, 0)


def rewrite(client, **more: object) -> None:
    """Change the status of the door as somebody else would."""
    client.hset(KEYS.cameras, "door", msgpack.packb(msgpack.unpackb(client.hget(KEYS.cameras, "door")) | more))


def test_a_camera_that_another_producer_reads_waits_until_that_one_leaves(client, redis_url, caplog):
    with a_fleet(redis_url) as first, a_fleet(redis_url) as second:
        first.apply([DOOR])
        wait_until(lambda: sums(first)[1] >= 3)
        second.apply([DOOR, YARD])
        first.report()
        second.report()
        theirs = cameras(client)["door"]
        beside = cameras(client)[f"door@{theirs.holder}"]
        assert (beside.camera_id, beside.state) == ("door", "held")
        assert beside.problem.startswith(f"camera door is read by {theirs.holder} since ")
        assert cameras(client)["yard"].state in ("connecting", "live")
        assert sums(second) == (0, 0, 0)
        assert not second.finished
        assert caplog.text.count("camera door is read by") == 1
        first.stop()
        first.leave()
        second.report()
        wait_until(lambda: sums(second)[1] >= 3)
        second.report()
        assert set(cameras(client)) == {"door", "yard"}


def test_a_camera_whose_producer_was_killed_is_taken_over_when_its_lease_is_up(client, redis_url):
    with a_fleet(redis_url) as fleet:
        StatusBoard(client, KEYS.cameras).renew({"door": CameraStatus(camera_id="door", state="live", url="x")})
        fleet.apply([DOOR])
        fleet.report()
        assert sums(fleet)[0] == 0
        rewrite(client, updated_at=cameras(client)["door"].updated_at - LEASE_S)
        fleet.report()
        wait_until(lambda: sums(fleet)[1] >= 3)


def test_a_camera_whose_name_was_taken_stops_and_comes_back(client, redis_url):
    with a_fleet(redis_url) as fleet:
        fleet.apply([DOOR])
        wait_until(lambda: sums(fleet)[1] >= 3)
        fleet.report()
        rewrite(client, holder="other:1", token="another")
        fleet.report()
        camera = fleet._taken[0]
        wait_until(lambda: camera.finished)
        written = client.xlen(KEYS.frames(0))
        fleet.report()
        assert cameras(client)["door"].holder == "other:1"
        assert client.xlen(KEYS.frames(0)) == written
        rewrite(client, token="")
        fleet.report()
        wait_until(lambda: client.xlen(KEYS.frames(0)) > written)


def test_a_producer_that_could_not_renew_its_lease_writes_nothing(client, redis_url):
    """It hung for longer than the lease; what it would write now, another producer may be writing too."""
    with a_fleet(redis_url) as fleet:
        fleet.apply([DOOR])
        wait_until(lambda: sums(fleet)[1] >= 3)
        fleet._cameras["door"].permit(0.0)
        dropped = sums(fleet)[2]
        wait_until(lambda: sums(fleet)[2] > dropped + 1)
        written = client.xlen(KEYS.frames(0))
        wait_until(lambda: sums(fleet)[2] > dropped + 4)
        assert client.xlen(KEYS.frames(0)) == written
        fleet.report()
        wait_until(lambda: client.xlen(KEYS.frames(0)) > written)


@pytest.mark.parametrize("waits", [False, True], ids=["running", "held"])
def test_a_removed_camera_leaves_no_status_of_ours(client, redis_url, waits):
    with a_fleet(redis_url) as fleet:
        if waits:
            StatusBoard(client, KEYS.cameras).renew({"door": CameraStatus(camera_id="door", state="live", url="x")})
        fleet.apply([DOOR])
        fleet.report()
        fleet.apply([])
        fleet.report()
        assert set(cameras(client)) == ({"door"} if waits else set())


def test_a_camera_that_started_without_redis_asks_for_its_name_before_it_writes(client, redis_url):
    StatusBoard(client, KEYS.cameras).renew({"door": CameraStatus(camera_id="door", state="live", url="x")})
    with a_fleet(redis_url) as fleet:
        fleet._link._up.clear()
        fleet.apply([DOOR])
        wait_until(lambda: sums(fleet)[2] >= 1)
        fleet._link._up.set()
        dropped = sums(fleet)[2]
        wait_until(lambda: sums(fleet)[2] > dropped + 2)
        fleet.report()
        assert client.xlen(KEYS.frames(0)) == 0
        assert [camera.config for camera in fleet._taken] == [DOOR]


def test_a_redis_that_renews_leases_too_late_is_named(client, redis_url, caplog, monkeypatch):
    """Its answers come, but after the time for which they permit to write: frames are dropped, and somebody must say why."""
    with a_fleet(redis_url) as fleet:
        fleet.apply([DOOR])
        monkeypatch.setattr("ferstream.producer.fleet.LEASE_S", 0.0)
        fleet.report()
        fleet.report()
        assert caplog.text.count("Redis answers too late to renew the leases of cameras' names") == 1
