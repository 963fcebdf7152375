"""A frame that cannot be answered in time is not begun; else a worker with too much to do would answer nothing."""

import time

import pytest

from ferstream.streams.frames.reader import Entry, FrameReader
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.wire.codec import encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.workers.intake.admission import LOOK_BACK, LoadShedder
from ferstream.workers.intake.intake import Intake
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.stage import Channel
from tests.support.fleet import add, frame, wait_until


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


BUSY_WITH = Entry(0, "98-0", {}, 1, False)
CAMERA = "door"


def after(*took_s: float, clock: Hands) -> LoadShedder:
    """A load shedder that has seen frames which took so long, of a worker that is busy with another one."""
    shedder = LoadShedder(clock)
    for number, seconds in enumerate(took_s):
        entry = Entry(0, f"{number}-0", {}, 1, False)
        shedder.begin(entry, CAMERA)
        clock.at += seconds
        shedder.end([entry])
    shedder.begin(BUSY_WITH, CAMERA)
    return shedder


@pytest.mark.parametrize(
    ("took_s", "left_s", "too_slow"),
    [
        ((), 0.01, False),
        ((0.5, 0.2), 0.4, True),
        ((0.5, 0.2), 0.6, False),
        ((0.5, *[0.2] * LOOK_BACK), 0.4, False),
        ((60.0,), 4.4, True),
        ((60.0,), 4.6, False),
    ],
    ids=["nothing known", "the slowest counts", "time enough", "long ago", "after an outage, old", "after an outage, fresh"],
)
def test_what_the_last_frames_took_decides(took_s, left_s, too_slow):
    assert after(*took_s, clock=Hands()).too_slow(CAMERA, left_s, 5.0) is too_slow


def test_a_worker_with_nothing_to_do_begins_a_frame_however_slow_it_was():
    shedder = after(*[1.8] * LOOK_BACK, clock=Hands())
    assert shedder.too_slow(CAMERA, 1.7, 2.0)
    shedder.end([BUSY_WITH])
    assert not shedder.too_slow(CAMERA, 1.7, 2.0)


@pytest.mark.parametrize(("life_s", "later_s", "too_slow"), [(2, 9, True), (2, 11, False), (60, 11, True), (60, 61, False)])
def test_what_was_measured_long_ago_is_forgotten(life_s, later_s, too_slow):
    clock = Hands()
    shedder = after(*[1.8] * LOOK_BACK, clock=clock)
    clock.at += later_s
    assert shedder.too_slow(CAMERA, 1.7, life_s) is too_slow


def measure(shedder: LoadShedder, clock: Hands, camera: str, seconds: float) -> None:
    entry = Entry(0, f"{camera}-0", {}, 1, False)
    shedder.begin(entry, camera)
    clock.at += seconds
    shedder.end([entry])


def test_one_camera_whose_frames_take_long_lets_those_of_others_in():
    clock = Hands()
    shedder = after(1.8, 1.8, clock=clock)
    for other in ("left", "right"):
        measure(shedder, clock, other, 0.1)
    assert not shedder.too_slow("left", 1.0, 2.0)
    assert not shedder.too_slow("never seen", 1.0, 2.0)
    assert shedder.too_slow(CAMERA, 1.7, 2.0)


def test_one_camera_that_was_slow_once_is_not_kept_out_by_that_while_others_are_quick():
    clock = Hands()
    shedder = after(0.1, clock=clock)
    measure(shedder, clock, "slow once", 1.8)
    assert not shedder.too_slow("slow once", 1.0, 2.0)


def test_frames_that_were_never_begun_do_not_count():
    shedder = after(0.5, clock=Hands())
    shedder.end([Entry(0, "99-0", {}, 1, False)] * LOOK_BACK)
    assert shedder.too_slow(CAMERA, 0.4, 5.0)


def test_a_worker_gives_up_at_once_what_it_cannot_answer_in_time(redis_url, client):
    clock = ServerClock()
    clock.set_from(client)
    reader = FrameReader(client, Keys(), group="workers", consumer="w", claim_after_s=60)
    reader.join()
    frames, finished = Channel[FrameTask](8), Channel[FrameTask](8)
    intake = Intake(
        [reader], clock, frames, finished, window=8, max_deliveries=3, camera_label=lambda name: name, reconnect=lambda _: None
    )
    add(client, frame(1, b"", clock.now()))
    intake.start()
    (slow,) = frames.get_batch(1)
    time.sleep(0.5)
    intake.release([slow.entry])
    add(client, frame(2, b"", clock.now(), freshness_s=0.9))  # the work on the last one took more than half of that
    (begun,) = frames.get_batch(1)
    add(client, frame(3, b"", clock.now() - 0.6, freshness_s=0.9))
    (given_up,) = finished.get_batch(1)
    intake.stop(5)
    assert (begun.frame.header.sequence, begun.outcome) == (2, "answered")
    assert (given_up.frame.header.sequence, given_up.outcome) == (3, "expired")


def test_a_shard_whose_answers_wait_slows_no_other(redis_url, client):
    clock, keys = ServerClock(), Keys(shards=2)
    clock.set_from(client)
    readers = [FrameReader(client, keys, group="workers", consumer="w", claim_after_s=60, shards=[shard]) for shard in (0, 1)]
    for reader in readers:
        reader.join()
    frames, finished = Channel[FrameTask](8), Channel[FrameTask](8)
    intake = Intake(
        readers, clock, frames, finished, window=8, max_deliveries=3, camera_label=lambda name: name, reconnect=lambda _: None
    )

    def write(shard, sequence, captured_at):
        client.xadd(keys.frames(shard), encode_frame(frame(sequence, b"", captured_at, freshness_s=0.9)))

    write(0, 1, clock.now())
    intake.start()
    (hung,) = frames.get_batch(1)
    time.sleep(0.5)
    intake.release([hung.entry])
    for count in (1, 2):  # the first is begun by a worker with nothing to do
        write(1, count + 1, clock.now() - 0.6)
        wait_until(lambda count=count: len(frames) + len(finished) == count)
    intake.stop(5)
    assert (len(frames), len(finished)) == (2, 0)
