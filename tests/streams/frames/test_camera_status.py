import msgpack

from ferstream.streams.frames.camera_status import CameraStatus, read_statuses, remove_status, write_statuses
from ferstream.streams.wire.keys import Keys

KEYS = Keys()


def status(camera_id, **more):
    return CameraStatus(camera_id=camera_id, state="live", url="rtsp://u:s3cr3t@host/1", producer="p", updated_at=1.0, **more)


def test_statuses_come_back_by_name_without_passwords(client):
    write_statuses(client, KEYS, [status("yard", sequence=3), status("door", problem="none")])
    door, yard = read_statuses(client, KEYS)
    assert (door.camera_id, yard.camera_id, yard.sequence) == ("door", "yard", 3)
    assert door.url == "rtsp://u:***@host/1"
    assert all(b"s3cr3t" not in value for value in client.hgetall(KEYS.cameras).values())


def test_a_removed_camera_is_forgotten(client):
    write_statuses(client, KEYS, [status("door")])
    write_statuses(client, KEYS, [])
    remove_status(client, KEYS, "door")
    assert read_statuses(client, KEYS) == []


def test_fields_of_a_newer_version_are_passed_over(client):
    write_statuses(client, KEYS, [status("door")])
    message = msgpack.unpackb(client.hget(KEYS.cameras, "door")) | {"mood": "calm"}
    client.hset(KEYS.cameras, "door", msgpack.packb(message))
    assert [one.camera_id for one in read_statuses(client, KEYS)] == ["door"]


def test_what_is_no_status_hides_no_camera(client):
    write_statuses(client, KEYS, [status("door")])
    for name, value in {"a": b"\xc1", "b": msgpack.packb([1]), "c": msgpack.packb({"camera_id": "c"})}.items():
        client.hset(KEYS.cameras, name, value)
    assert [one.camera_id for one in read_statuses(client, KEYS)] == ["door"]
