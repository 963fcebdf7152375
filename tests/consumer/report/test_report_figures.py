"""Figures of a report against sums made another way, and the same from every store."""

import random
from collections import Counter, defaultdict
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferstream.consumer.records.minute import Minute
from ferstream.consumer.report.kept.gather import NothingKept, gather
from ferstream.consumer.report.kept.open_kept import open_kept
from ferstream.consumer.report.numbers.figures import all_together
from ferstream.consumer.report.numbers.period import period_of
from ferstream.consumer.report.numbers.seen import InOrder, Seen
from ferstream.consumer.report.numbers.tally import Tally
from ferstream.consumer.sinks.sink import SinkError
from ferstream.consumer.sinks.sqlite import SqliteSink
from ferstream.streams.wire.emotions import NAMES, UNKNOWN
from tests.plays.hour_of_cameras import START, Camera, events_of, results_of, visits_of, write_hour

CAMERAS = (Camera("door", 20, 6, silent=((0.5, 0.9),)), Camera("<b>é😀</b>", 8, 15), Camera("yard", 6, 5, silent=((1.1, 2),)))
SECONDS, FPS, SEED = 120.0, 5.0, 13
PERIOD = period_of(START, START + SECONDS)

frames = st.lists(
    st.tuples(st.integers(0, 60_000), st.lists(st.sampled_from(NAMES), max_size=4)), max_size=60, unique_by=lambda frame: frame[0]
)


def lasted_of(times: list[float]) -> list[float]:
    """How long each frame stands, by its definition: until the next, a second at most; before a gap as long as the one before."""
    lasted, usual = [], 1.0
    for at, then in zip(times, [*times, float("inf")][1:], strict=True):
        usual = then - at if then - at <= 1.0 else usual
        lasted.append(usual)
    return lasted


@settings(max_examples=60, deadline=None)
@given(frames)
def test_figures_are_the_sums_of_what_was_seen(frames):
    period = period_of(10.0, 50.0)
    seen = [Seen(at / 1000, number, "door", tuple(emotions)) for number, (at, emotions) in enumerate(sorted(frames))]
    tally = Tally("door", period)
    for frame in seen:
        tally.see(frame)
    figures = tally.finish(tracks_known=False)
    covered, expected = 0.0, defaultdict(float)
    for frame, lasted in zip(seen, lasted_of([frame.at for frame in seen]), strict=True):
        inside = max(0.0, min(frame.at + lasted, 50.0) - max(frame.at, 10.0))
        covered += inside
        for name in frame.emotions:
            expected[name] += inside
    assert figures.covered_s == pytest.approx(covered, abs=1e-6)
    assert figures.emotion_seconds == pytest.approx({name: expected[name] for name in NAMES}, abs=1e-6)
    assert sum(figures.shares.values()) == pytest.approx(1.0 if figures.people_seconds else 0.0)
    within = [frame for frame in seen if 10.0 <= frame.at < 50.0]
    assert figures.results == len(within)
    assert figures.faces == sum(len(frame.emotions) for frame in within)
    assert figures.people_max == max((len(frame.emotions) for frame in within), default=0)
    assert figures.tracks is None
    assert figures.gaps.seconds <= 40.0 - figures.covered_s + 1e-6
    for gap in figures.gaps.listed:
        assert not any(gap.start < frame.at < gap.end for frame in seen)


def test_minutes_give_the_sums_of_minutes():
    period = period_of(0.0, 600.0)
    tally = Tally("door", period)
    for start in (0.0, 60.0, 240.0):
        tally.add_minute(
            Minute(camera_id="door", start=start, seconds=60.0, results=300, people_max=3, people_mean=1.5, faces=450,
                   emotion_seconds={"anger": 6.0, UNKNOWN: 3.0}, unknown_share=1 / 3, coverage=0.5)
        )  # fmt: skip
    figures = tally.finish(tracks_known=True)
    assert figures.covered_s == pytest.approx(90.0)
    assert figures.coverage == pytest.approx(0.15)
    assert figures.emotion_seconds["anger"] == pytest.approx(18.0)
    assert figures.unknown_share == pytest.approx(1 / 3)
    assert [(gap.start, gap.end) for gap in figures.gaps.listed] == [(120.0, 240.0), (300.0, 600.0)]
    assert figures.tracks is not None
    assert figures.tracks.count == 0


def test_frames_out_of_order_and_doubled_count_once_and_in_order():
    seen = [Seen(at / 5, at, "door", ("anger",)) for at in range(300)]
    mixed = sorted(seen, key=lambda frame: frame.at + random.Random(frame.sequence).uniform(0, 9))
    order: InOrder[Seen] = InOrder()
    given = [frame for one in [*mixed, *mixed[-40:]] for frame in order.add(one.camera_id, one.at, one.sequence, one)]
    assert [*given, *order.rest()] == seen
    assert order.left_out == 40


