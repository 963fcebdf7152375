from dataclasses import replace

import pytest

from ferstream import Smoother, Tracker
from ferstream.consumer.tracking.tracker import iou
from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN
from ferstream.streams.wire.messages import Face, Result


def face(box, emotion="neutral", share=0.9):
    rest = (1 - share) / 7
    probabilities = tuple(share if name == emotion else rest for name in EMOTIONS)
    return Face(box=box, score=1.0, quality=1.0, emotion=emotion, probabilities=probabilities)


def frame(captured_at, *faces, camera_id="door"):
    return Result(
        camera_id=camera_id,
        sequence=int(captured_at * 10),
        captured_at=captured_at,
        frame_id="1-1",
        width=640,
        height=480,
        faces=faces,
        models={},
        seconds={},
        worker="w",
    )


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
    ],
)
def test_iou(a, b, expected):
    assert iou(a, b) == pytest.approx(expected)


def test_faces_keep_their_tracks_as_they_move_whatever_their_order():
    tracker = Tracker()
    first = tracker.update(frame(0.0, face((0, 0, 100, 100)), face((300, 0, 400, 100))))
    second = tracker.update(frame(0.2, face((310, 5, 410, 105)), face((20, 0, 120, 100)), face((200, 300, 260, 360))))
    assert second[:2] == first[::-1]
    assert second[2] not in first


def test_the_best_overlap_wins():
    tracker = Tracker()
    (number,) = tracker.update(frame(0.0, face((0, 0, 100, 100))))
    assert tracker.update(frame(0.1, face((30, 0, 130, 100)), face((5, 0, 105, 100))))[1] == number


def test_a_track_ends_and_cameras_are_apart():
    tracker = Tracker(max_age_s=1.0)
    (number,) = tracker.update(frame(0.0, face((0, 0, 100, 100))))
    assert tracker.update(frame(0.0, face((0, 0, 100, 100)), camera_id="yard")) != [number]
    assert tracker.update(frame(0.9, face((0, 0, 100, 100)))) == [number]
    assert tracker.update(frame(2.0, face((0, 0, 100, 100)))) != [number]
    tracker.update(frame(9.0))
    assert len(tracker.living()) == 1


def test_smoothing_weighs_by_time_not_by_frames():
    box = (0, 0, 10, 10)
    for steps in (1, 10):
        smoother = Smoother(2.0)
        smoother.update(frame(0.0, face(box, "neutral", 1.0)), [1])
        for step in range(1, steps + 1):
            smoothed = smoother.update(frame(2.0 * step / steps, face(box, "anger", 1.0)), [1])
        assert smoothed.faces[0].probabilities[EMOTIONS.index("neutral")] == pytest.approx(0.3679, abs=1e-3)
        assert smoothed.faces[0].emotion == "anger"
        assert sum(smoothed.faces[0].probabilities) == pytest.approx(1.0)


def test_smoothing_over_no_time_changes_nothing():
    one = frame(1.0, face((0, 0, 1, 1), "fear"))
    assert Smoother(0.0).update(one, [1]) == one


def test_a_face_that_is_unknown_stays_so_and_is_not_smoothed_over():
    smoother, box = Smoother(2.0), (0, 0, 10, 10)
    sure = frame(0.0, face(box, "neutral", 1.0))
    smoother.update(sure, [1])
    blurred = frame(1.0, replace(face(box, "anger", 1.0), emotion=UNKNOWN))
    assert smoother.update(blurred, [1]) == blurred
    assert smoother.update(frame(2.0, face(box, "neutral", 1.0)), [1]).faces == sure.faces


def test_a_face_that_looks_like_two_things_in_turn_is_unknown():
    """Each frame is sure of its name, and they are of different ones: no emotion has half of what was seen."""
    smoother, box = Smoother(2.0), (0, 0, 10, 10)
    for step in range(60):
        emotion = ("happiness", "anger", "fear")[step % 3]
        (smoothed,) = smoother.update(frame(step / 10, face(box, emotion)), [1]).faces
    assert (smoothed.emotion, smoothed.confidence) == (UNKNOWN, None)
    assert max(smoothed.probabilities) < 0.5
    assert sum(smoothed.probabilities) == pytest.approx(1.0)
    for step in range(60, 80):
        (smoothed,) = smoother.update(frame(step / 10, face(box, "fear")), [1]).faces
    assert smoothed.emotion == "fear"


@pytest.mark.parametrize(("unknown_of_five", "expected"), [(1, "happiness"), (4, UNKNOWN)])
def test_a_face_that_was_mostly_unknown_lately_is_unknown(unknown_of_five, expected):
    smoother, sure = Smoother(2.0), face((0, 0, 10, 10), "happiness")
    for step in range(60):
        seen = replace(sure, emotion=UNKNOWN) if step % 5 < unknown_of_five else sure
        (smoothed,) = smoother.update(frame(step / 10, seen), [1]).faces
    assert seen.emotion == "happiness"
    assert smoothed.emotion == expected
    assert smoothed.probabilities == pytest.approx(sure.probabilities)


def test_a_file_goes_by_its_own_time_however_fast_it_is_read():
    """Two seconds apart in the file, and a tenth of a second in the reading."""
    tracker, smoother, box = Tracker(max_age_s=3.0), Smoother(2.0), (0, 0, 10, 10)
    for number, emotion in enumerate(("neutral", "anger")):
        one = replace(frame(number / 10, face(box, emotion, 1.0)), media_time=2.0 * number)
        tracks = tracker.update(one)
        (smoothed,) = smoother.update(one, tracks).faces
    assert smoothed.probabilities[EMOTIONS.index("neutral")] == pytest.approx(0.3679, abs=1e-3)
    assert tracker.update(replace(frame(0.3, face(box)), media_time=6.0)) != tracks
