"""What fer-analyze makes of its arguments, and how it knows what is done."""

from pathlib import Path

import pytest

from ferstream.streams.local.analysis_record import AnalysisRecord, identity
from ferstream.streams.local.clips import LONGEST, find_clips


def touched(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


def names_of(*arguments: object) -> list[str]:
    clips, problems = find_clips([str(argument) for argument in arguments])
    assert problems == []
    return [clip.name for clip in clips]


def test_folders_globs_and_files_each_once(tmp_path):
    touched(tmp_path, "b.mkv", "a.mp4", "notes.txt", "p.jpg", "q.PNG", "inner/c.mp4")
    clips, _ = find_clips([str(tmp_path), str(tmp_path / "*.mkv"), str(tmp_path / "**" / "c.*"), str(tmp_path / "p.jpg")])
    assert [(clip.name, clip.kind, len(clip.files)) for clip in clips] == [
        ("a", "video", 1),
        ("b", "video", 1),
        (tmp_path.name, "pictures", 2),
        ("c", "video", 1),
        ("pictures", "pictures", 1),
    ]


def test_two_clips_of_one_name_get_two_names(tmp_path):
    touched(tmp_path, "x/clip.mp4", "y/clip.mp4", "y/clip.mkv", "y/Clip.avi")
    found = names_of(tmp_path / "x/clip.mp4", tmp_path / "y")
    assert len({name.casefold() for name in found}) == 4
    assert "clip_mkv" in found
    assert "x_clip" in found


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("a=b.mp4", "a=b"),
        ("-q.mp4", "-q"),
        ("смех 😀.mp4", "смех 😀"),
        ("two\nlines.mp4", "two_lines"),
        ("a.events.mp4", "a_events"),
    ],
)
def test_odd_names_name_results(tmp_path, name, given):
    assert names_of(*touched(tmp_path, name)) == [given]


def test_a_long_name_is_cut(tmp_path):
    first, second = names_of(*touched(tmp_path, "é" * 120 + "a.mp4", "é" * 120 + "b.mp4"))
    assert len(first.encode()) < LONGEST + 10
    assert first != second


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("none.mp4", "no such file"),
        ("none*.mp4", "no file has such a name"),
        ("x" * 5000, "no such file"),
        ("rtsp://u:hunter2@h/live", "a live camera has no end"),
    ],
)
def test_what_names_nothing_is_said(tmp_path, monkeypatch, argument, told):
    monkeypatch.chdir(tmp_path)
    clips, (problem,) = find_clips([argument])
    assert clips == []
    assert told in problem.text
    assert "hunter2" not in problem.source


def test_a_folder_with_nothing_in_it_is_said(tmp_path):
    assert "no video and no picture" in find_clips([str(tmp_path)])[1][0].text


def test_the_password_of_a_url_is_not_shown():
    (clip,), _ = find_clips(["https://u:hunter2@host/films/clip.mp4?token=hunter2"])
    assert clip.name == "clip"
    assert "hunter2" not in clip.shown


OUTPUTS = {"faces": "a.csv", "drawn": "a.mp4"}


def record(folder: Path, file: Path, **options: object) -> AnalysisRecord:
    folder.mkdir(exist_ok=True)
    return AnalysisRecord(folder, "a", "video", str(file), (file,), options)


def test_a_clip_is_done_until_it_or_the_options_change(tmp_path):
    (file,) = touched(tmp_path, "a.mp4")
    first = record(tmp_path / "out", file, every=1)
    first.begin()
    assert first.done() is None
    touched(tmp_path / "out", *OUTPUTS.values())
    first.finish(OUTPUTS, {"frames": 3})
    assert record(tmp_path / "out", file, every=1).done()["frames"] == 3
    assert record(tmp_path / "out", file, every=2).done() is None
    file.write_bytes(b"another")
    assert record(tmp_path / "out", file, every=1).done() is None
    assert record(tmp_path / "out", file, every=1).refusal(OUTPUTS) is None


def test_results_that_are_gone_are_not_done(tmp_path):
    (file,) = touched(tmp_path, "a.mp4")
    one = record(tmp_path / "out", file)
    one.finish(OUTPUTS, {})
    assert one.done() is None


def test_nothing_of_somebody_else_is_replaced(tmp_path):
    first, second = touched(tmp_path, "x/a.mp4", "y/a.mp4")
    one, other = (record(tmp_path / "out", file) for file in (first, second))
    touched(tmp_path / "out", "a.csv")
    assert "a.csv is there already" in str(one.refusal(OUTPUTS))
    one.begin()
    assert one.refusal(OUTPUTS) is None
    assert "is of another file" in str(other.refusal(OUTPUTS))


def test_no_file_that_is_analysed_is_ever_replaced(tmp_path):
    (file,) = touched(tmp_path, "a.mp4")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.mp4").hardlink_to(file)
    one = record(tmp_path / "out", file)
    assert "a.mp4 would take the place" in str(one.danger(OUTPUTS, {identity(file)}))
    assert one.danger(OUTPUTS, set()) is None


def test_what_was_drawn_is_not_analysed_the_next_time(tmp_path):
    (file,) = touched(tmp_path, "a.mkv")
    touched(tmp_path, *OUTPUTS.values(), "other.mp4", "bad.analysis.json")
    record(tmp_path, file).finish(OUTPUTS, {})
    clips, problems = find_clips([str(tmp_path)])
    assert [clip.files[0].name for clip in clips] == ["a.mkv", "other.mp4"]
    assert problems == []
