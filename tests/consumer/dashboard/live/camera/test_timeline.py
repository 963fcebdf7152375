"""People and emotions of the last hour, out of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferstream.consumer.dashboard.live.camera.timeline import KEPT_S, Timeline
from ferstream.streams.wire.emotions import NAMES
from tests.support.records import event

NOW = 1.7e9  # a multiple of ten seconds


def appeared(track, at, emotion="neutral"):
    return event(kind="appeared", track=track, at=at, since=at, duration=0.0, emotion=emotion, before=None)


def changed(track, at, since, before, emotion):
    return event(kind="changed", track=track, at=at, since=since, duration=at - since, emotion=emotion, before=before)


def left(track, at, since, emotion="neutral"):
    return event(kind="left", track=track, at=at, since=since, duration=at - since, emotion=emotion, before=None)


@pytest.fixture
def timeline():
    """One who was neutral for 30 s, then happy for 10 and gone; and one who is there since 15 s."""
    found = Timeline()
    for one in (
        appeared(1, NOW - 60),
        changed(1, NOW - 30, NOW - 60, "neutral", "happiness"),
        left(1, NOW - 20, NOW - 60),
        appeared(2, NOW - 15, "sadness"),
    ):
        found.take(one)
    return found


def test_each_step_has_how_many_people_looked_so_on_average(timeline):
    said = timeline.emotions(NOW + 5, 120, 10)
    assert (said.start, said.step, set(said.emotions)) == (NOW - 110, 10, set(NAMES))
    assert said.emotions["neutral"] == [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]
    assert said.emotions["happiness"] == [0] * 8 + [1] + [0] * 3
    assert said.emotions["sadness"] == [0] * 9 + [0.5, 1, 0.5]
    assert not any(said.emotions["anger"])


def test_two_at_once_count_as_two(timeline):
    timeline.take(appeared(3, NOW - 10, "sadness"))
    assert timeline.emotions(NOW, 20, 10).emotions["sadness"][0] == 2


def test_people_are_those_who_have_not_left(timeline):
    (one,) = timeline.people(NOW)
    assert (one.track, one.emotion, one.since, one.seconds) == (2, "sadness", NOW - 15, 15.0)
    (gone,) = timeline.left()
    assert (gone.track, gone.since, gone.duration, gone.shares) == (1, NOW - 60, 40.0, {"neutral": 1.0})


def test_somebody_whose_face_changes_is_there_since_it_appeared():
    timeline = Timeline()
    timeline.take(appeared(1, NOW - 60))
    timeline.take(changed(1, NOW - 30, NOW - 60, "neutral", "fear"))
    (one,) = timeline.people(NOW)
    assert (one.emotion, one.since) == ("fear", NOW - 60)


def test_events_that_begin_in_the_middle_of_a_track_are_told_from_what_they_say_of_it():
    timeline = Timeline()
    timeline.take(changed(1, NOW - 10, NOW - 20, "neutral", "fear"))
    timeline.take(left(2, NOW - 10, NOW - 20, "anger"))
    emotions = timeline.emotions(NOW - 0.1, 20, 10).emotions
    assert (emotions["neutral"][0], emotions["anger"][0], emotions["fear"][0]) == (1, 1, 0)
    assert emotions["fear"][1] == pytest.approx(0.99)


def test_whoever_no_tracker_follows_any_more_is_not_there_for_ever(timeline):
    timeline.end_open(NOW - 5)
    assert timeline.people(NOW) == []
    assert timeline.emotions(NOW - 0.1, 10, 10).emotions["sadness"] == [0.5]


def test_an_hour_is_kept_and_a_bounded_number_of_people():
    timeline = Timeline()
    timeline.take(left(1, NOW - KEPT_S - 1, NOW - KEPT_S - 11))
    for track in range(2, 1000):
        timeline.take(appeared(track, NOW))
    assert len(timeline.people(NOW)) < 300
    timeline.take(left(999, NOW + 1, NOW))
    assert not any(timeline.emotions(NOW, KEPT_S + 20, 10).emotions["neutral"][:-1])


@given(st.lists(st.tuples(st.floats(-5, 25), st.floats(0, 30)), max_size=8))
def test_each_step_has_the_share_of_it_that_people_were_there(stretches):
    timeline = Timeline()
    for number, (begin, length) in enumerate(stretches, start=1):
        timeline.take(left(number, NOW + begin + length, NOW + begin))
    wanted = [
        sum(max(0.0, min(begin + length, step + 1, 19.5) - max(begin, step)) for begin, length in stretches) for step in range(20)
    ]
    assert timeline.emotions(NOW + 19.5, 20, 1).emotions["neutral"] == pytest.approx(wanted, abs=2e-4)
