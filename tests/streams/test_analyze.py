"""fer-analyze as its users run it: real clips, all kinds of them at once, twice, and stopped in the middle."""

import csv
import json
import shutil
import signal
import subprocess
from pathlib import Path

import av
import cv2
import pytest

from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S
from tests.support.portrait_clips import make_clip, portraits
from tests.support.programs import alive, children, command, environment, run
from tests.support.video_files import make_video

UNEVEN = [0, 40, 41, 300, 333, 900, 901, 940, 1500, 1540, 1541, 2000]


def make_inputs(folder: Path) -> None:
    make_clip(folder / "ntsc.mp4", frames=30, sound="aac")
    make_clip(folder / "uneven.mkv", ticks=UNEVEN)
    make_clip(folder / "ten bit 😀.mkv", pix_fmt="yuv420p10le", codec="libx265")
    make_clip(folder / "one.mp4", frames=1)
    make_video(folder / "no face.mp4", frames=10)
    whole = make_clip(folder / "cut.mp4", frames=30).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # its index stands at its end
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video")
    (folder / "stills").mkdir()
    for number, picture in enumerate(portraits(3)):
        cv2.imwrite(str(folder / "stills" / f"{number}.jpg"), picture)
    (folder / "stills" / "1.jpg").write_bytes(b"no picture")


