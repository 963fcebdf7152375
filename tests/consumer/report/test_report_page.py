"""The page of a report: safe whatever cameras are called, asking for nothing, and with words for what cannot be."""

import csv
import json
import re
import sys
from contextlib import closing
from html.parser import HTMLParser
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from ferstream.consumer.cli import main
from ferstream.consumer.report.kept.gather import gather
from ferstream.consumer.report.kept.open_kept import open_kept
from ferstream.consumer.report.numbers.period import period_of
from ferstream.consumer.report.pages.wording import Clock, duration, share
from ferstream.consumer.report.report import Report
from tests.plays.hour_of_cameras import START, Camera, write_hour

EVIL = '<script src="https://x.example/a.js">alert(1)</script>'
NAMES = (EVIL, "😀 $x^2$ \\\\ ../../etc" + "é" * 200, '={{ 7 * 7 }}" onload="x', "_quiet")
CAMERAS = [Camera(name, 12, 8) for name in NAMES[1:3]]
CAMERAS += [Camera(EVIL, 12, 8, silent=((0.2, 0.5),)), Camera("_quiet", 12, 8, silent=((0.05, 1),))]
#: Elements that load something, or run it.
LOADING = {
    *("script", "link", "img", "iframe", "frame", "object", "embed", "base", "form", "audio", "video", "source", "track"),
    *("image", "feimage", "foreignobject"),
}
SPAN = ("--from", "2026-11-28T13:00Z", "--to", "2026-11-28T13:01:00+00:00")
SECONDS = 60.0


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    url = f"sqlite:{tmp_path_factory.mktemp('store') / 'results.db'}"
    write_hour(url, CAMERAS, seconds=SECONDS, fps=2.0)
    return url


@pytest.fixture(scope="module")
def written(store, tmp_path_factory):
    """A report of the store, written once."""
    folder = tmp_path_factory.mktemp("report")
    clock = Clock(ZoneInfo("Europe/Vienna"))
    with closing(open_kept(store)) as kept:
        cameras = gather(kept, period_of(START, START + SECONDS, clock.offset_s(START))).cameras
    report = Report(title="What <cameras> saw", when=clock.span(START, START + SECONDS), cameras=cameras, clock=clock)
    assert report.write(folder) == folder / "report.html"
    return folder


@pytest.fixture(scope="module")
def page(written):
    return (written / "report.html").read_text("utf-8")


