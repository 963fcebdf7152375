"""A report for people as one HTML file: sections of text, tables and pictures, with nothing to load from elsewhere."""

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ferstream.training.common.json_file import write_bytes

RESPONSIBLE = (
    "Names are apparent expressions, as annotators of photographs give them; they say nothing about what a person feels. "
    "Inferring emotions at work or in education is prohibited in the EU (AI Act, Article 5(1)(f))."
)


class Page:
    """A page that grows from top to bottom; everything that is written on it is escaped."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._sections: list[dict[str, Any]] = []

    def section(self, title: str) -> None:
        """Begin a section, which what is added next belongs to."""
        anchor = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        self._sections.append({"title": title, "anchor": anchor, "blocks": []})

    def heading(self, text: str) -> None:
        """A heading within the section."""
        self._add(kind="heading", text=text)

    def text(self, text: str) -> None:
        """A paragraph."""
        self._add(kind="text", text=text)

    def warning(self, text: str) -> None:
        """A paragraph that is set off as a warning."""
        self._add(kind="warning", text=text)

    def items(self, texts: Iterable[str]) -> None:
        """A list of sentences."""
        self._add(kind="items", texts=list(texts))

    def table(self, head: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
        """A table; numbers are shown to four digits."""
        self._add(kind="table", head=list(head), rows=[[cell_text(cell) for cell in row] for row in rows])

    def figure(self, png: bytes, caption: str) -> None:
        """A picture, kept in the page itself."""
        self._add(kind="figure", source=f"data:image/png;base64,{base64.b64encode(png).decode()}", caption=caption)

    def write(self, path: Path) -> Path:
        """Write the page, whole or not at all; returns its path. Raises WriteError."""
        environment = Environment(
            loader=PackageLoader("ferstream.training"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        html = environment.get_template("page.html").render(title=self._title, sections=self._sections, footer=RESPONSIBLE)
        write_bytes(path, html.encode())
        return path

    def _add(self, **block: Any) -> None:  # noqa: ANN401 - a block's own fields
        self._sections[-1]["blocks"].append(block)


def cell_text(cell: object) -> str:
    """A cell as people read it: four digits, thousands set apart, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
