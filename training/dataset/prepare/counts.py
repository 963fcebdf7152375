"""Counts of a prepared dataset: by split, emotion and source, and of the near duplicates that stay in it."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.sources.sample import SPLITS


def counts(rows: pa.Table) -> dict[str, Any]:
    """Samples by split and emotion, and by source and split."""
    emotions, splits, sources = (_texts(rows, name) for name in ("emotion", "split", "source"))
    there = [split for split in SPLITS if (splits == split).any()]
    return {
        "splits": {split: {name: int(((splits == split) & (emotions == name)).sum()) for name in EMOTIONS} for split in there},
        "by_source": {
            source: {split: int(((splits == split) & (sources == source)).sum()) for split in there}
            for source in sorted(set(sources.tolist()))
        },
    }


def repeats(rows: pa.Table, clusters: NDArray[np.int64]) -> dict[str, int]:
    """Counts of the near duplicates that stay in the dataset; each cluster is within one split.

    `superfluous` are pictures beyond the first of each cluster (n,), by split; `clusters_of_several_emotions` are pictures that
    are called one thing here and another there.
    """
    splits, emotions = _texts(rows, "split"), _texts(rows, "emotion")
    found = {f"superfluous_{split}": _superfluous(clusters[splits == split]) for split in SPLITS if (splits == split).any()}
    called = np.unique(np.stack([clusters, np.unique(emotions.astype(str), return_inverse=True)[1]]), axis=1)
    return found | {"clusters_of_several_emotions": int((np.unique(called[0], return_counts=True)[1] > 1).sum())}


def as_table(about: dict[str, Any]) -> dict[str, Any]:
    """The tables for a terminal: samples by emotion and split, and what was left out, by reason."""
    splits: dict[str, dict[str, int]] = about["splits"]
    rows: dict[str, dict[str, int]] = {name: {split: row[name] for split, row in splits.items()} for name in EMOTIONS}
    rows["all"] = {split: sum(row.values()) for split, row in splits.items()}
    return {"samples": rows} | {name: about[name] for name in ("left_out", "wrong", "removed", "repeats") if about.get(name)}


def _superfluous(clusters: NDArray[np.int64]) -> int:
    return len(clusters) - len(np.unique(clusters))


def _texts(rows: pa.Table, name: str) -> NDArray[np.object_]:
    values: NDArray[np.object_] = rows[name].to_numpy(zero_copy_only=False)
    return values
