"""Rules over time: an alert comes when the condition has held for long enough, and never for time that nobody saw."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from ferstream import EMOTIONS, Face, FaceTracker
from ferstream.consumer.rules import alerts as module
from ferstream.consumer.rules.alerts import Alerts
from ferstream.consumer.rules.grammar import parse_rule
from tests.consumer.tracking.test_tracker import result

FPS = 25


def face(emotion="anger", share=0.9, track=1, box=(100.0, 100.0, 200.0, 220.0)):
    rest = (1 - share) / 7
    probabilities = tuple(share if name == emotion else rest for name in EMOTIONS)
    return Face(box=box, score=0.95, quality=0.8, emotion=emotion, probabilities=probabilities, track=track)


def alerts(text="emotion=anger and probability>0.7 for 3s", quiet_s=60.0):
    return Alerts(parse_rule(text), quiet_s, CollectorRegistry())


def holes(watch):
    return watch._holes.collect()[0].samples[0].value


def play(watch, results):
    return [alert for one in results for alert in watch.update(one)]


def angry(start, end, **more):
    """Frames at FPS from `start` to `end`, both included, with an angry face in each."""
    first, last = round(start * FPS), round(end * FPS)
    return [result(number / FPS, face(), **more) for number in range(first, last + 1)]


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 40))
def test_just_under_the_time_gives_none_and_the_time_gives_one(frames, step_ms):
    hold_s = frames * step_ms / 1000
    watch = alerts(f"emotion=anger for {hold_s!r}s")
    results = [result(number * step_ms / 1000, face(), sequence=number) for number in range(frames + 1)]
    assert play(watch, results[:-1]) == []
    (alert,) = play(watch, results[-1:])
    assert alert.duration == pytest.approx(hold_s, abs=1e-5)  # seconds since the epoch have so many bits


def test_an_alert_tells_of_what_fulfilled_the_rule():
    before = [result(number / FPS, face("neutral")) for number in range(10)]
    held = angry(10 / FPS, 10 / FPS + 3)
    held[5] = replace(held[5], faces=(replace(face(share=0.95, box=(1.0, 2.0, 3.0, 4.0)), quality=0.99),))
    (alert,) = play(alerts(), before + held)
    assert (alert.kind, alert.camera_id, alert.track, alert.emotion, alert.before) == ("alert", "door", 1, "anger", None)
    assert alert.rule == "emotion=anger and probability>0.7 for 3s"
    assert alert.since == held[0].captured_at
    assert alert.at == held[-1].captured_at
    assert alert.duration == pytest.approx(3)
    assert alert.peak == 0.95
    assert alert.shares == {"anger": 1.0}
    assert sum(alert.probabilities) == pytest.approx(1)
    assert (alert.best_sequence, alert.box) == (held[5].sequence, (1.0, 2.0, 3.0, 4.0))


def test_one_frame_in_which_it_does_not_hold_begins_the_time_anew():
    results = [*angry(0, 2.9), result(2.94, face("neutral")), *angry(2.98, 5.9)]
    watch = alerts()
    assert play(watch, results) == []
    assert len(play(watch, angry(5.94, 6.0))) == 1


def test_a_camera_is_quiet_after_an_alert_and_speaks_again_while_it_holds():
    watch = alerts("emotion=anger for 1s", quiet_s=10)
    assert [alert.at - 1e9 for alert in play(watch, angry(0, 25))] == [1.0, 11.0, 21.0]


def test_quiet_is_of_the_camera_and_not_of_the_face_or_of_others():
    watch = alerts("emotion=anger", quiet_s=10)
    assert len(watch.update(result(0, face(track=1), face(track=2)))) == 1
    assert watch.update(result(1, face(track=3))) == ()
    assert len(watch.update(result(1, face(track=3), camera_id="yard"))) == 1


def test_two_faces_do_not_add_up():
    turns = [result(number / FPS, face(track=number // 30)) for number in range(300)]
    assert play(alerts(), turns) == []


def test_a_face_that_is_missed_in_a_few_frames_is_still_the_same():
    results = [one for number, one in enumerate(angry(0, 3)) if number % 10 not in (2, 3, 4)]
    assert len(play(alerts(), results)) == 1


def test_a_hole_neither_fulfils_a_rule_nor_breaks_it_and_is_counted():
    watch = alerts()
    assert play(watch, angry(0, 1.6) + angry(11.6, 12.96)) == []
    assert holes(watch) == 1
    (alert,) = play(watch, angry(13.0, 13.0))
    assert alert.duration == pytest.approx(3)


def test_a_camera_of_a_frame_a_second_fulfils_a_rule_though_its_frames_come_a_little_late():
    tracker, watch = FaceTracker(), alerts()
    seconds = [0.0, 1.02, 2.01, 3.06, 4.05]
    shown = [tracker.update(result(at, replace(face(), track=None)))[0] for at in seconds]
    (alert,) = play(watch, shown)
    assert (alert.at, holes(watch)) == (1e9 + 3.06, 0)


@pytest.mark.parametrize("step_s", [-3600.0, -0.5, 30.0])
def test_a_clock_step_neither_fulfils_a_rule_nor_breaks_it(step_s):
    watch = alerts(quiet_s=10)
    moved = [replace(one, captured_at=one.captured_at + step_s, sequence=one.sequence + 10) for one in angry(2.0, 3.0)]
    assert play(watch, angry(0, 1.96) + moved) == []
    assert holes(watch) == 1
    assert len(play(watch, [replace(one, captured_at=one.captured_at + step_s) for one in angry(3.04, 3.08)])) == 1
    after = [replace(one, captured_at=one.captured_at + step_s) for one in angry(3.12, 13.2)]
    assert len(play(watch, after)) == 1, "the quiet time has passed, whatever the clock said"


def test_the_time_is_that_of_the_file_where_there_is_one():
    played = [replace(one, media_time=one.captured_at - 1e9, captured_at=1e9) for one in angry(0, 3)]
    assert len(play(alerts(), played)) == 1
    slow = [replace(one, media_time=(one.captured_at - 1e9) / 10) for one in angry(0, 20)]
    assert play(alerts(), slow) == []


def test_repeats_and_what_comes_too_late_change_nothing():
    results = angry(0, 3.0)
    late = [one for number, one in enumerate(results) for one in (one, one, results[max(0, number - 20)])]
    watch = alerts()
    assert [alert.at for alert in play(watch, late)] == [results[-1].captured_at]
    assert holes(watch) == 0


def test_fields_of_a_face():
    def fires(text, *faces, camera_id="door"):
        return bool(alerts(text).update(result(0, *faces, camera_id=camera_id)))

    unknown = replace(face(), emotion="unknown")
    assert fires("people>=2", face(), face(track=2))
    assert not fires("people>=2", face())
    assert fires("p_anger>0.8 and p_fear<0.1 and quality>=0.8 and duration=0s", face())
    assert fires("emotion=unknown", unknown)
    assert not fires("probability>0 or probability<=1", unknown)
    assert fires("not probability>0", unknown)
    assert fires('camera="a/+#"', face(), camera_id="a/+#")
    assert not fires("camera!=door", face())
    assert not fires("people>0", replace(face(), track=None)), "what no tracker has seen"


def test_duration_is_since_the_face_was_seen_first():
    (alert,) = play(alerts("duration>=2s and emotion=anger"), [result(n / FPS, face("neutral")) for n in range(25)] + angry(1, 2))
    assert alert.at - 1e9 == pytest.approx(2.0)


def test_every_rule_has_event_ids_of_its_own_and_the_same_ones_again():
    ids = [play(alerts(text), angry(0, 1))[0].event_id for text in ("emotion=anger", "people>0", "emotion=anger")]
    assert ids[0] == ids[2] != ids[1]


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_CAMERAS", 3)
    watch = alerts("emotion=anger", quiet_s=1000)
    for number in range(5):
        assert len(watch.update(result(0, face(), camera_id=f"c{number}"))) == 1
    assert len(watch.update(result(1, face(), camera_id="c0"))) == 1, "forgotten, and so it may speak again"
    assert watch.update(result(1, face(), camera_id="c4")) == ()
    for second in range(200):
        watch.update(result(2 + second, face(track=second), camera_id="c4"))
    assert len(watch._cameras["c4"].tracks) <= module.FORGET_S + 1


def test_with_a_tracker_in_front():
    tracker, watch = FaceTracker(smooth_s=0.1), alerts("emotion=anger for 1s")
    found = []
    for one in [result(number / FPS, face(track=None)) for number in range(2 * FPS)]:
        shown, _ = tracker.update(one)
        found += watch.update(shown)
    (alert,) = found
    assert alert.track == 1


def test_300_faces_in_a_frame_give_one_alert_and_each_keeps_its_own_time():
    crowd = [face(track=number) for number in range(300)]
    watch = alerts("emotion=anger for 1s", quiet_s=0.5)
    late = replace(crowd[299], emotion="neutral")
    results = [result(n / 10, *crowd[:299], late if n < 10 else crowd[299]) for n in range(25)]
    found = play(watch, results)
    assert [round(alert.at - 1e9, 1) for alert in found] == [1.0, 1.5, 2.0]
    assert {alert.track for alert in found} == {0}
    assert len(watch._cameras["door"].tracks) == 300


def test_a_camera_that_is_renamed_is_another_one():
    watch = alerts()
    assert play(watch, angry(0, 2.0) + [replace(one, camera_id="gate") for one in angry(2.04, 4.0)]) == []
