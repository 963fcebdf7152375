"""Old and new meet on the wire: recorded entries, read by today's codec, beside what the reader of 0.1.0 did with each.

tests/plays/record_wire.py recorded them; deploy/upgrading.md says what follows.
"""

import base64
import json
from collections.abc import Callable

import pytest

from ferstream import ResultSubscriber
from ferstream.streams.errors import DecodeError
from ferstream.streams.wire.codec import decode_event, decode_frame, decode_result, encode_event, encode_frame, encode_result
from ferstream.streams.wire.messages import Event, Frame, Result
from tests.support.fleet import KEYS, wait_until
from tests.support.paths import ROOT

ENTRIES = {
    entry["name"]: entry for entry in json.loads((ROOT / "tests" / "streams" / "wire" / "entries.json").read_text("utf-8"))
}

#: Entry, what today's reader says, what 0.1.0's said. "read", or the reason of its refusal.
BOTH = {
    "frame by 0.1.0": ("read", "read"),
    "result by 0.1.0": ("read", "read"),
    "frame by 0.2.0": ("read", "read"),
    "result by 0.2.0": ("read", "read"),
    "frame by this version": ("read", "wrong-version"),
    "result by this version": ("read", "wrong-version"),
    "frame with further fields": ("read", "read"),
    "frame without traceparent": ("read", "read"),
    "frame with traceparent": ("read", "read"),
    "frame of another encoding": ("wrong-type", "wrong-type"),
    "frame without a deadline": ("missing-field", "missing-field"),
    "result with further fields": ("read", "read"),
    "result with an unknown face": ("read", "wrong-type"),
    "result with a ninth emotion": ("wrong-type", "wrong-type"),
    "result without quality": ("missing-field", "missing-field"),
    "frame of version 2 with further fields": ("read", "wrong-version"),
    "frame of version 2 by nobody who keeps account": ("read", "wrong-version"),
    "frame of version 2 without media time": ("missing-field", "wrong-version"),
    "result of version 2 with further fields": ("read", "wrong-version"),
    "result of version 2 with an unknown face": ("read", "wrong-version"),
    "result of version 2 with a confident unknown face": ("wrong-type", "wrong-version"),
    "result of version 2 with four landmarks": ("wrong-type", "wrong-version"),
    "event by this version": ("read", "not asked"),
    "event with further fields": ("read", "not asked"),
    "event of an unknown kind": ("wrong-type", "not asked"),
    "event without shares": ("missing-field", "not asked"),
    "event of version 3": ("wrong-version", "not asked"),
    "frame of version 3": ("wrong-version", "wrong-version"),
    "result of version 3": ("wrong-version", "wrong-version"),
}


def fields_of(name: str) -> dict[bytes, bytes]:
    return {field.encode(): base64.b64decode(value) for field, value in ENTRIES[name]["fields"].items()}


READERS: dict[str, Callable[..., Frame | Result | Event]] = {
    "frame": decode_frame,
    "result": decode_result,
    "event": decode_event,
}


def read(name: str) -> Frame | Result | Event:
    return READERS[ENTRIES[name]["kind"]]("1-0", fields_of(name))


def said(name: str) -> str:
    try:
        read(name)
    except DecodeError as error:
        return error.reason
    return "read"


def test_every_recorded_entry_is_expected():
    assert set(ENTRIES) == set(BOTH)


@pytest.mark.parametrize("name", BOTH)
def test_what_each_reader_makes_of_an_entry(name):
    assert (said(name), ENTRIES[name]["0.1.0"]) == BOTH[name]


@pytest.mark.parametrize("name", BOTH)
def test_upgrading_tells_it(name):
    row = f"| {name} | {' | '.join(BOTH[name])} |"
    assert row in (ROOT / "deploy" / "upgrading.md").read_text("utf-8"), f"put this row into deploy/upgrading.md: {row}"


@pytest.mark.parametrize("writer", ["0.1.0", "0.2.0", "this version"])
def test_a_recorded_frame_and_its_result_say_what_they_were_recorded_from(writer):
    frame, result = read(f"frame by {writer}"), read(f"result by {writer}")
    assert (frame.header.camera_id, frame.header.width, frame.header.height) == ("door", 160, 160)
    assert frame.picture.startswith(b"\xff\xd8")
    assert (result.camera_id, result.sequence, result.worker) == ("door", frame.header.sequence, "node-1")
    (face,) = result.faces
    assert face.emotion == "happiness"
    assert sum(face.probabilities) == pytest.approx(1, abs=1e-5)
    assert face.confidence == max(face.probabilities)
    new = (frame.header.media_time, result.media_time, frame.header.producer, face.landmarks, face.pose)
    if writer == "this version":
        assert new[:2] == (0.0, 0.0)
        assert None not in new
    else:
        assert set(new) == {None}


def test_this_version_writes_the_bytes_that_were_recorded():
    """A change here is a change of the wire: deploy/upgrading.md says which may be, tests/plays/record_wire.py records anew."""
    assert encode_frame(read("frame by this version")) == fields_of("frame by this version")
    assert encode_result(read("result by this version")) == fields_of("result by this version")
    assert encode_event(read("event by this version")) == fields_of("event by this version")


def test_a_recorded_event_says_what_it_was_recorded_from():
    event = read("event by this version")
    assert (event.kind, event.camera_id, event.track, event.emotion) == ("left", "door", 1, "happiness")
    assert (event.media_time, event.duration) == (1.0, 1.0)
    assert event.shares == {"happiness": 1.0}
    assert sum(event.probabilities) == pytest.approx(1, abs=1e-5)


def test_a_subscriber_passes_over_results_of_another_version_and_goes_on(redis_url, client):
    for name in ("result of version 3", "result by 0.1.0", "result with further fields", "result by this version"):
        client.xadd(KEYS.results(0), fields_of(name))
    with ResultSubscriber(redis_url, from_="0", repeats=True, idle_timeout_s=1.0) as results:
        assert len(list(results)) == 3


@pytest.mark.parametrize("name", ["frame of version 3", "frame of another encoding"])
def test_a_worker_keeps_a_frame_it_does_not_understand_aside(name, redis_url, client, tmp_path):
    """So producers are upgraded last: a worker that is too old loses their frames, and says so."""
    import msgpack

    from tests.support.fleet import WorkerProcess

    with WorkerProcess(redis_url, log=tmp_path / "log").wait_until_ready() as worker:
        client.xadd(KEYS.frames(0), fields_of(name))
        ((_, letter),) = wait_until(lambda: client.xrange(KEYS.dead(0)))
        assert worker.stop() == 0
    assert msgpack.unpackb(letter[b"d"])["reason"] == BOTH[name][0]
    assert worker.totals["dead"] == 1
