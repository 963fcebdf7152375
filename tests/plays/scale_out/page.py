"""Paragraphs of deploy/README.md that a measurement writes."""

import re
from pathlib import Path

from tests.support.paths import ROOT

README = ROOT / "deploy" / "README.md"


def replace_block(name: str, text: str, page: Path = README) -> None:
    """Put `text` between the page's comments `name: begin` and `name: end`. Raises ValueError where they are missing."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    old = page.read_text("utf-8")
    if begin not in old or end not in old:
        raise ValueError(f"{page.name} has no block {name}")
    new = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}{text.strip()}\n{end}", old, flags=re.DOTALL)
    page.write_text(new, "utf-8")


def block(name: str, page: Path = README) -> str:
    """What stands there now."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", page.read_text("utf-8"), re.DOTALL)
    return found[1].strip() if found else ""
