"""An analysis as figures: `report.json` and `duplicates.csv` for programs, and the lines of a terminal."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.inspect.analysis import Analysis
from ferstream.training.dataset.inspect.duplicate_clusters import DuplicateClusters
from ferstream.training.dataset.inspect.findings import findings, split_name
from ferstream.training.dataset.inspect.output_folder import MADE_BY
from ferstream.training.dataset.inspect.picture_statistics import ALL_SPLITS, BINS, PictureStatistics
from ferstream.training.sources.sample import Account

COMMONEST = 12  # sizes that are named

#: Columns of duplicates.csv: a cluster's members one after the other. `same_pixels` counts within the cluster.
COLUMNS = ("cluster", "same_pixels", "labels_differ", "splits_differ", "source", "split", "emotion", "origin")


def report(analysis: Analysis) -> dict[str, Any]:
    """The content of `report.json`: everything but the pictures; no number in it is infinite or undefined."""
    return {
        "made_by": MADE_BY,
        "findings": findings(analysis),
        "pictures": analysis.all.pictures,
        "paths": [_path(part.where, account) for part, account in zip(analysis.parts, analysis.accounts, strict=True)],
        "all": _figures(analysis.all),
        "sources": {name: _source(analysis, place) for place, name in enumerate(analysis.names)},
        "duplicates": _duplicates(analysis),
    }


def counts_by_split(stats: PictureStatistics) -> dict[str, dict[str, int]]:
    """Pictures by split and emotion, for the splits that there are."""
    return {
        split_name(split): {name: int(n) for name, n in zip(EMOTIONS, stats.counts[row], strict=True)}
        for row, split in enumerate(ALL_SPLITS)
        if stats.counts[row].any()
    }


def duplicates_csv(analysis: Analysis) -> bytes:
    """The content of `duplicates.csv`: every member of every cluster of near duplicates, by COLUMNS."""
    rows = analysis.rows
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    labels, splits = (set(analysis.near.differing(rows.labels(name), 8).tolist()) for name in ("emotion", "split"))
    digests = rows.bytes_of("digests")
    same: dict[bytes, int] = {}
    last = -1
    for place, cluster in zip(analysis.near.members.tolist(), analysis.near.cluster.tolist(), strict=True):
        if cluster != last:
            same, last = {}, cluster
        number = same.setdefault(digests[place].tobytes(), len(same))
        where = (analysis.names[rows.source[place]], ALL_SPLITS[rows.split[place]], EMOTIONS[rows.emotion[place]])
        differ = (int(cluster in labels), int(cluster in splits))
        writer.writerow((cluster, number, *differ, *where, rows.origin[place]))
    return text.getvalue().encode("utf-8", "backslashreplace")


def _path(where: str, account: Account) -> dict[str, Any]:
    return {"path": where, "left_out": dict(account.left_out), "wrong": dict(account.wrong)}


def _source(analysis: Analysis, place: int) -> dict[str, Any]:
    stats = analysis.statistics[place]
    subjects = stats.subjects.values()
    return {
        "path": analysis.parts[analysis.parts_of[place]].where,
        "subjects": {"number": len(subjects), "in_several_splits": sum(len(splits) > 1 for splits in subjects)},
        **_figures(stats),
    }


def _figures(stats: PictureStatistics) -> dict[str, Any]:
    return {
        "pictures": stats.pictures,
        "augmented": stats.copies,
        "counts": counts_by_split(stats),
        "sizes": {"different": len(stats.sizes), "commonest": commonest(stats.sizes)},
        "formats": dict(stats.formats.most_common()),
        "modes": dict(stats.modes.most_common()),
        "channels": {str(channels): n for channels, n in sorted(stats.channels.items())},
        "grey": {
            "pictures": stats.grey.total(),
            "nearly": stats.nearly_grey,
            "by_channels": {str(c): n for c, n in sorted(stats.grey.items())},
        },
        "mean": stats.mean(),
        "std": stats.deviation(),
        "brightness": {"bins": BINS, "pictures": stats.brightness.tolist()},
        "blank": stats.blank,
        "groups": {group: dict(values.most_common()) for group, values in stats.groups.items()},
    }


def commonest(sizes: Counter[tuple[int, int]]) -> dict[str, int]:
    """The commonest sizes as `48x48`, with their pictures."""
    return {f"{width}x{height}": n for (width, height), n in sizes.most_common(COMMONEST)}


def _duplicates(analysis: Analysis) -> dict[str, Any]:
    return {
        "distance": analysis.distance,
        "exact": _repeats(analysis, analysis.exact),
        "near": _repeats(analysis, analysis.near),
    }


def _repeats(analysis: Analysis, repeats: DuplicateClusters) -> dict[str, Any]:
    rows = analysis.rows
    sources = repeats.shared(rows.labels("source"), len(analysis.names))
    splits = repeats.shared(rows.labels("split"), len(ALL_SPLITS))
    return {
        "clusters": len(repeats),
        "pictures": len(repeats.members),
        "superfluous": repeats.superfluous,
        "largest": int(repeats.sizes.max(initial=0)),
        "labels_differ": len(repeats.differing(rows.labels("emotion"), len(EMOTIONS))),
        "shared_by_sources": _square(analysis.names, sources),
        "shared_by_splits": _square([split_name(split) for split in ALL_SPLITS], splits),
    }


def _square(names: Sequence[str], counts: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    return {a: {b: int(counts[i, j]) for j, b in enumerate(names)} for i, a in enumerate(names)}


def lines(analysis: Analysis) -> list[str]:
    """The lines for a terminal: the findings, then tables of classes, of pictures and of duplicates."""
    rows = [
        (name, f"{t.pictures:,}", _first(commonest(t.sizes)), _first(t.formats), _first(t.modes), f"{t.grey.total():,}",
         *(f"{value:.3f}" for value in (sum(t.mean()) / 3, sum(t.deviation()) / 3)))
        for name, t in zip(analysis.names, analysis.statistics, strict=True)
    ]  # fmt: skip
    emotions = analysis.rows.labels("emotion")
    duplicates = [
        (kind, *(f"{n:,}" for n in (len(r), len(r.members), r.superfluous, len(r.differing(emotions, len(EMOTIONS))))))
        for kind, r in (("exact", analysis.exact), ("near", analysis.near))
    ]
    return [
        *findings(analysis),
        "",
        *_counts_lines(analysis),
        "",
        *_aligned([("", "pictures", "commonest size", "format", "mode", "grey", "mean", "std"), *rows]),
        "",
        *_aligned([("duplicates", "groups", "pictures", "beyond the first", "labels differ"), *duplicates]),
    ]


def _counts_lines(analysis: Analysis) -> list[str]:
    rows = [
        (f"{name} {split}", *(f"{n:,}" for n in counts.values()), f"{sum(counts.values()):,}")
        for name, stats in zip(analysis.names, analysis.statistics, strict=True)
        for split, counts in counts_by_split(stats).items()
    ]
    return _aligned([("", *EMOTIONS, "all"), *rows])


def _first(counts: Mapping[str, int]) -> str:
    """The commonest, and how many others there are: `JPEG +1`."""
    return f"{max(counts, key=lambda name: counts[name])}{f' +{len(counts) - 1}' if len(counts) > 1 else ''}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [_line(row, widths) for row in rows]


def _line(row: Sequence[str], widths: Iterable[int]) -> str:
    cells = (
        cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()
