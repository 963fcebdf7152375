"""One step of a run against the same step written by hand."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ferstream.training.dataset.augment.augmentation import Ranges, augmented
from ferstream.training.dataset.prepare.jpeg_store import load
from ferstream.training.dataset.prepare.manifest import Prepared, write_manifest
from ferstream.training.study.records.config import Config
from ferstream.training.study.train.loading import Order
from ferstream.training.study.train.samples import Training, targets_of
from ferstream.training.study.train.step import MicroBatch, Objective, computes_in_bfloat16, stepper_for
from ferstream.training.trainer.step import Scores
from tests.support.prepared_dataset import write_prepared

Batch = tuple[Tensor, Tensor, Tensor]


def small_net(*, normalised: bool = False) -> nn.Module:
    torch.manual_seed(1)
    layers = [
        nn.Conv2d(3, 6, 3, stride=2),
        *([nn.BatchNorm2d(6)] if normalised else []),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 9, 8),
    ]
    return nn.Sequential(*layers)


def batch(seed: int = 0, faces: int = 6) -> Batch:
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (faces, 3, 8, 8), generator=random, dtype=torch.uint8)
    targets = torch.rand((faces, 8), generator=random).softmax(1)
    return pixels, targets, targets.argmax(1)


def config(**changes: Any) -> Config:
    return Config(model="resnet18", input_size=8, batch_size=6, clip=0.0, learning_rate=0.1, mean=(0.4, 0.5, 0.6)).changed(
        changes
    )


class Steps:
    """The study's steps of a net, two an epoch."""

    def __init__(self, net: nn.Module, settings: Config, weights: Tensor | None) -> None:
        self._stepper, self._objective = stepper_for(net, settings, 2), Objective(net, settings, "cpu", weights)
        self.kept, self.rate = self._stepper.kept, self._stepper.rate

    def step(self, number: int, parts: Sequence[MicroBatch]) -> Scores:
        return self._stepper.step(number, parts, self._objective.loss)

    def validate(self, parts: Sequence[MicroBatch]) -> Scores:
        return self._objective.validate(self.kept(), parts)


def stepper(net: nn.Module, settings: Config, weights: Tensor | None = None) -> Steps:
    return Steps(net, settings, weights)


def logits_of(net: nn.Module, part: MicroBatch) -> Tensor:
    mean = torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1)
    logits: Tensor = net((part[0].float() / 255 - mean) / 0.5)
    return logits


def by_hand(net: nn.Module, parts: Sequence[Batch], optimiser: torch.optim.Optimizer, **loss: Any) -> None:
    for part in parts:
        optimiser.zero_grad()
        nn.functional.cross_entropy(logits_of(net, part), part[1], **loss).backward()
        optimiser.step()


def close(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)


