"""Following faces: numbers that last, emotions that do not flicker, and events that tell of both."""

import math
from dataclasses import replace

import pytest

from ferstream import EMOTIONS, Face, FaceTracker, Result

UNKNOWN = "unknown"
BOX = (100.0, 100.0, 200.0, 220.0)


def face(box=BOX, emotion="neutral", share=0.9, **more):
    rest = (1 - share) / 7
    probabilities = tuple(share if name == emotion else rest for name in EMOTIONS)
    return Face(box=box, emotion=emotion, probabilities=probabilities, **{"score": 0.95, "quality": 0.8} | more)


def at(x, y=100.0, size=100.0, **more):
    return face((x, y, x + size, y + size), **more)


def unnamed(box=BOX):
    return replace(face(box, "anger"), emotion=UNKNOWN)


def result(seconds, *faces, camera_id="door", sequence=None, media_time=None):
    return Result(
        camera_id=camera_id,
        sequence=round(seconds * 1000) if sequence is None else sequence,
        captured_at=1e9 + seconds,
        frame_id="1-1",
        width=1280,
        height=720,
        faces=faces,
        models={},
        seconds={},
        worker="w",
        media_time=media_time,
    )


def play(tracker, results):
    """The results as the tracker gives them, and all events."""
    shown, told = [], []
    for one in results:
        seen, events = tracker.update(one)
        shown.append(seen)
        told += events
    return shown, told


def tracks(shown):
    return [[one.track for one in each.faces] for each in shown]


def kinds(events):
    return [event.kind for event in events]


def steady(emotion, begin, end, fps=10):
    count = round((end - begin) * fps)
    return [result(begin + i / fps, face(emotion=emotion)) for i in range(count)]


def test_faces_keep_their_numbers_as_they_move_whatever_their_order():
    shown, _ = play(
        FaceTracker(),
        [
            result(0.0, at(0), at(300)),
            result(0.2, at(310), at(20), at(200, 300, 60)),
        ],
    )
    first, second = tracks(shown)
    assert second[:2] == first[::-1]
    assert second[2] not in first


@pytest.mark.parametrize("fps", [1, 5, 15, 60])
def test_a_walking_face_is_one_track_at_any_frame_rate(fps):
    """Its own width a second: at one frame a second no two boxes overlap."""
    shown, told = play(FaceTracker(), [result(i / fps, at(100 * i / fps)) for i in range(8 * fps)])
    assert tracks(shown) == [[1]] * (8 * fps)
    assert kinds(told) == ["appeared"]


def test_two_who_cross_keep_their_numbers():
    crossing = [result(i / 15, at(30 + 16 * i, 100), at(830 - 16 * i, 160)) for i in range(50)]
    shown, told = play(FaceTracker(), crossing)
    assert tracks(shown) == [[1, 2]] * 50
    assert kinds(told) == ["appeared", "appeared"]


def test_a_face_that_was_hidden_goes_on_and_one_that_was_away_too_long_does_not():
    walk = [result(i / 10, at(20 * i)) for i in range(60) if not 20 <= i < 30]
    shown, told = play(FaceTracker(timeout_s=2.0), walk)
    assert {number for each in tracks(shown) for number in each} == {1}
    assert kinds(told) == ["appeared"]
    shown, told = play(FaceTracker(timeout_s=0.5), walk)
    assert {number for each in tracks(shown) for number in each} == {1, 2}
    assert kinds(told) == ["appeared", "left", "appeared"]


def test_a_face_of_a_low_score_goes_on_with_a_track_and_makes_none_at_once():
    shown, told = play(FaceTracker(), [result(0.0, at(0)), result(0.1, at(0)), result(0.2, at(2, score=0.5))])
    assert tracks(shown) == [[1]] * 3
    _, told = play(FaceTracker(), [result(0.0, at(0, score=0.5)), result(0.1, at(0, score=0.5))])
    assert told == []


def test_what_was_seen_once_tells_nothing():
    tracker = FaceTracker()
    _, told = play(tracker, [result(0.0, at(0)), result(0.1), result(9.0)])
    assert (told, tracker.finish()) == ([], ())


def test_a_life_in_events():
    tracker = FaceTracker(smooth_s=0.2, dwell_s=0.1)
    best = result(3.0, face(emotion="happiness", quality=0.99))
    _, told = play(tracker, [*steady("neutral", 0.0, 2.0), *steady("happiness", 2.0, 3.0), best, *steady("happiness", 3.1, 4.0)])
    told += tracker.finish("door")
    appeared, changed, left = told
    assert kinds(told) == ["appeared", "changed", "left"]
    assert {event.track for event in told} == {1}
    assert (appeared.at, appeared.sequence, appeared.emotion, appeared.duration) == (1e9, 0, "neutral", 0.0)
    assert (changed.before, changed.emotion, changed.since) == ("neutral", "happiness", 1e9)
    assert 2.0 < changed.duration < 2.6
    assert changed.shares == {"neutral": 1.0}
    assert changed.peak == pytest.approx(0.9, abs=0.01)
    assert (left.emotion, left.before, left.since, left.sequence) == ("neutral", None, 1e9, 3900)
    assert left.duration == pytest.approx(3.9)
    assert sum(left.shares.values()) == pytest.approx(1.0)
    assert left.shares["neutral"] == pytest.approx(changed.duration / 3.9)
    assert sum(left.probabilities) == pytest.approx(1.0)
    assert left.best_sequence == 3000
    assert tracker.finish() == ()


