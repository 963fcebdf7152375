"""A tracker that was saved and loaded goes on as one that was not."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferstream import EMOTIONS, Face, FaceTracker
from ferstream.consumer.tracking.camera_tracks import StateError
from tests.consumer.tracking.test_tracker import face, play, result, steady

number = st.floats(0, 1, width=32)


@st.composite
def faces(draw):
    """A face anywhere in the frame, or where its like often are, so that tracks form."""
    place = st.one_of(st.floats(-50, 1300, width=32), st.sampled_from([100.0, 130.0, 400.0]))
    x, y, width, height = draw(place), draw(place), draw(st.floats(0, 200, width=32)), draw(st.sampled_from([60.0, 100.0]))
    probabilities = tuple(draw(st.lists(number, min_size=8, max_size=8)))
    return Face(
        box=(x, y, x + width, y + height),
        score=draw(st.floats(0.5, 1, width=32)),
        quality=draw(number),
        emotion=draw(st.sampled_from([*EMOTIONS, "unknown"])),
        probabilities=probabilities,
    )


@st.composite
def cameras(draw):
    """Results of a camera: steady, with holes, repeats, frames out of order, and clocks that are set."""
    steps = st.sampled_from([0.02, 0.1, 0.1, 0.1, 0.7, 5.0, -0.3, -3600.0, 3600.0])
    sequence, seconds, results = 0, 0.0, []
    for _ in range(draw(st.integers(2, 25))):
        sequence += draw(st.sampled_from([1, 1, 1, 1, 30, 0, -2]))
        seconds += draw(steps)
        some = tuple(draw(st.lists(faces(), max_size=4)))
        results.append(result(seconds, *some, sequence=max(0, sequence)))
    return results


@settings(max_examples=30, deadline=None)
@given(cameras(), st.data())
def test_a_loaded_tracker_goes_on_as_the_saved_one(results, data):
    cut = data.draw(st.integers(0, len(results)))
    whole, first, second = FaceTracker(), FaceTracker(), FaceTracker()
    expected = play(whole, results)
    before = play(first, results[:cut])
    second.load("door", first.save("door"))
    after = play(second, results[cut:])
    assert (before[0] + after[0], before[1] + after[1]) == expected
    assert second.save("door") == whole.save("door")
    assert second.finish() == whole.finish()
    assert len({event.event_id for event in expected[1]}) == len(expected[1])


@settings(max_examples=30, deadline=None)
@given(cameras())
def test_what_is_shown_and_told_keeps_to_the_rules(results):
    tracker = FaceTracker()
    shown, told = play(tracker, results)
    told += tracker.finish()
    for each in shown:
        numbers = [one.track for one in each.faces if one.track is not None]
        assert len(set(numbers)) == len(numbers)
    for event in told:
        assert event.duration >= 0
        assert sum(event.shares.values()) == pytest.approx(1.0)
    lives = [(event.track, event.kind) for event in told if event.kind != "changed"]
    appeared = [number for number, kind in lives if kind == "appeared"]
    assert len(set(appeared)) == len(appeared)
    assert sorted(appeared) == sorted(number for number, kind in lives if kind == "left")


def test_of_an_unknown_camera_nothing_is_saved():
    tracker = FaceTracker()
    tracker.load("door", FaceTracker().save("nobody"))
    _, told = play(tracker, steady("neutral", 0.0, 1.0))
    assert [event.track for event in told] == [1]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (b"", "cannot be read"),
        (b"\xc1", "cannot be read"),
        (msgspec.msgpack.encode([2, {}]), "of version 2"),
        (msgspec.msgpack.encode([1, {"tracks": [{}]}]), "cannot be read"),
        (b"\x91" * 100_000, "cannot be read"),
    ],
)
def test_a_state_that_is_none_is_refused_and_changes_nothing(state, reason):
    tracker = FaceTracker()
    play(tracker, [result(0.0, face()), result(0.1, face())])
    before = tracker.save("door")
    with pytest.raises(StateError, match=reason):
        tracker.load("door", state)
    assert tracker.save("door") == before
