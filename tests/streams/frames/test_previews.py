"""Previews on a real server: written in the step that ends the frame, one a camera, each newer than the last, for seconds."""

import time

import pytest

from ferstream.streams.errors import DecodeError
from ferstream.streams.frames.finish import FrameFinisher, answered, dead, expired
from ferstream.streams.frames.previews import EVERY_S, MOST_WATCHED, WATCH_S, Watch, read_watched, watch
from ferstream.streams.frames.reader import Entry
from ferstream.streams.redis_client.connect import connect, connect_async
from ferstream.streams.wire.codec import MAX_PREVIEW_BYTES, decode_preview, decode_result, encode_preview
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Preview, Result

KEYS = Keys(shards=2)
NOW = 1_700_000_000.0


def preview(sequence=1, captured_at=NOW, camera="door", jpeg=b"picture"):
    return Preview(camera_id=camera, sequence=sequence, captured_at=captured_at, width=640, height=360, blurred=False, jpeg=jpeg)


def shown(client, camera="door"):
    entries = client.xrange(KEYS.preview(camera))
    return [decode_preview(entry_id.decode(), fields) for entry_id, fields in entries]


class Frames:
    """Frames that are answered with previews."""

    def __init__(self, client):
        self.client = client
        self.finisher = FrameFinisher(client, KEYS, group="workers", keep_results_s=60)

    def entry(self, camera="door"):
        shard = KEYS.shard_of(camera)
        return Entry(shard, self.client.xadd(KEYS.frames(shard), {"m": b"header", "j": b"picture"}).decode(), {})

    def answer(self, *previews, until=NOW + 3, now=NOW):
        endings = [answered(self.entry(each.camera_id), result(each), each, until) for each in previews]
        return self.finisher.end(KEYS.shard_of(previews[0].camera_id), endings, now)


def result(of):
    return Result(
        camera_id=of.camera_id,
        sequence=of.sequence,
        captured_at=of.captured_at,
        frame_id="1-1",
        width=1280,
        height=720,
        faces=(),
        models={},
        seconds={},
        worker="w",
    )


@pytest.fixture
def frames(client):
    return Frames(client)


def test_a_preview_comes_with_its_result_and_is_gone_soon(client, frames):
    assert frames.answer(preview()) == [True]
    assert shown(client) == [preview()]
    (entry,) = client.xrange(KEYS.results(KEYS.shard_of("door")))
    assert decode_result("x", entry[1]).sequence == 1
    assert 2900 < client.pttl(KEYS.preview("door")) <= 3000


def test_it_is_gone_a_moment_after_nobody_looks(client, frames):
    frames.answer(preview(), until=NOW - 0.3)
    assert 0 < client.pttl(KEYS.preview("door")) <= 200
    frames.answer(preview(2, camera="hall"), until=NOW - 1)
    assert client.exists(KEYS.preview("hall")) == 0


def test_only_the_step_that_ends_the_frame_writes_it(client, frames):
    """A lost reply repeated, a frame that two workers held, and one that expired meanwhile."""
    entry = frames.entry()
    first = answered(entry, result(preview()), preview(), NOW + 3)
    assert frames.finisher.end(entry.shard, [first], NOW) == [True]
    client.delete(KEYS.preview("door"))
    again = answered(entry, result(preview()), preview(jpeg=b"another worker's"), NOW + 3)
    assert frames.finisher.end(entry.shard, [first, again], NOW) == [False, False]
    for ending in (expired(frames.entry()), dead(frames.entry(), "r", "d", NOW)):
        assert frames.finisher.end(entry.shard, [ending], NOW) == [True]
    assert client.exists(KEYS.preview("door")) == 0


def test_an_older_one_never_replaces_a_newer_one(client, frames):
    frames.answer(preview(5, NOW))
    frames.answer(preview(4, NOW - 0.5), preview(3, NOW - 0.001), preview(5, NOW))
    assert [one.sequence for one in shown(client)] == [5]
    frames.answer(preview(6, NOW + 0.2))
    assert [one.sequence for one in shown(client)] == [6]


@pytest.mark.parametrize(("rate", "least"), [(30, 10), (25, 9), (10, 10), (3, 3)])
def test_ten_a_second_at_most_of_a_camera(client, frames, rate, least):
    """And no fewer, where the camera gives them with some jitter."""
    seen, seconds = set(), 4
    for number in range(rate * seconds):
        frames.answer(preview(number, NOW + number / rate + 0.02 * (number % 2)))
        seen |= {one.sequence for one in shown(client)}
    assert least * seconds <= len(seen) <= seconds / EVERY_S + 1