def test_an_event_has_the_same_id_in_a_second_run_and_no_other_has_it():
    results = [*steady("neutral", 0.0, 2.0), *steady("anger", 2.0, 4.0), result(9.0), *steady("fear", 9.1, 10.0)]
    _, first = play(FaceTracker(), results)
    _, second = play(FaceTracker(), results)
    assert first == second
    assert kinds(first) == ["appeared", "changed", "left", "appeared"]
    assert len({event.event_id for event in first}) == len(first)
    assert first[0].event_id == "door/1000000000000/1/appeared/0"


@pytest.mark.parametrize("steps", [1, 10])
def test_smoothing_goes_by_time_and_not_by_frames(steps):
    """After the time constant an old reading weighs 37 % in the mean of logits, whether one frame or ten came since."""
    tracker = FaceTracker(2.0, timeout_s=9.0)
    play(tracker, steady("neutral", 0.0, 20.0))
    shown, _ = play(tracker, [result(19.9 + 2.0 * step / steps, face(emotion="anger")) for step in range(1, steps + 1)])
    odds = dict(zip(EMOTIONS, shown[-1].faces[0].probabilities, strict=True))
    old, each_way = math.exp(-1), math.log(0.9 / (0.1 / 7))
    assert sum(odds.values()) == pytest.approx(1.0)
    assert odds["anger"] / odds["neutral"] == pytest.approx(math.exp((1 - 2 * old) * each_way), rel=1e-3)


def test_smoothing_over_no_time_keeps_probabilities():
    shown, _ = play(FaceTracker(0.0), [result(0.0, face(emotion="fear")), result(0.1, face(emotion="anger"))])
    assert [one.faces[0].probabilities for one in shown] == [face(emotion=e).probabilities for e in ("fear", "anger")]


def test_a_flicker_changes_no_name_and_a_change_does_within_half_a_second():
    flicker = [result(i / 10, face(emotion="anger" if i % 4 == 3 else "neutral")) for i in range(40)]
    shown, told = play(FaceTracker(), [*flicker, *steady("surprise", 4.0, 5.0)])
    names = [each.faces[0].emotion for each in shown]
    assert set(names[:40]) == {"neutral"}
    assert names[45:] == ["surprise"] * 5
    assert kinds(told) == ["appeared", "changed"]


def test_a_face_that_looks_like_two_things_in_turn_is_unknown():
    emotions = ("happiness", "anger", "fear")
    shown, _ = play(FaceTracker(2.0), [result(i / 10, face(emotion=emotions[i % 3])) for i in range(60)])
    (last,) = shown[-1].faces
    assert (last.emotion, last.confidence) == (UNKNOWN, None)
    assert sum(last.probabilities) == pytest.approx(1.0)


def test_a_face_that_comes_in_unknown_adds_nothing_until_it_is_so_for_long():
    tracker = FaceTracker(smooth_s=0.5)
    play(tracker, steady("happiness", 0.0, 2.0))
    shown, _ = play(tracker, [result(2.0 + i / 10, unnamed()) for i in range(20)])
    (first,), (last,) = shown[0].faces, shown[-1].faces
    assert first.emotion == "happiness"
    assert last.emotion == UNKNOWN
    assert first.probabilities == pytest.approx(last.probabilities)


def test_a_face_of_which_little_can_be_seen_counts_little():
    odd = face(emotion="anger", quality=0.05)
    clear = face(emotion="neutral", quality=0.9)
    shown, _ = play(FaceTracker(0.5), [result(i / 10, odd if i % 2 else clear) for i in range(40)])
    assert {one.faces[0].emotion for one in shown} == {"neutral"}
    assert shown[-1].faces[0].confidence > 0.85


def test_cameras_are_apart_and_a_renamed_one_is_another():
    tracker = FaceTracker()
    shown, told = play(tracker, [result(i / 10, face(), camera_id=name) for i in range(5) for name in ("door", "yard")])
    assert tracks(shown) == [[1]] * 10
    assert [event.camera_id for event in told] == ["door", "yard"]
    _, told = play(tracker, [result(1 + i / 10, face(), camera_id="gate") for i in range(5)])
    assert [(event.camera_id, event.kind, event.track) for event in told] == [("gate", "appeared", 1)]
    assert kinds(tracker.finish("door")) == ["left"]