def decayed(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """As timm has it: biases and normalisations do not decay."""
    vectors = [p for p in net.parameters() if p.ndim <= 1]
    return [
        {"params": vectors, "weight_decay": 0.0},
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": decay},
    ]


def test_sgd_has_momentum_and_decay() -> None:
    net = small_net()
    wanted = copy.deepcopy(net)
    ours = stepper(net, config(momentum=0.9, weight_decay=0.1))
    parts = [batch(seed) for seed in range(3)]
    for number, part in enumerate(parts):
        ours.step(number, [part])
    by_hand(wanted, parts, torch.optim.SGD(decayed(wanted, 0.1), lr=0.1, momentum=0.9))
    assert close(net, wanted)
    without = small_net()
    by_hand(without, parts, torch.optim.SGD(without.parameters(), lr=0.1))
    assert not close(net, without)


def test_adamw() -> None:
    net = small_net()
    wanted = copy.deepcopy(net)
    ours = stepper(net, config(optimiser="adamw", weight_decay=0.1, learning_rate=1e-2))
    parts = [batch(seed) for seed in range(3)]
    for number, part in enumerate(parts):
        ours.step(number, [part])
    by_hand(wanted, parts, torch.optim.AdamW(decayed(wanted, 0.1), lr=1e-2))
    assert close(net, wanted)


def test_smoothing_and_weights_of_emotions_with_soft_targets() -> None:
    net = small_net()
    wanted = copy.deepcopy(net)
    weights = torch.linspace(0.2, 3, 8)
    stepper(net, config(label_smoothing=0.2, momentum=0.0), weights).step(0, [batch()])
    by_hand(wanted, [batch()], torch.optim.SGD(wanted.parameters(), lr=0.1), weight=weights, label_smoothing=0.2)
    assert close(net, wanted)


def test_the_gradient_is_clipped() -> None:
    net = small_net()
    before = torch.cat([p.detach().flatten().clone() for p in net.parameters()])
    stepper(net, config(clip=0.01, momentum=0.0)).step(0, [batch()])
    after = torch.cat([p.detach().flatten() for p in net.parameters()])
    assert float((after - before).norm()) == pytest.approx(0.1 * 0.01, rel=1e-3)


@pytest.mark.parametrize("parts", [1, 3])
def test_sam_steps_with_the_gradient_of_the_worst_point(parts: int) -> None:
    net = small_net()
    wanted = copy.deepcopy(net)
    whole = batch()
    split = [tuple(value[i::parts] for value in whole) for i in range(parts)]
    stepper(net, config(sam_rho=0.5, momentum=0.0)).step(0, split)  # type: ignore[arg-type]
    parameters = list(wanted.parameters())
    gradients = torch.autograd.grad(nn.functional.cross_entropy(logits_of(wanted, whole), whole[1]), parameters)
    norm = torch.sqrt(sum((gradient**2).sum() for gradient in gradients))  # type: ignore[arg-type]
    worst = copy.deepcopy(wanted)
    with torch.no_grad():
        for parameter, gradient in zip(worst.parameters(), gradients, strict=True):
            parameter.add_(0.5 * gradient / norm)
    there = torch.autograd.grad(nn.functional.cross_entropy(logits_of(worst, whole), whole[1]), list(worst.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(parameters, there, strict=True):
            parameter.sub_(0.1 * gradient)
    assert close(net, wanted)


def test_sam_counts_a_batch_once_in_the_statistics() -> None:
    plain, sharp = small_net(normalised=True), small_net(normalised=True)
    stepper(plain, config()).step(0, [batch()])
    stepper(sharp, config(sam_rho=0.5)).step(0, [batch()])
    assert torch.allclose(plain[1].running_mean, sharp[1].running_mean)  # type: ignore[index, union-attr, arg-type]
    assert int(sharp[1].num_batches_tracked) == 1  # type: ignore[index, union-attr, arg-type]


def test_the_averaged_net_is_what_is_kept_and_validated() -> None:
    net = small_net()
    ours = stepper(net, config(ema_decay=0.9))
    assert ours.kept() is not net
    for number in range(5):
        ours.step(number, [batch(number)])
    kept = ours.kept()
    assert not close(net, kept)
    assert not close(small_net(), kept), "it follows the net from where that began"
    logits = logits_of(kept, batch(9)).detach()
    right = float((logits.argmax(1) == batch(9)[2]).float().mean())
    scores = ours.validate([batch(9)])
    assert scores.accuracy() == pytest.approx(right)
    assert scores.mean_loss() == pytest.approx(float(nn.functional.cross_entropy(logits, batch(9)[1])), rel=1e-4)
    assert stepper(net, config()).kept() is net


def test_mixed_precision_computes_in_bfloat16() -> None:
    """The loss is that of autocast, which a float32 net does not have."""
    net = small_net()
    wanted = copy.deepcopy(net)
    ours = float(stepper(net, config(precision="bfloat16")).step(0, [batch()]).mean_loss())
    with torch.autocast("cpu", torch.bfloat16):
        logits = logits_of(wanted, batch())
    assert ours == pytest.approx(float(nn.functional.cross_entropy(logits.float().detach(), batch()[1])), rel=1e-6)
    assert ours != pytest.approx(float(nn.functional.cross_entropy(logits_of(wanted, batch()).detach(), batch()[1])), rel=1e-6)
    assert [computes_in_bfloat16(config(precision=name), "cpu") for name in ("auto", "float32", "bfloat16")] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("changes", "rates"),
    [
        ({}, [0.1] * 8),
        ({"schedule": "step", "step_epochs": 2}, [0.1] * 4 + [0.01] * 4),
        (
            {"schedule": "step", "step_epochs": 1, "step_factor": 0.5, "warm_up_epochs": 1},
            [0.05, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125],
        ),
        ({"schedule": "cosine", "epochs": 4}, [0.1 * 0.5 * (1 + np.cos(np.pi * step / 8)) for step in range(8)]),
    ],
)  # fmt: skip
def test_the_rate_of_every_step(changes: dict[str, Any], rates: list[float]) -> None:
    """Two steps an epoch."""
    ours, found = stepper(small_net(), config(**changes)), []
    for number in range(8):
        found.append(ours.rate())
        ours.step(number, [batch()])
    assert found == pytest.approx(rates)


def prepared_with(folder: Path, copies: int = 0) -> Prepared:
    """A dataset with 6 originals of each emotion to train on, and so many written copies of some of them."""
    prepared = write_prepared(folder)
    rows = prepared.table.to_pylist()
    train = [row for row in rows if row["split"] == "train"]
    extra = [{**row, "copy": 1} for row in train[:copies]]
    return write_manifest(folder, rows + extra, prepared.about).of_split("train")


def test_a_copy_on_the_fly_is_the_one_that_is_written(tmp_path: Path) -> None:
    prepared = prepared_with(tmp_path)
    whole = Config(model="resnet18", input_size=32, crop_least=1.0, flip=False, seed=3)
    pixels, _, label = Training(prepared, whole)[(5, 2, 0)]
    copied = augmented(load(prepared.paths[5]), prepared.column("sha256")[5], 2, 3, Ranges())
    assert np.abs(pixels.permute(1, 2, 0).numpy().astype(int) - copied.astype(int)).max() <= 60, (
        "a random crop of nearly all of it"
    )
    plain, *_ = Training(prepared, whole)[(5, 0, 0)]
    assert float((pixels.float() - plain.float()).abs().mean()) > 5
    assert label == prepared.labels[5]


def test_crops_and_flips_are_drawn_by_the_seed_of_the_draw(tmp_path: Path) -> None:
    prepared = prepared_with(tmp_path)
    samples = Training(prepared, Config(model="resnet18", input_size=24))
    state = torch.get_rng_state()
    one, again, other = (samples[(0, 0, seed)][0] for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state), "the process that trains may be this one"
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    whole = Training(prepared, Config(model="resnet18", input_size=32, crop_least=1.0))
    drawn = [whole[(0, 0, seed)][0] for seed in range(12)]
    flipped = [torch.flip(picture, [2]) for picture in drawn]
    assert any(torch.equal(a, b) for a in drawn for b in flipped), "some are the mirror image of another"


def test_soft_labels_are_the_votes(tmp_path: Path) -> None:
    prepared = prepared_with(tmp_path)
    hard, soft = (targets_of(prepared, Config(soft_labels=chosen)) for chosen in (False, True))
    assert set(hard.max(axis=1)) == {1.0}
    voted = np.array([votes is not None for votes in prepared.table["votes"].to_pylist()])
    assert soft[voted].max(axis=1) == pytest.approx(0.7)
    assert np.array_equal(soft[~voted], hard[~voted])


def test_written_copies_are_not_copied_again(tmp_path: Path) -> None:
    prepared = prepared_with(tmp_path, copies=20)
    order = Order(prepared, Config(batch_size=4, per_class=9))
    written = prepared.column("copy") > 0
    assert written.sum() == 20
    assert not written[order.rows].any()
    assert np.bincount(prepared.labels[order.rows]).tolist() == [9] * 8
    everything = Order(prepared, Config(batch_size=4))
    assert len(everything.rows) == len(prepared), "as they are, with nothing drawn"