def test_several_cameras_and_frames_without_previews_in_one_step(client, frames):
    keys = [name for name in ("a", "b", "c", "d", "e", "f") if KEYS.shard_of(name) == 0]
    entries = [frames.entry(name) for name in keys]
    previews = [None, *(preview(number, camera=name) for number, name in enumerate(keys[1:], 1))]
    endings = [
        answered(entry, result(preview(number, camera=name)), one, NOW + 3)
        for number, (name, entry, one) in enumerate(zip(keys, entries, previews, strict=True))
    ]
    assert frames.finisher.end(0, endings, NOW) == [True] * len(keys)
    assert [shown(client, name) for name in keys] == [[], *([one] for one in previews[1:])]


@pytest.mark.parametrize("captured_at", [-5.0, 0.0, 1e300])
def test_a_frame_of_no_sensible_time_ends_like_any_other(client, frames, captured_at):
    assert frames.answer(preview(captured_at=captured_at)) == [True]


def test_no_error_of_a_preview_keeps_a_frame_from_its_end(client, frames):
    client.set(KEYS.preview("door"), "no stream")
    assert frames.answer(preview()) == [True]
    assert client.xlen(KEYS.results(KEYS.shard_of("door"))) == 1


def test_a_redis_cluster_writes_them_in_the_same_step(cluster):
    keys = Keys(shards=6)
    with connect(cluster.url) as client:
        finisher = FrameFinisher(client, keys, group="workers", keep_results_s=60)
        for name in ("door", "hall", "yard"):
            shard, one = keys.shard_of(name), preview(camera=name)
            entry = Entry(shard, client.xadd(keys.frames(shard), {"m": b"header"}).decode(), {})
            assert finisher.end(shard, [answered(entry, result(one), one, NOW + 3)], NOW) == [True]
            assert client.xlen(keys.preview(name)) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "missing-field"),
        ({b"m": encode_preview(preview())[b"m"]}, "missing-field"),
        (encode_preview(preview()) | {b"m": b"\xc1"}, "not-msgpack"),
        (encode_preview(preview(jpeg=bytes(MAX_PREVIEW_BYTES + 1))), "too-large"),
        (encode_preview(preview(sequence="one")), "wrong-type"),
    ],
)
def test_what_is_no_preview_says_why(fields, reason):
    with pytest.raises(DecodeError) as caught:
        decode_preview("1-1", fields)
    assert (caught.value.entry_id, caught.value.reason) == ("1-1", reason)


async def looked_at(url, cameras, until):
    async with connect_async(url) as client:
        await watch(client, KEYS, cameras, until)


async def test_who_looks_at_what_is_read_with_what_is_enough_for_all(client, redis_url):
    await looked_at(redis_url, {"door": 320, "ein Hof: {0}": 500}, NOW + 2)
    await looked_at(redis_url, {"door": 9999}, NOW + 1)
    await looked_at(redis_url, {}, NOW)
    assert read_watched(client, KEYS, NOW) == {"door": Watch(640, NOW + 2), "ein Hof: {0}": Watch(640, NOW + 2)}
    assert read_watched(client, KEYS, NOW + 1.5)["door"] == Watch(320, NOW + 2)
    assert read_watched(client, KEYS, NOW + 2) == {}
    assert 0 < client.pttl(KEYS.watched) <= 1000 * WATCH_S


async def test_nobody_looks_for_ever(client, redis_url):
    await looked_at(redis_url, {"door": 320}, NOW + 10**9)
    assert read_watched(client, KEYS, NOW) == {"door": Watch(320, NOW + WATCH_S)}


async def test_cameras_that_nobody_looks_at_any_more_do_not_pile_up(client, redis_url):
    await looked_at(redis_url, {"gone": 320}, NOW)
    await looked_at(redis_url, {"door": 320}, NOW + 60)
    assert client.hkeys(KEYS.watched) == [b"320 door"]


async def test_a_clock_that_is_set_back_leaves_nobody_looking(client, redis_url):
    async with connect_async(redis_url) as viewer:
        await watch(viewer, KEYS, {"door": 320}, NOW + 3600)  # and goes
        await watch(viewer, KEYS, {"hall": 320}, NOW + WATCH_S)
    assert list(read_watched(client, KEYS, NOW)) == ["hall"]


def test_what_else_is_in_the_hash_does_no_harm(client):
    client.hset(KEYS.watched, mapping={f"320 {number}": NOW + 1 for number in range(MOST_WATCHED + 10)})
    assert len(read_watched(client, KEYS, NOW)) == MOST_WATCHED
    client.delete(KEYS.watched)
    client.hset(KEYS.watched, mapping={"320 a": "soon", "7 b": NOW + 1, "c": NOW + 1, "320 d": "nan", b"320 \xff": NOW + 1})
    assert list(read_watched(client, KEYS, NOW)) == ["\ufffd"]
    assert time.time() > NOW
