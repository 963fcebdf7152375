"""A model card as a page for people: Markdown, from the same fields as `card.json`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ferstream.training.common.tables import markdown
from ferstream.workers.models.card import PAGE, PICTURE, ModelCard

ABOUT = {
    "detector": "A single-shot detector: it finds faces in a picture and says where they are. It recognises nobody.",
    "classifier": (
        "A classifier: it names the apparent expression of a face. An expression is what a face looks like to annotators of "
        "photographs, not the inner state of the person."
    ),
}
SOURCE = ("name", "source", "licence")
RESEARCH = (
    "Some of these pictures may be used for research only. Whoever ships a product with these weights has to clear that first, "
    "or retrain on data of their own: the software is MIT, the weights are as free as their data."
)


def write_page(card: ModelCard, folder: Path) -> Path:
    """Write `CARD.md` into `folder`; returns its path."""
    path = folder / PAGE
    path.write_text("\n".join(page(card, pictured=(folder / PICTURE).exists())) + "\n", "utf-8")
    return path


def page(card: ModelCard, *, pictured: bool = True) -> list[str]:
    """The lines of the page; `pictured` where the folder has a picture of its figures."""
    lines = [f"# {card.name}", "", ABOUT[card.task], "", *([f"![figures](./{PICTURE})", ""] if pictured else [])]
    for split, figures in card.figures.items():
        lines += [f"## Measured on {split}", "", f"`{card.command}`", "", *_figures(figures)]
    lines += ["## What it is not, and must not be used for", "", *(f"- {limit}" for limit in card.limits), ""]
    sources = ([row.get(column, "") for column in SOURCE] for row in card.data)
    lines += ["## Data", "", *_table(SOURCE, sources), RESEARCH, ""]
    lines += ["## The net", "", *_table(("setting", "value"), _settings(card))]
    lines += ["## How to make it again", "", f"`{card.retrain}`", ""]
    return [*lines, "## Files", "", *_table(("file", "sha256"), card.sha256.items())]


def _settings(card: ModelCard) -> list[tuple[str, object]]:
    names = ["architecture", "options", "input_size", "colour", "mean", "std"]
    names += ["score_threshold", "iou_threshold", "levels"] if card.task == "detector" else []
    names += ["margin", "temperature", "least_probability", "least_quality"] if card.task == "classifier" else []
    return [(name, getattr(card, name)) for name in names]


def _figures(figures: dict[str, Any], level: str = "###") -> list[str]:
    """Plain figures as one table, tables of them under headings of their own."""
    plain = [(name, value) for name, value in figures.items() if not isinstance(value, (dict, list))]
    lines = _table(("figure", "value"), plain) if plain else []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{level} {name.replace('_', ' ')}", "", *_nested(value, f"{level}#")]
    return lines


def _nested(value: dict[str, Any], level: str) -> list[str]:
    rows = [row for row in value.values() if isinstance(row, dict)]
    if len(rows) == len(value) and all(not isinstance(cell, (dict, list)) for row in rows for cell in row.values()):
        columns = list(dict.fromkeys(column for row in rows for column in row))
        return _table(("", *columns), ((name, *(row.get(column, "") for column in columns)) for name, row in value.items()))
    return _figures(value, level)


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    return [*markdown(head, ([_cell(cell) for cell in row] for row in rows)), ""]


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
