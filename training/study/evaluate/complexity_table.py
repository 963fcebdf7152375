"""Parameters and FLOPs as a table, the study's own figures beside them."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ferstream.training.study.evaluate.complexity import complexity, described, imagenet_card
from ferstream.training.study.records.config import PRESETS
from ferstream.training.study.records.published import RELATED, SOURCE, STUDY
from ferstream.workers.models.card import ModelCard

Row = dict[str, Any]


def study_rows() -> list[Row]:
    """The nets of the study's Table 1 with their ImageNet heads, then the presets with their eight-way heads."""
    rows = []
    for model in STUDY:
        counted = _row(model.name, imagenet_card(model.architecture))
        theirs = {"study_parameters": model.parameters, "study_flops": model.flops}
        differences = {
            "parameters_difference": counted["parameters"] / model.parameters - 1,
            "flops_difference": counted["flops"] / model.flops - 1,
        }
        rows.append(counted | theirs | differences)
    return rows + rows_of(PRESETS)


def rows_of(models: Iterable[str]) -> list[Row]:
    """A row of each preset, folder or net of timm's. Raises ModelError."""
    return [_row(what, described(what)) for what in models]


def _row(name: str, card: ModelCard) -> Row:
    about = {"name": name, "architecture": card.architecture, "input_size": card.input_size, "classes": len(card.labels)}
    return about | asdict(complexity(card))


def as_lines(rows: list[Row]) -> list[str]:
    """Lines for a terminal: the study's figures and the differences in percent where there are some."""
    wide = max(len("model"), *(len(row["name"]) for row in rows))
    net = max(len("net"), *(len(row["architecture"]) for row in rows))
    beside = any("study_flops" in row for row in rows)
    head = f"{'model':<{wide}}  {'net':<{net}}  {'px':>4}  {'classes':>7}  {'parameters':>10}  {'FLOPs':>9}"
    lines = [head + ("  study: parameters     FLOPs  difference" if beside else "")]
    for row in rows:
        line = f"{row['name']:<{wide}}  {row['architecture']:<{net}}  {row['input_size']:>4}  {row['classes']:>7}  "
        line += f"{row['parameters'] / 1e6:>8.2f} M  {row['flops'] / 1e9:>7.3f} G"
        if "study_flops" in row:
            line += f"  {row['study_parameters'] / 1e6:>15.1f} M  {row['study_flops'] / 1e9:>6.1f} G"
            line += f"  {row['parameters_difference']:+.2%}, {row['flops_difference']:+.2%}"
        lines.append(line)
    lines.append("FLOPs of one picture, in multiply-adds: half of what counts a multiplication and an addition as two.")
    return [*lines, f"study: {SOURCE}, Table 1.", f"Related: {RELATED}."] if beside else lines