class Elements(HTMLParser):
    """All elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_page_asks_for_nothing_and_runs_nothing(page):
    elements = Elements(page)
    tags = {tag for tag, _ in elements.found}
    assert not tags & LOADING
    for _, attributes in elements.found:
        assert not any(name.startswith("on") for name in attributes)
        assert {"src", "srcset", "action", "data", "poster", "ping", "xlink:href"}.isdisjoint(attributes)
        assert (attributes.get("href") or "#").startswith("#")
        for value in attributes.values():
            for target in re.findall(r"url\(([^)]*)\)", value or ""):
                assert target.startswith("#")
            assert not re.search(r"(https?|ftp|data|javascript):|//", value or "")
    for style in re.findall(r"<style.*?</style>", page, re.DOTALL):
        assert not re.search(r"url\(|@import|//", style)
    (policy,) = (one for _, one in elements.found if one.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"].startswith("default-src 'none';")


def test_names_of_cameras_are_text_and_no_more(page, written):
    text = Elements(page).text
    for name in NAMES:
        assert name in text
    beside = sorted(path.name for path in (written / "report").iterdir())
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{1,120}", name) for name in beside)
    assert len([name for name in beside if name.startswith("camera-") and name.endswith("-timeline.png")]) == len(CAMERAS)
    assert {"all-people.png", "all-timeline.png", "cameras.csv", "figures.json", "gaps.csv", "timeline.csv"} <= set(beside)
    for path in (written / "report").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_tables_beside_the_page_hold_the_same_figures(written):
    said = json.loads((written / "report" / "figures.json").read_text("utf-8"))
    tables = {}
    for name in ("cameras", "timeline", "gaps"):
        with (written / "report" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            tables[name] = list(csv.DictReader(lines))
    assert not [row for rows in tables.values() for row in rows if row["camera"].startswith("=")], "no formula in a spreadsheet"
    for row in [row for rows in tables.values() for row in rows]:
        row["camera"] = row["camera"].removeprefix("'")
    assert {row["camera"] for row in tables["cameras"]} == set(said["cameras"]) == set(NAMES)
    for row in tables["cameras"]:
        figures = said["cameras"][row["camera"]]
        steps = [step for step in tables["timeline"] if step["camera"] == row["camera"]]
        assert float(row["covered_seconds"]) == figures["covered_seconds"]
        assert sum(float(step["covered_seconds"]) for step in steps) == pytest.approx(figures["covered_seconds"], abs=0.05)
        for emotion, seconds in figures["emotion_seconds"].items():
            assert float(row[f"seconds_{emotion}"]) == seconds
            assert sum(float(step[f"seconds_{emotion}"]) for step in steps) == pytest.approx(seconds, abs=0.1)
        assert figures["gaps"]["count"] == sum(gap["camera"] == row["camera"] for gap in tables["gaps"])
    assert {gap["start"] for gap in tables["gaps"]} == {"2026-11-28T14:00:03+01:00", "2026-11-28T14:00:12+01:00"}
    assert sum(said["all"]["shares"].values()) == pytest.approx(1.0, abs=1e-5)


def test_ids_are_there_once_and_references_lead_to_one(page):
    elements = Elements(page)
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {attributes["href"][1:] for _, attributes in elements.found if attributes.get("href")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert wanted <= set(ids)


def test_charts_are_whole_and_their_words_are_text(page):
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) == 2 + 2 * len(CAMERAS)
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("aria-label")
        assert any(element.text for element in root.iter("text"))
        assert len(chart) < 200_000


def test_the_page_says_first_what_was_seen_and_how_sure(page):
    text = re.sub(r"\s+", " ", Elements(page).text)
    assert "On 28 November 2026 from 14:00 to 14:01, CET (UTC+01:00), 4 cameras showed up to" in text
    for words in ("How sure.", "apparent expressions", "Not to be used", "could not be named", "Article 5(1)(f)", "no results"):
        assert words in text
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def run(*arguments):
    return CliRunner().invoke(main, ["report", *arguments])


def test_the_command_prints_figures_and_names_what_it_wrote(store, tmp_path):
    ended = run("--sink", store, *SPAN, "--camera", "_quiet", "--timezone", "Asia/Tokyo", "--json", "--out", str(tmp_path))
    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.stdout)
    assert list(said["cameras"]) == ["_quiet"]
    assert said["time"] == "On 28 November 2026 from 22:00 to 22:01, JST (UTC+09:00)"
    assert said["cameras"]["_quiet"]["coverage"] == pytest.approx(0.05)
    assert said == json.loads((tmp_path / "report" / "figures.json").read_text())
    assert ended.stderr == f"wrote {tmp_path / 'report.html'}\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--from", "2020-01-01", "--to", "2020-01-02", "--json"), 1, "has no results and no minutes in that time"),
        ((*SPAN, "--camera", "door", "--json"), 1, "knows no camera door: in that time it has "),
        (("--from", "2026-11-29", "--to", "2026-11-28", "--json"), 2, "--to must be after --from"),
        (("--from", "yesterday", "--json"), 2, "'yesterday' is no time such as 2026-11-29"),
        ((*SPAN, "--timezone", "Europe/Wien", "--json"), 2, "'Europe/Wien' is no time zone"),
        ((*SPAN, "--timezone", "../etc", "--json"), 2, "'../etc' is no time zone"),
        (SPAN, 2, "give --out, or --json"),
        ((*SPAN, "--json", "--dir", "here"), 2, "give one of --sink, --sink-file and --dir"),
    ],
)
def test_what_cannot_be_is_said_in_words(store, arguments, status, words):
    ended = run("--sink", store, *arguments)
    assert ended.exit_code == status, ended.output
    assert words in " ".join(ended.stderr.split())


def test_a_store_that_cannot_be_read_is_said_in_words(tmp_path):
    ended = run("--sink", f"sqlite:{tmp_path / 'none.db'}", *SPAN, "--json")
    assert ended.exit_code == 3
    assert "there is no SQLite file" in ended.stderr


def test_the_page_of_somebody_else_stays(store, tmp_path):
    (tmp_path / "report.html").write_text("<h1>Mine</h1>")
    ended = run("--sink", store, *SPAN, "--out", str(tmp_path))
    assert ended.exit_code == 3
    assert "is no report of ferstream: give another --out" in ended.stderr
    assert (tmp_path / "report.html").read_text() == "<h1>Mine</h1>"


def test_without_its_extra_the_command_says_how_to_install_it(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    ended = run("--sink", store, *SPAN, "--out", str(tmp_path))
    assert ended.exit_code == 3
    assert "a report needs jinja2: pip install '.[report]'" in ended.stderr
    assert run("--sink", store, *SPAN, "--json").exit_code == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (4.56, "4.6 s"), (9.96, "10 s"), (59.7, "1 min"), (200, "3 min 20 s"), (3599.9, "1 h"), (3720, "1 h 2 min")],
)
def test_durations_are_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 %"), (0.001, "under 1 %"), (0.5, "50 %"), (0.996, "over 99 %"), (1 - 1e-9, "100 %"), (1, "100 %")]
)
def test_shares_are_neither_none_nor_all_by_rounding(value, text):
    assert share(value) == text


def test_marks_of_a_clock_are_whole_in_its_zone_over_a_change_of_it():
    clock = Clock(ZoneInfo("Asia/Kolkata"))  # half an hour off
    assert [text for _, text in clock.marks(START, START + 3600 * 6)] == ["19:00", "20:00", "21:00", "22:00", "23:00", "00:00"]
    assert [text for _, text in Clock(is_media=True).marks(0.0, 4.6)] == ["0:00", "0:01", "0:02", "0:03", "0:04"]
