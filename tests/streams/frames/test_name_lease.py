"""A name: one process has it, and whoever lost it is told by whom."""

from dataclasses import replace

import msgpack
import pytest

from ferstream.streams.frames import name_lease
from ferstream.streams.frames.name_lease import NameLease, NameTaken
from ferstream.streams.frames.status_board import LEASE_S, StatusBoard, read_statuses
from ferstream.streams.frames.worker_status import FORGET_S, WorkerStatus
from ferstream.streams.wire.keys import Keys

KEY = Keys().workers
WORKER = WorkerStatus(name="w", state="ready", device="cpu", runtime="openvino", precision="f32")


def lease(client, lease_s: float = LEASE_S) -> NameLease:
    board = StatusBoard(client, KEY, lease_s=lease_s, forget_s=FORGET_S)
    return NameLease(
        board,
        "w",
        lambda: WORKER,
        taken="the name w is held by worker",
        advice="give each worker a --name of its own",
    )


def test_a_name_is_free_again_at_once_when_it_is_released(client):
    first, second = lease(client), lease(client)
    first.take()
    with pytest.raises(NameTaken, match=r"the name w is held by worker .* since .*: give each worker a --name of its own"):
        second.take(give_up=lambda: True)
    first.release()
    first.renew()  # a thread that was under way
    assert read_statuses(client, KEY, WorkerStatus) == []
    second.take()
    assert (first.lost, second.lost) == (None, None)


def test_a_name_whose_holder_is_silent_is_waited_for(client, monkeypatch):
    monkeypatch.setattr(name_lease, "WAIT_S", 30.0)
    StatusBoard(client, KEY).renew({"w": WORKER})
    lease(client, lease_s=0.2).take()
    assert len(read_statuses(client, KEY, WorkerStatus)) == 1


def test_who_took_a_name_is_told_to_its_old_holder(client):
    hangs = lease(client)
    hangs.take()
    StatusBoard(client, KEY, lease_s=0.0).renew({"w": WORKER})
    hangs.renew()
    assert hangs.lost.startswith("the name w is held by worker ")
    hangs.release()
    assert len(read_statuses(client, KEY, WorkerStatus)) == 1


def test_a_worker_that_vanished_is_forgotten_after_minutes_by_the_next_who_works(client):
    for name, silent_s in (("gone", FORGET_S), ("killed", FORGET_S - 60)):
        StatusBoard(client, KEY).renew({name: replace(WORKER, name=name)})
        message = msgpack.unpackb(client.hget(KEY, name))
        client.hset(KEY, name, msgpack.packb(message | {"updated_at": message["updated_at"] - silent_s}))
    assert {status.name for status in read_statuses(client, KEY, WorkerStatus)} == {"gone", "killed"}
    lease(client).take()
    assert {status.name for status in read_statuses(client, KEY, WorkerStatus)} == {"killed", "w"}


def test_a_name_that_was_never_ours_is_not_called_lost(client):
    StatusBoard(client, KEY).renew({"w": WORKER})
    waits = lease(client)
    waits.renew()
    assert waits.lost is None
