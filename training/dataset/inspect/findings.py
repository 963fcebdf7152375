"""What a researcher should know of a dataset before training on it, in words."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.inspect.analysis import Analysis
from ferstream.training.dataset.inspect.charts import share_text
from ferstream.training.dataset.inspect.duplicate_clusters import DuplicateClusters
from ferstream.training.dataset.inspect.picture_statistics import ALL_SPLITS, PictureStatistics
from ferstream.training.sources.pixels import ROUNDING

RARE = 0.05  # share of a split under which an emotion is called rare; an eighth would be even
PAIRS = 3  # of sources that share most


def findings(analysis: Analysis) -> list[str]:
    """Sentences, first those about what spoils an evaluation: leaks between splits, contradicting labels, shared people.

    There is always one: an even, clean dataset still has its size and its colours.
    """
    parts = (_across_splits, _labels, _subjects, _wrong, _balance, _across_sources, _within, _looks, _left_out)
    return [sentence for part in parts for sentence in part(analysis)]


def split_name(split: str) -> str:
    """The name of a split in a sentence; `no split` where the source has none."""
    return split or "no split"


def pictures(count: int) -> str:
    """`1 picture`, `1,234 pictures`."""
    return f"{count:,} picture{'' if count == 1 else 's'}"


def _across_splits(analysis: Analysis) -> Iterator[str]:
    splits = analysis.rows.labels("split")
    for here, there in ((1, 0), (2, 0), (2, 1)):
        near, exact = analysis.near.met(splits, here, there), analysis.exact.met(splits, here, there)
        if near:
            yield (
                f"{pictures(near)} of {ALL_SPLITS[here]} {_are(near)} in {ALL_SPLITS[there]} too{_exactly(exact, near)}: "
                "fer-train dataset prepare removes such duplicates."
            )


def _labels(analysis: Analysis) -> Iterator[str]:
    emotions, sources = analysis.rows.labels("emotion"), analysis.rows.labels("source")
    near = len(analysis.near.differing(emotions, len(EMOTIONS)))
    if not near:
        return
    exact = len(analysis.exact.differing(emotions, len(EMOTIONS)))
    sentence = f"{_groups(near)} of duplicates {_carry(near)} different labels"
    if exact:
        sentence += f"; in {exact:,} the pixels are the same"
    if len(analysis.names) > 1:
        within = len(_differing_within(analysis.near, sources, emotions, len(analysis.names)))
        sentence += f"; in {within:,} a single source contradicts itself"
    yield f"{sentence}. --out lists them in duplicates.csv."


def _differing_within(repeats: DuplicateClusters, sources: np.ndarray, emotions: np.ndarray, count: int) -> np.ndarray:
    """The clusters in which one source has several emotions."""
    both = repeats.by(sources * len(EMOTIONS) + emotions, count * len(EMOTIONS)).reshape(len(repeats), count, len(EMOTIONS))
    return np.flatnonzero(((both > 0).sum(axis=2) > 1).any(axis=1))


def _subjects(analysis: Analysis) -> Iterator[str]:
    for name, stats in zip(analysis.names, analysis.statistics, strict=True):
        several = sum(len(splits) > 1 for splits in stats.subjects.values())
        if several:
            yield f"{several:,} of the {len(stats.subjects):,} people of {name} {_are(several)} in several splits."


def _wrong(analysis: Analysis) -> Iterator[str]:
    for part, account in zip(analysis.parts, analysis.accounts, strict=True):
        if account.wrong:
            total = account.wrong.total()
            yield f"{pictures(total)} or rows of {part.where} cannot be used: {_reasons(account.wrong)}."


def _balance(analysis: Analysis) -> Iterator[str]:
    for row, split in enumerate(ALL_SPLITS):
        counts = analysis.all.counts[row]
        total = int(counts.sum())
        if not total:
            continue
        where = split_name(split) if split else "what has no split"
        if missing := [name for name, count in zip(EMOTIONS, counts, strict=True) if not count]:
            yield f"{_and(missing)} {'is' if len(missing) == 1 else 'are'} missing from {where}."
        rarest = int(np.argmin(np.where(counts > 0, counts, total + 1)))
        most = int(counts.argmax())
        if 0 < counts[rarest] < RARE * total:
            times = counts[most] / counts[rarest]
            share = share_text(int(counts[rarest]), total)
            yield f"{EMOTIONS[rarest]} is {share} of {where}; {EMOTIONS[most]} is there {times:,.0f} times as often."
    if without := int(analysis.all.counts[-1].sum()):
        yield f"{pictures(without)} {_have(without)} no split: fer-train dataset prepare draws one."


def _across_sources(analysis: Analysis) -> Iterator[str]:
    sources, names = analysis.rows.labels("source"), analysis.names
    pairs = [(analysis.near.met(sources, b, a), a, b) for b in range(len(names)) for a in range(b)]
    pairs = sorted((pair for pair in pairs if pair[0]), key=lambda pair: -pair[0])
    for near, earlier, later in pairs[:PAIRS]:
        exact = analysis.exact.met(sources, later, earlier)
        yield f"{pictures(near)} of {names[later]} {_are(near)} in {names[earlier]} too{_exactly(exact, near)}."
    if len(pairs) > PAIRS:
        more = len(pairs) - PAIRS
        yield f"{more:,} more pair{'s' if more > 1 else ''} of sources {_share(more)} pictures, fewer than these."


def _within(analysis: Analysis) -> Iterator[str]:
    if extra := analysis.near.superfluous:
        share, same = share_text(extra, len(analysis.rows.origin)), _exactly(analysis.exact.superfluous, extra)
        yield f"{pictures(extra)} ({share}) {_repeat(extra)} another{same}."


def _looks(analysis: Analysis) -> Iterator[str]:
    every = analysis.all
    yield from _colours(every)
    if len(every.sizes) == 1:
        ((width, height),) = every.sizes
        yield f"All pictures are {width}x{height} px."
    else:
        sides = np.repeat([max(size) for size in every.sizes], list(every.sizes.values()))
        yield f"The longer side of a picture is {sides.min():,} to {sides.max():,} px, in the middle {np.median(sides):,.0f} px."
    if every.blank:
        yield f"{pictures(every.blank)} {_are(every.blank)} of one colour, or nearly so."
    if every.copies:
        yield f"{pictures(every.copies)} {_are(every.copies)} augmented; duplicates are looked for among originals only."


def _colours(every: PictureStatistics) -> Iterator[str]:
    grey = every.grey.total()
    stored = sum(count for channels, count in every.grey.items() if channels >= 3)
    if every.nearly_grey:
        yield (
            f"{pictures(every.nearly_grey)} {_are(every.nearly_grey)} grey but for rounding: "
            f"the channels differ by at most {ROUNDING} of 255."
        )
    if grey == every.pictures:
        yield "All pictures are grey" + (", though stored with several channels." if stored == grey else ".")
    elif grey:
        kept = f", {stored:,} of them stored in colour" if stored else ""
        yield f"{pictures(grey)} ({share_text(grey, every.pictures)}) {_are(grey)} grey in every pixel{kept}."
    elif not every.nearly_grey:
        yield "All pictures are in colour."


def _left_out(analysis: Analysis) -> Iterator[str]:
    for part, account in zip(analysis.parts, analysis.accounts, strict=True):
        if account.left_out:
            yield f"{part.where} itself gives no emotion to {pictures(account.left_out.total())}: {_reasons(account.left_out)}."


def _exactly(exact: int, near: int) -> str:
    if not exact:
        return ""
    return ", pixel for pixel" if exact == near else f", {exact:,} of them pixel for pixel"


def _reasons(reasons: Counter[str]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _groups(count: int) -> str:
    return "1 group" if count == 1 else f"{count:,} groups"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _carry(count: int) -> str:
    return "carries" if count == 1 else "carry"


def _share(count: int) -> str:
    return "shares" if count == 1 else "share"


def _repeat(count: int) -> str:
    return "repeats" if count == 1 else "repeat"
