import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from ferstream.consumer.subscribe.delivery_buffer import Deduplicator
from ferstream.consumer.subscribe.reorder import ReorderBuffer
from ferstream.consumer.subscribe.shards import BEGINNING, ShardPosition, order
from ferstream.consumer.subscribe.sources import RESULTS, Delivery
from ferstream.streams.wire.messages import Result


def delivery(sequence, captured_at, camera_id="door"):
    one = Result(
        camera_id=camera_id,
        sequence=sequence,
        captured_at=captured_at,
        frame_id="1-1",
        width=1,
        height=1,
        faces=(),
        models={},
        seconds={},
        worker="w",
    )
    return Delivery(one, 0, f"{1000 + sequence}-0")


def names(deliveries):
    return [one.result.sequence for one in deliveries]


def push(buffer, one, now):
    return buffer.push(one.result.camera_id, RESULTS.moment(one.result), one, now)


@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_any_disorder_within_the_window_is_put_right(shuffle, count):
    buffer, now, out = ReorderBuffer(1.0), 0.0, []
    arrivals = sorted((i / 10 + shuffle.uniform(0, 0.9), i) for i in range(count))
    for now, i in arrivals:
        assert push(buffer, delivery(2 * i, i / 10), now)
        out += buffer.pop(now)
    out += buffer.pop(now + 1.0)
    assert names(out) == [2 * i for i in range(count)]
    assert buffer.next_at() is None or buffer.next_at() > now


def test_the_very_next_frame_does_not_wait():
    buffer = ReorderBuffer(10.0)
    push(buffer, delivery(1, 1.0), 0.0)
    assert names(buffer.pop(0.0)) == []
    assert names(buffer.pop(10.0)) == [1]
    push(buffer, delivery(2, 1.1), 10.1)
    assert names(buffer.pop(10.1)) == [2]


def test_a_late_one_is_refused_and_a_camera_set_back_begins_anew():
    buffer = ReorderBuffer(0.5)
    push(buffer, delivery(9, 1000.0), 0.0)
    buffer.pop(1.0)
    assert not push(buffer, delivery(8, 999.9), 1.1)
    assert push(buffer, delivery(1, 100.0), 1.2)
    assert names(buffer.pop(2.0)) == [1]


def test_cameras_do_not_wait_for_each_other():
    buffer = ReorderBuffer(1.0)
    push(buffer, delivery(5, 100.0, "a"), 0.0)
    push(buffer, delivery(1, 1.0, "b"), 0.9)
    assert names(buffer.pop(1.0)) == [5]
    assert names(buffer.pop(1.9)) == [1]


def test_repeats_are_known_within_bounded_memory():
    repeats = Deduplicator(a_camera=3, cameras=2)
    assert [repeats.is_new("door", 1), repeats.is_new("door", 1)] == [True, False]
    for name in (2, 3, 4):
        repeats.is_new("door", name)
    assert repeats.is_new("door", 1)
    for camera_id in ("b", "c"):
        repeats.is_new(camera_id, 1)
    assert repeats.is_new("door", 1)


def test_a_position_never_passes_an_open_entry():
    ids = [f"{number}-0" for number in range(1, 50)]
    position, still_open = ShardPosition(BEGINNING), set(ids)
    for entry_id in ids:
        position.add(entry_id)
    for entry_id in random.Random(3).sample(ids, len(ids)):
        position.remove(entry_id)
        still_open.discard(entry_id)
        before = list(itertools.takewhile(lambda other: other not in still_open, ids))
        assert position.id == (before[-1] if before else BEGINNING)
    assert order(position.id) == (49, 0)
