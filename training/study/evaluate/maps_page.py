"""The part of an evaluation's page that shows what answers draw on."""

from collections.abc import Mapping
from typing import Any

from ferstream.training.common.html_page import Page
from ferstream.training.study.evaluate.wording import percent

Figures = Mapping[str, Any]


def write_maps(page: Page, figures: Figures, pictures: Mapping[str, bytes], without: str) -> None:
    """Write it at the end of a page; `without` says why there are no maps."""
    page.section("What answers draw on")
    if {"saliency", "chosen"} & set(pictures):
        page.text(
            "Attention rollout (Abnar and Zuidema 2020) shows where a transformer draws from, whatever it answers; Grad-CAM "
            "(Selvaraju et al. 2017) what speaks for the answer given. Maps are stretched from their least value (dark) to their "
            "largest (bright)."
        )
    else:
        page.text(f"No maps are shown: {without}.")
    if figures["chosen"]:
        page.heading("Chosen pictures")
        page.table(
            ["picture", "name", "source", "label", "answer", "probability"],
            [
                [number, row["origin"], row["source"] or "a file", row["label"], row["answer"], percent(row["probability"])]
                for number, row in enumerate(figures["chosen"], 1)
            ],
        )
    if "chosen" in pictures:
        page.figure(pictures["chosen"], "Chosen pictures as the net saw them: label → answer, probability, and their maps")
    if "saliency" in pictures:
        page.heading("Surest answers")
        page.figure(
            pictures["saliency"],
            "Surest right answers of each class at the left, surest wrong at the right: label → answer, probability, and maps",
        )
