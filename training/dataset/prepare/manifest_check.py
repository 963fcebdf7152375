"""Checks a manifest before it is used: it may come from somebody else, and it names files and folders.

Not by msgspec, which checks objects: these are columns of Arrow, of a million rows, and are checked without making objects of
them. Their types are those of the manifest's SCHEMA.
"""

import re

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ferstream.streams.service.named_file import as_text
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.sources.sample import SPLITS

#: Columns that may be null.
OPTIONAL = ("phash", "subject", "votes", "groups")
_SOURCE = re.compile(r"[a-z0-9+._-]+")
_PATH, _UPWARDS = r"^images(/[^/\x00]+)+$", r"/\.\.?(/|$)"


def problem(table: pa.Table) -> str | None:
    """What is wrong with a table of the manifest's columns, or None."""
    for name in table.column_names:
        if name not in OPTIONAL and table[name].null_count:
            return f"has rows without {name}"
    for name, known in (("emotion", EMOTIONS), ("split", SPLITS)):
        if unknown := sorted(set(pc.unique(table[name]).to_pylist()) - set(known)):
            return f"has an unknown {name}: {_short(', '.join(unknown))}"
    for name in pc.unique(table["source"]).to_pylist():
        if not _SOURCE.fullmatch(name) or name in (".", ".."):
            return f"has a source that is no name: {_short(name)}"
    within = pc.and_not(pc.match_substring_regex(table["path"], _PATH), pc.match_substring_regex(table["path"], _UPWARDS))
    if not pc.all(within, min_count=0).as_py():
        return f"has a path that is not in images/: {_short(table['path'].filter(pc.invert(within))[0].as_py())}"
    if not pc.all(pc.match_substring_regex(table["sha256"], "^[0-9a-f]{64}$"), min_count=0).as_py():
        return "has a sha256 that is none"
    return _annotations(table)


def _annotations(table: pa.Table) -> str | None:
    for text in pc.unique(table["groups"]).to_pylist():
        if text is not None and not _is_map(text):
            return f"has groups that are no JSON map of names: {_short(text)}"
    votes = table["votes"].combine_chunks().drop_null()
    if not pc.all(pc.equal(pc.list_value_length(votes), len(EMOTIONS)), min_count=0).as_py():
        return f"has votes that are not {len(EMOTIONS)} numbers"
    values = votes.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(EMOTIONS))
    if not (np.isfinite(values).all() and (values >= 0).all() and (values.sum(axis=1) > 0).all()):
        return "has votes that are no distribution"
    return None


def _is_map(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, str])
    except (ValueError, RecursionError):  # said with the manifest's name
        return False
    return True


def _short(text: str) -> str:
    """The beginning of a value, for a message of one line."""
    return as_text(text[:80])