def figures_in(url):
    with closing(open_kept(url)) as kept:
        return gather(kept, PERIOD).cameras


def stored(tmp_path, kind):
    url = f"{kind}:{tmp_path / kind}"
    write_hour(url, CAMERAS, SECONDS, FPS, SEED)
    return url


@pytest.mark.parametrize("kind", ["sqlite", "jsonl", "parquet"])
def test_every_store_gives_the_sums_of_what_was_written_to_it(tmp_path, kind):
    cameras = figures_in(stored(tmp_path, kind))
    assert [figures.name for figures in cameras] == sorted(camera.name for camera in CAMERAS)
    for figures in cameras:
        (camera,) = (camera for camera in CAMERAS if camera.name == figures.name)
        visits = visits_of(camera, SECONDS, random.Random(f"{SEED} {camera.name}"))
        results = list(results_of(camera, visits, SECONDS, FPS))
        faces = Counter(face.emotion for result in results for face in result.faces)
        assert figures.results == len(results)
        assert figures.faces == faces.total()
        assert figures.people_max == max(len(result.faces) for result in results)
        assert figures.covered_s == pytest.approx(len(results) / FPS)
        assert figures.emotion_seconds == pytest.approx({name: faces[name] / FPS for name in NAMES})
        ended = list(events_of(camera, visits))
        assert figures.tracks is not None
        assert figures.tracks.count == len(ended)
        assert figures.tracks.seconds == pytest.approx(sum(event.duration for event in ended))
        assert sum(figures.tracks.classes) == len(ended)
        silent = [(begin * 60, min(end * 60, SECONDS)) for begin, end in camera.silent]
        gaps = [(gap.start - START, gap.end - START) for gap in figures.gaps.listed]
        assert gaps == [pytest.approx(stretch) for stretch in silent]
    together = all_together(cameras)
    assert together.faces == sum(figures.faces for figures in cameras)
    assert together.timeline is not None
    assert sum(together.timeline.covered) == pytest.approx(together.covered_s)
    assert sum(map(sum, together.timeline.emotions.values())) == pytest.approx(together.people_seconds)


def test_tracks_are_those_at_the_faces_where_no_events_are_kept(tmp_path):
    (visits,) = [visits_of(CAMERAS[1], SECONDS, random.Random("a"))]
    results = list(results_of(CAMERAS[1], visits, SECONDS, FPS))
    with closing(SqliteSink(tmp_path / "results.db", "results")) as sink:
        sink.write(results)
    (figures,) = figures_in(f"sqlite:{tmp_path / 'results.db'}")
    assert figures.tracks is not None
    assert figures.tracks.count == len({face.track for result in results for face in result.faces})


def test_parquet_of_versions_without_tracks_is_read(tmp_path):
    import pyarrow.parquet as pq

    figures_before = figures_in(stored(tmp_path, "parquet"))
    for path in (tmp_path / "parquet").rglob("*.parquet"):
        if path.name.startswith("events"):
            path.unlink()
        else:
            pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["track"]), path)
    for before, after in zip(figures_before, figures_in(f"parquet:{tmp_path / 'parquet'}"), strict=True):
        assert after.emotion_seconds == before.emotion_seconds
        assert after.tracks is None
    for path in (tmp_path / "parquet").rglob("results*.parquet"):
        pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["emotion"]), path)
    with pytest.raises(SinkError, match=r"cannot read .*emotion"):
        figures_in(f"parquet:{tmp_path / 'parquet'}")


def test_a_store_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.db").write_text("no database")
    for url, words in {
        f"sqlite:{tmp_path / 'none.db'}": "there is no SQLite file",
        f"sqlite:{tmp_path / 'other.db'}": "SQLite cannot read",
        f"jsonl:{tmp_path / 'none'}": "there is no directory",
        f"parquet:{tmp_path / 'empty'}": "holds no files of a sink",
        "redis://localhost": "a sink is sqlite:FILE",
        "postgresql://nobody:secret@127.0.0.1:1/none": "cannot be read",
    }.items():
        with pytest.raises(SinkError, match=words) as raised:
            open_kept(url)
        assert "secret" not in str(raised.value)


def test_a_time_with_nothing_and_an_unknown_camera_are_told_apart(tmp_path):
    url = stored(tmp_path, "sqlite")
    with closing(open_kept(url)) as kept:
        with pytest.raises(NothingKept, match="no results and no minutes in that time"):
            gather(kept, period_of(0.0, 60.0))
        with pytest.raises(NothingKept, match=r"knows no camera dor: in that time it has .*door"):
            gather(kept, PERIOD, ("door", "dor"))
        late = period_of(START + 70, START + 110)  # the yard is silent then, and known
        names = {figures.name: figures.results for figures in gather(kept, late, ("yard", "door")).cameras}
    assert names == {"door": 200, "yard": 0}
