"""How large a net is and how much it computes: parameters, and floating-point operations, as multiply-adds.

The study (published.py) does not say how it counts. Its figures are those of multiply-adds, half of what a counter gives that
takes a multiplication and an addition for two operations, and of nets with ImageNet's heads.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.study.records.config import PRESETS, Config
from ferstream.training.study.records.published import RELATED, SOURCE, STUDY
from ferstream.training.study.records.run_folder import CONFIG, RunFolder
from ferstream.workers.models.card import CARD, ModelCard, ModelError
from ferstream.workers.models.runtimes.torch_runtime import build_net

#: Classes of ImageNet: the study's figures fit heads of so many outputs.
IMAGENET = 1000


@dataclass(frozen=True, slots=True)
class Complexity:
    """Parameters, and FLOPs of one picture: multiply-adds, those of attention's products among them."""

    parameters: int
    flops: int


def complexity(card: ModelCard) -> Complexity:
    """The complexity of the net that a card describes, built without weights on the meta device. Raises ModelError."""
    with torch.device("meta"):
        net = _built(card)
        picture = torch.zeros(1, 3, card.input_size, card.input_size)
    return complexity_of(net, picture)


def complexity_of(net: nn.Module, picture: torch.Tensor) -> Complexity:
    """The complexity of a net in evaluation, for a picture (1, 3, H, W) on the net's device, which may be `meta`."""
    # Fused attention hides its two products from the counter where a backend does not report them: the plain one has both.
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net.eval()(picture)
    return Complexity(sum(parameter.numel() for parameter in net.parameters()), counter.get_total_flops() // 2)


def imagenet_card(architecture: str) -> ModelCard:
    """The card of a net of timm's with its ImageNet head. Raises ModelError where timm does not know it."""
    return _card(architecture, architecture, tuple(map(str, range(IMAGENET))), _usual_size(architecture))


def described(what: str) -> ModelCard:
    """The card of a preset, a run's folder, a model's folder, or a net of timm's with an eight-way head. Raises ModelError."""
    if what in PRESETS:
        return preset_card(what)
    folder = Path(what)
    if (folder / CONFIG).exists():
        return RunFolder(folder).card()
    if (folder / CARD).exists():
        card = ModelCard.read(folder)
        if card.task != "classifier":
            raise ModelError(f"{folder} holds a {card.task}: only classifiers are counted")
        return card
    return _card(what, what, EMOTIONS, _usual_size(what))


def preset_card(name: str) -> ModelCard:
    """The card of a preset's net, with its eight-way head."""
    config = Config.preset(name)
    return replace(_card(name, config.model, EMOTIONS, config.input_size), options=dict(config.model_options))


def _card(name: str, architecture: str, labels: tuple[str, ...], side: int) -> ModelCard:
    return ModelCard(name=name, task="classifier", architecture=architecture, labels=labels, input_size=side)


def _usual_size(architecture: str) -> int:
    """The side, in pixels, of the pictures that timm makes a net for."""
    if not timm.is_model(architecture):
        raise ModelError(
            f"{architecture!r} is no preset, no folder of a run or a model, and no net of timm's: known presets are "
            + ", ".join(PRESETS)
        )
    found = timm.get_pretrained_cfg(architecture)
    return int(found.input_size[-1]) if found is not None else Config().input_size


def _built(card: ModelCard) -> nn.Module:
    try:
        return build_net(card)
    except (RuntimeError, TypeError) as error:  # what timm raises for an unknown name, and for arguments it does not take
        raise ModelError(f"{card.name}: no net {card.architecture!r} can be built: {str(error).splitlines()[0]}") from error


SizeRow = dict[str, Any]


def study_rows() -> list[SizeRow]:
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


def rows_of(models: Iterable[str]) -> list[SizeRow]:
    """A row of each preset, folder or net of timm's. Raises ModelError."""
    return [_row(what, described(what)) for what in models]


def _row(name: str, card: ModelCard) -> SizeRow:
    about = {"name": name, "architecture": card.architecture, "input_size": card.input_size, "classes": len(card.labels)}
    return about | asdict(complexity(card))


def as_lines(rows: list[SizeRow]) -> list[str]:
    """The table for a terminal, with the study's figures and the differences in percent where rows have them."""
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
