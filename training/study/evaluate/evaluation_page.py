"""An evaluation as one page for people."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from ferstream.training.common.html_page import Page
from ferstream.training.study.records.accuracies import SEVEN, STUDYS_SEVEN

Figures = Mapping[str, Any]

#: Letters of a group's name that name its picture too.
LONGEST = 60
NAMES = {"eight": "over eight classes"} | {name: name.replace("seven_", "over seven, ").replace("_", " ") for name in SEVEN}

#: Keeps a number and its unit on one line.
NBSP = "\N{NO-BREAK SPACE}"


def percent(value: float) -> str:
    """A share in percent with two digits."""
    return f"{100 * value:.2f}{NBSP}%"


def with_interval(row: Figures) -> str:
    """An accuracy with its 95 % interval."""
    return f"{percent(row['accuracy'])} ({100 * row['from']:.1f}{NBSP}to{NBSP}{100 * row['to']:.1f})"


def millions(parameters: float) -> str:
    """A number of parameters in millions."""
    return f"{parameters / 1e6:.2f}{NBSP}M"


def billions(flops: float) -> str:
    """A number of FLOPs in billions, or in millions where it is small."""
    return f"{flops / 1e9:.3g}{NBSP}G" if flops >= 1e8 else f"{flops / 1e6:.3g}{NBSP}M"


def speed(row: Figures) -> str:
    """A throughput and what it was measured with."""
    threads = f"{row['threads']} thread{'s' * (row['threads'] != 1)}" if row["device"] == "cpu" else "half precision"
    faces = f"{row['faces_per_s']:,.0f}" if row["faces_per_s"] >= 100 else f"{row['faces_per_s']:.3g}"
    return f"{faces} faces/s (batches of {row['batch_size']}, {row['runtime']} on {row['device']}, {threads})"


def evaluation_page(figures: Figures, pictures: Mapping[str, bytes], without: str) -> Page:
    """The page of a report and its pictures by name; it is not written yet. `without` says why there are no maps."""
    model, data = figures["model"], figures["dataset"]
    page = Page(f"{model['name']} on {data['name']}, {data['split']}")
    _summary(page, figures)
    _classes(page, figures, pictures)
    _calibration(page, figures, pictures)
    _parts(page, figures, pictures)
    _faces(page, pictures)
    _maps(page, figures, pictures, without)
    return page


def parts_of(figures: Figures) -> list[tuple[str, Figures, str]]:
    """Each way to part the faces, by source and by group: what it is called, its shares, and its picture's name, each unique."""
    found = [("source", figures["by_source"], "sources")]
    taken: set[str] = set()
    for kind, shares in figures["by_group"].items():
        plain = "".join(letter if letter.isalnum() else "-" for letter in kind[:LONGEST])
        names = (f"group-{plain}{'-' * (number > 1)}{number if number > 1 else ''}" for number in count(1))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        found.append((kind, shares, name))
    return found


def _summary(page: Page, figures: Figures) -> None:
    model, data, named = figures["model"], figures["dataset"], figures["named"]
    page.section("Summary")
    page.text(
        f"{model['architecture']} at {model['input_size']} px, measured on {figures['n']:,} faces of {data['name']}, split "
        f"{data['split']}"
        + (f", labels by {data['protocol']}" if data["protocol"] else "")
        + "; cut and computed as a worker does."
    )
    page.table(
        ["accuracy", "faces", "right", "accuracy, 95 % interval"],
        [[NAMES[name], row["n"], row["right"], with_interval(row)] for name, row in figures["accuracy"].items()],
    )
    for name, what in SEVEN.items():
        page.text(f"{NAMES[name].capitalize()}: {what}.")
    page.text(STUDYS_SEVEN.replace("seven_", "over seven ").replace("_", " "))
    page.table(
        ["mean over the classes", "precision", "recall", "F1"],
        [
            [{"weighted": "weighted by faces", "macro": "each class alike"}[name], *map(percent, row.values())]
            for name, row in figures["averages"].items()
        ],
    )
    rows = [
        ["parameters", millions(figures["parameters"])],
        ["FLOPs of a face (multiply-adds, which is what the study's figures come to)", billions(figures["flops"])],
        ["throughput", speed(figures["throughput"])],
    ]
    if named["least_probability"]:
        what = f"{percent(named['coverage'])} of the faces, {percent(named['accuracy'])} right"
        rows.append([f"named, from a probability of {named['least_probability']:.3g} on", what])
    page.table(["size and speed", ""], rows)


def _classes(page: Page, figures: Figures, pictures: Mapping[str, bytes]) -> None:
    page.section("Classes")
    page.table(
        ["emotion", "faces", "precision", "recall", "95 % interval of recall", "F1"],
        [
            [name, row["n"], percent(row["precision"]), percent(row["recall"]),
             f"{100 * row['recall_from']:.1f} to {100 * row['recall_to']:.1f}", percent(row["f1"])]
            for name, row in figures["per_class"].items()
        ],
    )  # fmt: skip
    page.figure(pictures["classes"], "Recall with its 95 % interval, precision and F1 of each class")
    page.figure(pictures["confusion"], "What is taken for what: a row is a label, a column an answer")


def _calibration(page: Page, figures: Figures, pictures: Mapping[str, bytes]) -> None:
    row = figures["calibration"]
    page.section("Calibration")
    fitted = f"The temperature fitted on {row['fitted_on']} is {row['fitted']:.4g}. " if row["fitted"] else ""
    page.text(
        f"Logits are divided by a temperature of {row['used']:.4g} ({row['origin']}). {fitted}Measured on {row['n']:,} faces."
    )
    page.table(
        ["", "before the temperature", "after it"],
        [
            ["expected calibration error (15 bins)", percent(row["ece_before"]), percent(row["ece"])],
            ["negative log-likelihood", row["nll_before"], row["nll"]],
        ],
    )
    page.figure(pictures["reliability"], "Share that is right over the probability said; a point's area is its share of faces")


def _parts(page: Page, figures: Figures, pictures: Mapping[str, bytes]) -> None:
    page.section("Sources and groups")
    for kind, shares, name in parts_of(figures):
        page.heading(f"By {kind}")
        page.table(
            [kind, "faces", "right", "accuracy, 95 % interval"],
            [[part, row["n"], row["right"], with_interval(row)] for part, row in shares.items()],
        )
        page.figure(pictures[name], f"Accuracy by {kind}")
    if not figures["by_group"]:
        page.text("The dataset has no annotated groups: nothing is known of how accuracy differs between groups of people.")


def _faces(page: Page, pictures: Mapping[str, bytes]) -> None:
    page.section("Faces")
    if "mistakes" in pictures:
        page.heading("Worst mistakes")
        page.figure(
            pictures["mistakes"], "The most confident wrong answers, as the net saw the faces: label → answer, probability"
        )
    else:
        page.text("Every answer is right.")


def _maps(page: Page, figures: Figures, pictures: Mapping[str, bytes], without: str) -> None:
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