def test_a_silent_camera_is_forgotten_and_its_tracks_end():
    now = 0.0
    tracker = FaceTracker(silence_s=60, clock=lambda: now)
    empty = tracker.save("door")
    play(tracker, steady("neutral", 0.0, 1.0))
    assert tracker.following("door") == (1,)
    now = 61.0
    _, told = tracker.update(result(1.0, camera_id="yard"))
    assert [(event.camera_id, event.kind) for event in told] == [("door", "left")]
    assert tracker.following("door") == ()
    assert tracker.save("door") == empty


def test_repeats_and_late_results_change_nothing():
    tracker, results = FaceTracker(), steady("neutral", 0.0, 1.0)
    play(tracker, results)
    before = tracker.save("door")
    shown, told = play(tracker, [results[-1], results[3], *results])
    assert shown == [results[-1], results[3], *results]
    assert told == []
    assert tracker.save("door") == before
    assert kinds(tracker.finish()) == ["left"]
    assert play(tracker, results) == (results, [])


@pytest.mark.parametrize("step_s", [-3600.0, -0.3])
def test_a_clock_that_is_set_back_ends_no_track(step_s):
    tracker = FaceTracker()
    before = steady("neutral", 0.0, 2.0)
    after = [replace(one, captured_at=one.captured_at + step_s) for one in steady("neutral", 2.0, 4.0)]
    shown, told = play(tracker, [*before, *after])
    assert tracks(shown) == [[1]] * 40
    (left,) = tracker.finish()
    assert kinds(told) == ["appeared"]
    assert left.duration == pytest.approx(3.8)


def test_a_clock_that_is_set_forward_is_a_hole():
    before = steady("neutral", 0.0, 2.0)
    after = [replace(one, captured_at=one.captured_at + 3600) for one in steady("neutral", 2.0, 4.0)]
    shown, told = play(FaceTracker(), [*before, *after])
    assert tracks(shown) == [[1]] * 20 + [[2]] * 20
    assert kinds(told) == ["appeared", "left", "appeared"]
    assert told[1].duration == pytest.approx(1.9)


@pytest.mark.parametrize("later_s", [-3600.0, 30.0])
def test_a_camera_that_counts_its_frames_anew_is_followed_again(later_s):
    """A producer that started with its clock set back, or one that counts from 0."""
    tracker = FaceTracker()
    play(tracker, [replace(one, sequence=one.sequence + 10**9) for one in steady("neutral", 0.0, 1.0)])
    again = [replace(one, captured_at=one.captured_at + later_s) for one in steady("neutral", 0.0, 1.0)]
    shown, told = play(tracker, again)
    assert tracks(shown) == [[2]] * 10
    assert kinds(told) == ["left", "appeared"]


def test_a_file_goes_by_its_own_time_however_fast_it_is_read():
    """Twenty seconds of film, read in one."""

    def film(read_in_s):
        emotions = ["neutral"] * 100 + ["happiness", "neutral"] * 20 + ["surprise"] * 60
        return [
            result(read_in_s * i / 200, face(emotion=emotion), sequence=i, media_time=i / 10)
            for i, emotion in enumerate(emotions)
        ]

    slow, fast = play(FaceTracker(), film(20.0)), play(FaceTracker(), film(1.0))
    assert [one.faces for one in slow[0]] == [one.faces for one in fast[0]]
    assert [(event.kind, event.media_time, event.duration) for event in slow[1]] == [
        (event.kind, event.media_time, event.duration) for event in fast[1]
    ]
    assert "surprise" in {event.emotion for event in fast[1]}


def test_a_file_that_begins_anew_ends_its_tracks():
    once = [result(i / 10, face(), sequence=i, media_time=i / 10) for i in range(20)]
    again = [result(2 + i / 10, face(), sequence=20 + i, media_time=i / 10) for i in range(20)]
    _, told = play(FaceTracker(), [*once, *again])
    assert kinds(told) == ["appeared", "left", "appeared"]


def test_three_hundred_faces_in_a_frame_keep_their_numbers():
    crowd = [result(i / 10, *(at(60.0 * (n % 20) + 2 * i, 45.0 * (n // 20), 30) for n in range(300))) for i in range(5)]
    shown, told = play(FaceTracker(), crowd)
    assert tracks(shown) == [list(range(1, 301))] * 5
    assert len(told) == 300


def test_boxes_without_area_and_without_bounds_are_followed_too():
    wild = [(0.0, 0.0, 0.0, 0.0), (-1e38, -1e38, 1e38, 1e38), (50.0, 50.0, 40.0, 40.0)]
    shown, _ = play(FaceTracker(), [result(i / 10, *(face(box) for box in wild)) for i in range(5)])
    assert all(len(set(numbers)) == 3 for numbers in tracks(shown))
