"""The tables of an analysis's page: the head and the rows of each."""

from collections.abc import Iterator

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.inspect.analysis import Analysis
from ferstream.training.dataset.inspect.charts import share_text
from ferstream.training.dataset.inspect.picture_statistics import PictureStatistics
from ferstream.training.dataset.inspect.report import counts_by_split

SIZES = 10  # the commonest that are named
CHANNELS = ("red", "green", "blue")

Table = tuple[tuple[str, ...], list[tuple[object, ...]]]


def source_table(analysis: Analysis) -> Table:
    """The table of the sources: their pictures and where they are from."""
    rows: list[tuple[object, ...]] = [
        (name, analysis.parts[part].where, stats.pictures, len(stats.subjects) or None, len(stats.sizes))
        for name, part, stats in zip(analysis.names, analysis.parts_of, analysis.statistics, strict=True)
    ]
    return ("source", "path", "pictures", "people named", "sizes"), rows


def counts_table(analysis: Analysis) -> Table:
    """The table of pictures by source, split and emotion."""
    rows: list[tuple[object, ...]] = [
        (name, split, *counts.values(), sum(counts.values()))
        for name, stats in _by_source(analysis)
        for split, counts in counts_by_split(stats).items()
    ]
    return ("source", "split", *EMOTIONS, "all"), rows


def size_table(analysis: Analysis) -> Table:
    """The table of the commonest sizes."""
    every = analysis.all
    commonest = every.sizes.most_common(SIZES)
    return ("size, px", "pictures", "share"), [(f"{w}x{h}", n, share_text(n, every.pictures)) for (w, h), n in commonest]


def storage_table(analysis: Analysis) -> Table:
    """The table of formats, modes and channels, and of how many pictures are grey."""
    head = ("source", "formats", "modes", "channels", "grey", "three channels, all equal", "grey but for rounding")
    return head, [(name, *_storage(stats)) for name, stats in _by_source(analysis)]


def value_table(analysis: Analysis) -> Table:
    """The table of mean and standard deviation by channel, of each source and of all."""
    statistics = [*_by_source(analysis), *([("all", analysis.all)] if len(analysis.names) > 1 else [])]
    head = ("source", *(f"{figure} {channel}" for figure in ("mean", "std") for channel in CHANNELS), "blank")
    return head, [(name, *stats.mean(), *stats.deviation(), stats.blank) for name, stats in statistics]


def duplicate_table(analysis: Analysis) -> Table:
    """The table of exact and near duplicates."""
    emotions = analysis.rows.labels("emotion")
    head = ("duplicates", "groups", "pictures in them", "beyond the first", "largest group", "groups whose labels differ")
    rows: list[tuple[object, ...]] = [
        (kind, len(r), len(r.members), r.superfluous, int(r.sizes.max(initial=0)), len(r.differing(emotions, len(EMOTIONS))))
        for kind, r in (("exact", analysis.exact), ("near", analysis.near))
    ]
    return head, rows


def left_out_table(analysis: Analysis) -> Table:
    """The table of what is left out, by reason."""
    rows: list[tuple[object, ...]] = [
        (part.where, kind, reason, count)
        for part, account in zip(analysis.parts, analysis.accounts, strict=True)
        for kind, reasons in (("cannot be used", account.wrong), ("no emotion by its source", account.left_out))
        for reason, count in reasons.most_common()
    ]
    return ("path", "why", "reason", "pictures"), rows


def people_table(analysis: Analysis) -> Table:
    """The table of people, of the sources that say who is on a picture."""
    rows: list[tuple[object, ...]] = [
        (name, len(t.subjects), sum(len(splits) > 1 for splits in t.subjects.values()), t.pictures / len(t.subjects))
        for name, t in _by_source(analysis)
        if t.subjects
    ]
    return ("source", "people", "in several splits", "pictures of one, mean"), rows


def group_table(analysis: Analysis) -> Table:
    """The table of annotated groups, of the sources that annotate gender, age and the like."""
    rows: list[tuple[object, ...]] = [
        (name, group, value, count, share_text(count, stats.pictures))
        for name, stats in _by_source(analysis)
        for group, values in sorted(stats.groups.items())
        for value, count in values.most_common()
    ]
    return ("source", "annotated", "value", "pictures", "share"), rows


def _by_source(analysis: Analysis) -> Iterator[tuple[str, PictureStatistics]]:
    yield from zip(analysis.names, analysis.statistics, strict=True)


def _storage(stats: PictureStatistics) -> list[str | int]:
    formats, modes = (", ".join(f"{name} {n:,}" for name, n in c.most_common()) for c in (stats.formats, stats.modes))
    channels = ", ".join(f"{c}: {n:,}" for c, n in sorted(stats.channels.items()))
    return [formats, modes, channels, stats.grey.total(), sum(n for c, n in stats.grey.items() if c >= 3), stats.nearly_grey]
