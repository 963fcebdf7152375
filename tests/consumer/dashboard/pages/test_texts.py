"""The page's words: one for each thing that programs name, and none twice."""

import re
from itertools import pairwise
from pathlib import Path

from ferstream.consumer.dashboard.page_files import PAGES
from ferstream.producer.config.camera_config import SETTING_NAMES

TEXTS = (PAGES / "js" / "texts.js").read_text()


def keys_of(text: str) -> list[tuple[str, ...]]:
    """Every key with those around it, by how far its line is indented."""
    found: list[tuple[str, ...]] = []
    around: list[str] = []
    for indent, name in re.findall(r"^( +)([\w\"-]+): ?", text, re.MULTILINE):
        del around[len(indent) // 2 - 1 :]
        around.append(name)
        found.append(tuple(around))
    return found


def test_no_word_is_there_twice():
    assert [one for one, other in pairwise(sorted(keys_of(TEXTS))) if one == other] == []


def test_every_setting_of_a_camera_has_its_words():
    named = {path[-1] for path in keys_of(TEXTS) if path[:2] == ("cameras", "settings") and len(path) == 3}
    assert named == set(SETTING_NAMES)


def test_no_other_file_of_the_page_speaks():
    """Words that people read are in one file: nothing else sets a title or a label of its own."""
    for path in sorted(Path(PAGES, "js").rglob("*.js")):
        if path.name != "texts.js":
            assert not re.search(r"\b(title|placeholder|\"aria-label\"): \"", path.read_text()), path.name
