"""A chart of matplotlib as SVG to stand in a page: small, with the page's own ink, and nothing that points elsewhere."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

from ferstream.consumer.report.colours import FAINT, INK, PAPER

#: The page's names for its colours.
_OF_PAGE = {INK: "var(--ink)", FAINT: "var(--faint)", PAPER: "var(--paper)"}
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"\d+\.\d{2,}")


@contextmanager
def any_letters() -> Iterator[None]:
    """Where a camera's name has letters that matplotlib's font has not, a box is drawn for them, and that is all."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph", category=UserWarning)
        yield


def inline_svg(figure: Any, key: str, title: str) -> str:  # noqa: ANN401 - a Figure of matplotlib
    """The chart as an element for a page; `key` begins its ids, so that two charts of a page have none in common."""
    import matplotlib as mpl

    file = io.StringIO()
    with any_letters(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(file.getvalue())
    for parent in list(root.iter()):
        parent.tag = parent.tag.partition("}")[2] or parent.tag
        for child in [child for child in parent if child.tag.endswith("metadata")]:
            parent.remove(child)
        _mend(parent, key)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.attrib |= {"role": "img", "aria-label": title}
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    text = _NUMBER.sub(lambda found: f"{float(found[0]):.1f}", text)
    text = _SPACE.sub(" ", text).replace("> <", "><")
    for colour, variable in _OF_PAGE.items():
        text = text.replace(colour, variable)
    return text


def _mend(element: ElementTree.Element, key: str) -> None:
    """Attributes of one element: without namespaces, and ids that no other chart has."""
    for name, value in list(element.attrib.items()):
        plain = name.partition("}")[2] or name
        del element.attrib[name]
        if plain == "id":
            element.attrib[plain] = f"{key}-{value}"
        elif plain == "href":
            element.attrib[plain] = f"#{key}-{value.removeprefix('#')}"
        else:
            element.attrib[plain] = value.replace("url(#", f"url(#{key}-")