def analyse(*arguments: object) -> tuple[int, dict[str, dict]]:
    """The exit status, and what was said of each source."""
    ended = run("analyze", *map(str, arguments), "--json")
    said = [json.loads(line) for line in ended.stdout.splitlines()]
    assert "Traceback" not in ended.stderr
    return ended.returncode, {Path(each["source"]).name: each for each in said}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Inputs, results, exit status, and what was said."""
    inputs, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    make_inputs(inputs)
    status, said = analyse(inputs, inputs / "stills", "none.mp4", "--out", out)
    return inputs, out, status, said


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    return [at - times[0] for at in times]


@pytest.mark.parametrize(("name", "frames"), [("ntsc.mp4", 30), ("uneven.mkv", 12), ("ten bit 😀.mkv", 12), ("one.mp4", 1)])
def test_every_frame_of_a_clip_is_there_once_and_in_order(first, name, frames):
    inputs, out, _, said = first
    rows = rows_of(out / f"{Path(name).stem}.csv")
    times = times_of(inputs / name)
    assert said[name]["frames"] == len(times) == frames
    assert [int(row["frame"]) for row in rows] == [number for number in range(frames) for _ in range(2)], "two faces in each"
    assert [float(row["media_time"]) for row in rows[::2]] == pytest.approx(times, abs=1e-4)
    assert {row["track"] for row in rows} == {"1", "2"}
    assert times_of(out / f"{Path(name).stem}.mp4") == pytest.approx(times, abs=1e-4)


def test_what_is_seen_of_a_clip(first):
    _, out, _, said = first
    rows, events = rows_of(out / "ntsc.csv"), rows_of(out / "ntsc.events.csv")
    assert {row["emotion"] for row in rows} == {"happiness", "neutral"}
    assert sum(float(rows[0][name]) for name in rows[0] if name.startswith("p_")) == pytest.approx(1, abs=1e-4)
    assert [(event["kind"], event["track"]) for event in events if event["kind"] != "changed"] == [
        ("appeared", "1"),
        ("appeared", "2"),
        ("left", "1"),
        ("left", "2"),
    ]
    assert said["ntsc.mp4"]["tables"] == {"faces": "ntsc.csv", "events": "ntsc.events.csv", "drawn": "ntsc.mp4"}
    with av.open(str(out / "ntsc.mp4")) as drawn:
        assert len(drawn.streams.audio) == 1


def test_a_report_is_over_all_videos_that_are_done(first):
    _, out, _, said = first
    figures = json.loads((out / "report" / "figures.json").read_text("utf-8"))
    done = {each["name"]: each for each in said.values() if each["state"] == "done" and each["kind"] == "video"}
    assert set(figures["cameras"]) == set(done) == {"ntsc", "uneven", "ten bit 😀", "one", "no face"}
    for name, each in done.items():
        seen = figures["cameras"][name]
        rows = rows_of(out / f"{name}.csv")
        assert (seen["results"], seen["faces"], seen["tracks"]["count"]) == (each["frames"], each["faces"], each["tracks"])
        assert seen["coverage"] == pytest.approx(1.0, abs=1e-5)
        named = {row["emotion"] for row in rows if row["emotion"]}
        assert {emotion for emotion, seconds in seen["emotion_seconds"].items() if seconds} == named
    assert figures["all"]["observed_seconds"] == pytest.approx(
        sum(seen["observed_seconds"] for seen in figures["cameras"].values())
    )
    assert "5 files showed up to 2 people at once" in (out / "report.html").read_text("utf-8")


def test_frames_without_faces_have_a_row(first):
    rows = rows_of(first[1] / "no face.csv")
    assert [(int(row["frame"]), row["faces"], row["emotion"]) for row in rows] == [(number, "0", "") for number in range(10)]


def test_pictures_are_a_table_too(first):
    _, out, _, said = first
    rows = rows_of(out / "stills.csv")
    assert [row["file"] for row in rows] == ["0.jpg", "0.jpg", "2.jpg", "2.jpg"]
    assert sorted(path.name for path in (out / "stills.drawn").iterdir()) == ["0.jpg", "2.jpg"]
    assert "no picture that can be read: 1.jpg" in said["stills"]["problem"]


def test_bad_files_are_named_and_stop_nobody(first):
    _, _, status, said = first
    assert status == 1
    problems = {name: each["problem"] for name, each in said.items() if each["state"] == "failed"}
    assert set(problems) == {"cut.mp4", "empty.mp4", "text.mp4", "stills", "none.mp4"}
    assert problems["text.mp4"] == "no video that FFmpeg can read"
    assert problems["none.mp4"] == "no such file"
    assert all("\n" not in problem for problem in problems.values())


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_video_is_never_replaced_by_its_drawing(force, tmp_path):
    video = tmp_path / "a.mp4"
    video.write_bytes(b"somebody's")
    ended = run("analyze", str(video), "--out", str(tmp_path), *force)
    assert (ended.returncode, video.read_bytes()) == (1, b"somebody's")
    assert "would take the place of a file that is to be analysed" in ended.stderr


@pytest.mark.slow
def test_the_same_again_gives_the_same_and_does_nothing_twice(first, tmp_path):
    inputs, out, _, _ = first
    before = (out / "ntsc.csv").stat().st_mtime_ns
    again = run("analyze", str(inputs / "ntsc.mp4"), "--out", str(out), "--no-report")
    assert (again.returncode, again.stdout.count("done already")) == (0, 1)
    assert (out / "ntsc.csv").stat().st_mtime_ns == before
    status, _ = analyse(inputs / "ntsc.mp4", inputs / "uneven.mkv", "--out", tmp_path, "--workers", "2", "--no-report")
    assert status == 0
    for name in ("ntsc.csv", "ntsc.events.csv", "ntsc.mp4", "uneven.csv", "uneven.events.csv"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name


def test_a_part_hidden_and_as_parquet(first, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    options = ("--every", "3", "--from", "0.2", "--to", "0.8", "--format", "parquet", "--blur", "--emotions", "happiness")
    status, said = analyse(first[0] / "ntsc.mp4", "--out", tmp_path, *options)
    rows = pq.read_table(tmp_path / "ntsc.parquet").to_pylist()
    assert (status, said["ntsc.mp4"]["frames"]) == (0, 6)
    assert [row["frame"] for row in rows] == [6, 9, 12, 15, 18, 21]
    assert {row["emotion"] for row in rows} == {"happiness"}
    (seen,) = json.loads((tmp_path / "report" / "figures.json").read_text("utf-8"))["cameras"].values()
    assert seen["faces"] == len(rows)
    assert "Only faces named happiness are in these tables" in (tmp_path / "report.html").read_text("utf-8")
    assert times_of(tmp_path / "ntsc.mp4") == pytest.approx([number * 3 * 1001 / 30000 for number in range(6)], abs=1e-4)


@pytest.mark.slow
def test_an_analysis_that_was_stopped_goes_on(first, tmp_path):
    inputs, out, _, _ = first
    for number in range(3):
        shutil.copy(inputs / "ntsc.mp4", tmp_path / f"{number}.mp4")
    arguments = command("analyze", str(tmp_path), "--out", str(tmp_path / "out"), "--no-video", "--no-report")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    assert process.stdout
    said = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=PROCESS_S)
    assert (process.returncode, "Traceback" in errors) == (130, False)
    assert list(tmp_path.glob("out/*.part")) == []
    finished = said.count("30 frames") + rest.count("30 frames")
    assert 1 <= finished < 3
    ended = run("analyze", str(tmp_path), "--out", str(tmp_path / "out"), "--no-video", "--no-report")
    assert (ended.returncode, ended.stdout.count("done already"), ended.stdout.count("30 frames")) == (0, finished, 3)
    for number in range(3):
        assert (tmp_path / "out" / f"{number}.csv").read_bytes() == (out / "ntsc.csv").read_bytes()


def test_its_programs_end_with_it(first, tmp_path):
    process = subprocess.Popen(
        command("analyze", str(first[0] / "ntsc.mp4"), "--out", str(tmp_path)), stderr=subprocess.PIPE, env=environment()
    )
    wait_until(lambda: len(children(process.pid)) >= 3)  # the server, its guard, a worker
    started = children(process.pid)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PROCESS_S)
    assert process.returncode == 130
    wait_until(lambda: not any(alive(child) for child in started))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--emotions", "joy"), "'joy' is none of anger"),
        (("--from", "5", "--to", "4"), "--to must be larger than --from"),
        (("--blur", "--no-video"), "--blur is for what is drawn"),
        (("--every", "0"), "--every"),
    ],
)
def test_wrong_options_are_said(tmp_path, options, told):
    ended = run("analyze", "clip.mp4", "--out", str(tmp_path), *options)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert told in ended.stderr
