"""An analysis in a terminal: what fits there."""

from collections.abc import Iterable, Mapping, Sequence

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.inspect.analysis import Analysis
from ferstream.training.dataset.inspect.analysis_report import commonest, counts_by_split
from ferstream.training.dataset.inspect.findings import findings


def lines(analysis: Analysis) -> list[str]:
    """For a terminal: the findings, then tables of classes, of pictures and of duplicates."""
    rows = [
        (name, f"{t.pictures:,}", _first(commonest(t.sizes)), _first(t.formats), _first(t.modes), f"{t.grey.total():,}",
         *(f"{value:.3f}" for value in (sum(t.mean()) / 3, sum(t.deviation()) / 3)))
        for name, t in zip(analysis.names, analysis.tallies, strict=True)
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
        for name, tally in zip(analysis.names, analysis.tallies, strict=True)
        for split, counts in counts_by_split(tally).items()
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
