"""What RAF-DB says of one picture in files of its own: who is on it, by group, and where the face is."""

import math
from pathlib import Path

from ferstream.streams.service.named_file import as_text
from ferstream.training.sources.sample import Account

MOST_BYTES = 4096

#: Lines 6 to 8 of `train_00001_manu_attri.txt`, after the places of five landmarks.
GROUPS = {
    "gender": ("male", "female", "unsure"),
    "race": ("Caucasian", "African-American", "Asian"),
    "age": ("0-3", "4-19", "20-39", "40-69", "70+"),
}


def groups_in(path: Path, account: Account) -> dict[str, str]:
    """The annotated groups; none where there is no such file. What cannot be read is counted."""
    lines = _lines_of(path)
    if lines is None:
        return {}
    try:
        places = [int(line) for line in lines[5:8]]
        return {name: words[range(len(words)).index(i)] for (name, words), i in zip(GROUPS.items(), places, strict=True)}
    except ValueError:  # the picture is used, without groups
        account.complain("groups that cannot be read", as_text(path))
        return {}


def box_in(path: Path, account: Account) -> tuple[float, float, float, float] | None:
    """The face's xyxy; None, and counted, where the file is missing or has none."""
    try:
        left, top, right, bottom = map(float, " ".join(_lines_of(path) or []).split())
    except ValueError:  # the picture is used, whole
        left = top = right = bottom = math.nan
    if left < right < math.inf and top < bottom < math.inf and min(left, top) > -math.inf:
        return left, top, right, bottom
    account.complain("no box of a face", as_text(path))
    return None


def _lines_of(path: Path) -> list[str] | None:
    """The lines that are not empty; None where there is no such file."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("ascii", "replace")
    except (OSError, ValueError):  # the same as none: who asked goes on without
        return None
    return [line for line in text.splitlines() if line.strip()]
