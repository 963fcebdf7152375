"""`make bench-tracks`: how well faces are followed, and how steadily they are named; in about two minutes.

FaceTracker against the greedy matcher it replaced, and against `trackers`' ByteTrack, which needs an environment of its own: it
brings a second OpenCV. `--write` renews the tables of docs/tracking.md, and its figures as JSON beside them.
"""

import argparse
import json
import sys
from pathlib import Path

from ferstream import FaceRecognizer
from ferstream.consumer.tracking.settings import TrackerSettings
from tests.benchmarks.tracks import clips, emotions, matching
from tests.benchmarks.tracks.scenes import FPS, SECONDS, scenes
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "tracking.md"
FIGURES = Path(__file__).with_name("results.json")
DEFAULTS = TrackerSettings()


def followed(python: Path | None) -> dict[str, dict[str, dict[str, float]]]:
    """The measures by kind of clip and by tracker."""
    found, jitter = clips.detected(scenes(), DEFAULTS.timeout_s), clips.measured_jitter()
    sys.stdout.write(f"{len(found)} clips of {SECONDS} s; boxes are off by {jitter:.3f} of a face's size\n")
    every = list(found.values())
    kinds = {
        f"{FPS} frames a second": every,
        "5 frames a second": [clips.at_rate(clip, 5) for clip in every],
        "2 frames a second": [clips.at_rate(clip, 2) for clip in every],
        "irregular, with holes": [clips.with_holes(clip, seed) for seed, clip in enumerate(every)],
        f"{FPS} a second, errors added": [clips.disturbed(clip, seed, jitter) for seed, clip in enumerate(every)],
        "5 a second, errors added": [clips.disturbed(clips.at_rate(clip, 5), seed, jitter) for seed, clip in enumerate(every)],
    }
    return {kind: _compared(some, python) for kind, some in kinds.items()}


def named() -> dict[str, dict[str, float]]:
    """How steady names are, raw and smoothed, where the data folder is there."""
    rows: dict[str, dict[str, float]] = {"raw": {}, "smoothed": {}}
    if emotions.PACK.exists():
        sequences = emotions.readings()
        rows["raw"] |= emotions.flicker_and_delay(sequences, None)
        rows["smoothed"] |= emotions.flicker_and_delay(sequences, {})
    if emotions.VIDEOS.exists():
        videos = emotions.in_videos(FaceRecognizer.open(device="cpu"))
        rows["raw"]["changes a minute in videos"] = emotions.changes_in(videos, smoothed=False)
        rows["smoothed"]["changes a minute in videos"] = emotions.changes_in(videos, smoothed=True)
    return rows


def _compared(some: list[clips.Clip], python: Path | None) -> dict[str, dict[str, float]]:
    timeout_s = DEFAULTS.timeout_s
    rows = {
        "FaceTracker": matching.scored(some, [matching.ours(clip) for clip in some]),
        "greedy": matching.scored(some, [matching.greedy(timeout_s)(clip) for clip in some]),
    }
    if python is not None:
        rows["ByteTrack"] = matching.scored(some, matching.bytetrack(python, some, timeout_s))
    return rows


def _following_table(figures: dict[str, dict[str, dict[str, float]]]) -> str:
    names = list(matching.MEASURES)
    lines = [f"| clips | tracker | {' | '.join(names)} |", "|---|---|" + "---:|" * len(names)]
    for kind, rows in figures.items():
        lines += [f"| {kind} | {who} | {' | '.join(_number(row[name]) for name in names)} |" for who, row in rows.items()]
    return "\n".join(lines)


def _naming_table(rows: dict[str, dict[str, float]]) -> str:
    names = list(rows["raw"])
    lines = ["| | raw | smoothed |", "|---|---:|---:|"]
    return "\n".join(lines + [f"| {name} | {_number(rows['raw'][name])} | {_number(rows['smoothed'][name])} |" for name in names])


def _cost_table(costs: dict[str, float]) -> str:
    lines = ["| faces in the frame | milliseconds of a core |", "|---:|---:|"]
    return "\n".join(lines + [f"| {faces} | {cost:.2f} |" for faces, cost in costs.items()])


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 2 and value == round(value) else f"{value:.2f}"


def _write(tables: dict[str, str]) -> None:
    """Put each table between its marks in the page."""
    text = PAGE.read_text("utf-8")
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        text = text[: text.index(begin) + len(begin)] + f"\n{table}\n\n" + text[text.index(end) :]
    PAGE.write_text(text, "utf-8")


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(prog="make bench-tracks", description=__doc__.split("\n\n")[0])
    parser.add_argument("--bytetrack", type=Path, help="Python of an environment that has the package trackers.")
    parser.add_argument("--write", action="store_true", help="Renew docs/tracking.md and the figures.")
    options = parser.parse_args()
    figures = {
        "following": followed(options.bytetrack),
        "naming": named(),
        "cost": {str(faces): matching.update_ms(faces, 2000 // faces + 20) for faces in (1, 3, 30, 300)},
    }
    tables = {
        "following": _following_table(figures["following"]),
        "naming": _naming_table(figures["naming"]),
        "cost": _cost_table(figures["cost"]),
    }
    sys.stdout.write("\n\n".join(tables.values()) + "\n")
    if options.write:
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        _write(tables)


if __name__ == "__main__":
    main()
