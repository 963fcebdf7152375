"""Tables of a file: rows in the order of frames, the same numbers in both formats, whole or not at all."""

import csv
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferstream.consumer.report.clip_rows import EVENTS, FACES, event_row, face_rows
from ferstream.consumer.report.collector import Collector, CollectorSettings
from ferstream.consumer.report.frame_order import HELD, FrameOrder
from ferstream.consumer.report.marks import read_marks
from ferstream.consumer.report.table_file import TableFile
from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.messages import Event, Face, HeadPose, Result

FACE = Face(
    box=(10.123, 20.0, 50.0, 70.0),
    score=0.9876543,
    quality=0.8,
    emotion="happiness",
    probabilities=(0.01, 0.01, 0.01, 0.01, 0.9, 0.04, 0.01, 0.01),
    landmarks=((20.0, 30.0), (40.0, 30.0), (30.0, 40.0), (22.0, 55.0), (38.0, 55.0)),
    pose=HeadPose(yaw=1.234, pitch=-2.0, roll=0.0),
)


def result(number: int, *faces: Face) -> Result:
    return Result(
        camera_id="clip",
        sequence=number,
        captured_at=1e9 + number / 1000,
        media_time=number / 30,
        frame_id=f"{number}-0",
        width=640,
        height=360,
        faces=faces,
        models={"detector": "d"},
        seconds={},
        worker="w",
    )


@given(st.permutations(range(0, 60, 3)))
def test_results_come_in_the_order_of_frames(numbers):
    order = FrameOrder(0, 3)
    given_ = [each.sequence for number in numbers for each in order.add(result(number))]
    assert given_ == list(range(0, 60, 3))


def test_a_frame_without_a_result_holds_up_nothing_for_good():
    order = FrameOrder(0)
    assert [each.sequence for number in range(1, HELD + 2) for each in order.add(result(number))] == list(range(1, HELD + 2))
    with pytest.raises(FerstreamError, match="frame 0 was answered too late"):
        list(order.add(result(0)))


def test_a_frame_that_is_answered_twice_is_refused_also_while_it_waits():
    order = FrameOrder(0)
    assert list(order.add(result(1))) == []
    with pytest.raises(FerstreamError, match="frame 1 was answered too late, or twice"):
        list(order.add(result(1)))


def test_where_the_first_frame_is_not_known_it_waits_for_the_end():
    order = FrameOrder(None)
    assert [each for number in (7, 5, 6) for each in order.add(result(number))] == []
    assert [each.sequence for each in order.rest()] == [5, 6, 7]


def named(row, table=FACES):
    return dict(zip((column.name for column in table.columns), row, strict=True))


def test_a_face_is_a_row():
    row = named(next(face_rows(result(3, replace(FACE, track=2)))))
    assert list(row)[:2] == ["frame", "media_time"]
    assert (row["frame"], row["track"], row["x1"], row["score"], row["p_happiness"]) == (3, 2, 10.12, 0.987654, 0.9)
    assert (row["nose_x"], row["mouth_left_y"], row["yaw"]) == (30.0, 55.0, 1.23)


def test_a_frame_without_a_face_is_a_row():
    (row,) = face_rows(result(3))
    assert named(row)["faces"] == 0
    assert {named(row)[name] for name in ("face", "track", "emotion", "x1", "nose_x", "yaw")} == {None}


def test_an_event_is_told_in_the_time_of_the_file():
    event = Event(
        event_id="e",
        kind="left",
        camera_id="clip",
        track=1,
        at=1e9,
        media_time=4.0,
        sequence=120,
        emotion="happiness",
        before=None,
        since=1e9 - 0.2,
        duration=3.0,
        peak=0.9,
        probabilities=FACE.probabilities,
        shares={"happiness": 1.0},
        best_sequence=30,
        box=FACE.box,
    )
    row = named(event_row(event), EVENTS)
    assert (row["since"], row["media_time"], row["best_frame"], row["share_happiness"]) == (1.0, 4.0, 30, 1.0)
    assert "at" not in row


def test_both_formats_hold_the_same(tmp_path):
    rows = [row for number in range(3) for row in face_rows(result(number, *[FACE] * number))]
    for format_ in ("csv", "parquet"):
        with TableFile(tmp_path / f"t.{format_}", FACES.columns, format_) as table:
            table.write(rows)
    with (tmp_path / "t.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    stored = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert len(read) == len(stored) == 4
    for text, values in zip(read, stored, strict=True):
        for name, value in values.items():
            assert (text[name] == "") == (value is None)
            if isinstance(value, float):
                assert float(text[name]) == pytest.approx(value, rel=1e-6)


def test_a_table_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("before")
    with pytest.raises(TypeError), TableFile(path, FACES.columns, "csv") as table:
        table.write([*face_rows(result(0, FACE)), None])
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def collected(tmp_path, numbers, **settings):
    chosen = CollectorSettings(folder=tmp_path, name="clip", marks=tmp_path / "marks", **settings)
    with Collector(chosen, None if chosen.files else FaceTracker()) as collector:
        for number in numbers:
            collector.add(result(number, *[replace(FACE, emotion=emotion) for emotion in ["happiness"] * (number % 2)]))
        collector.finish()
    with (tmp_path / "clip.csv").open(newline="") as file:
        return collector.collected, list(csv.DictReader(file))


def test_a_file_comes_together(tmp_path):
    said, rows = collected(tmp_path, [1, 0, 2, 3, 5])
    assert [row["frame"] for row in rows] == ["0", "1", "2", "3", "5"]
    assert (said.frames, said.faces, said.missing) == (5, 3, [4])
    assert [(marks.number, len(marks.faces)) for marks in read_marks(tmp_path / "marks")] == [
        (0, 0),
        (1, 1),
        (2, 0),
        (3, 1),
        (5, 1),
    ]
    assert (tmp_path / "clip.events.csv").read_text().startswith("frame,kind,track")


def test_only_some_emotions_are_written_and_all_faces_marked(tmp_path):
    _, rows = collected(tmp_path, range(4), emotions=frozenset({"anger"}))
    assert rows == []
    faces = [face for marks in read_marks(tmp_path / "marks") for face in marks.faces]
    assert [face.shown for face in faces] == [False, False]


def test_pictures_have_names_and_no_tracks(tmp_path):
    said, rows = collected(tmp_path, [0, 1, 3], files=("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"))
    assert [(row["file"], row["track"], row["media_time"]) for row in rows] == [(f"{name}.jpg", "", "") for name in "abd"]
    assert said.missing == [2, 4]
    assert not (tmp_path / "clip.events.csv").exists()
