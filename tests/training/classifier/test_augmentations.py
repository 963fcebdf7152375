"""Disturbances keep shape and range, follow their generator, and leave labels distributions."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ferstream.training.classifier.augmentations import coarsen, compress, erase, light, mix, tint, turn_and_crop
from ferstream.training.classifier.fit import disturb

FACES = torch.rand(32, 1, 48, 48, generator=torch.Generator().manual_seed(1))
EACH = pytest.mark.parametrize("change", [turn_and_crop, light, coarsen, compress, erase, tint])


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@EACH
def test_shape_and_range_stay(change: Callable[[Tensor, torch.Generator], Tensor]) -> None:
    changed = change(FACES, drawn(0))
    assert changed.shape == FACES.shape
    assert changed.dtype == torch.float32
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert not torch.equal(changed, FACES)


@EACH
def test_the_generator_decides(change: Callable[[Tensor, torch.Generator], Tensor]) -> None:
    before = FACES.clone()
    assert torch.equal(change(FACES, drawn(3)), change(FACES, drawn(3)))
    assert not torch.equal(change(FACES, drawn(3)), change(FACES, drawn(4)))
    assert torch.equal(FACES, before), "what comes in is not written to"


def test_faces_are_disturbed_each_in_their_own_way() -> None:
    same = FACES[:1].expand(8, -1, -1, -1)
    turned = turn_and_crop(same, drawn(0))
    assert len({float(face.mean()) for face in turned}) == 8


def test_mixup_off_leaves_everything() -> None:
    targets = torch.eye(8).repeat(4, 1)
    pixels, wanted = mix(FACES, targets, drawn(0), 0.0)
    assert pixels is FACES
    assert wanted is targets


def test_mixup_keeps_distributions() -> None:
    targets = torch.eye(8).repeat(4, 1)
    pixels, wanted = mix(FACES, targets, drawn(0), 0.4)
    assert pixels.shape == FACES.shape
    torch.testing.assert_close(wanted.sum(1), torch.ones(32))


def test_grey_faces_come_out_in_the_colours_of_lamps() -> None:
    changed = disturb(FACES, drawn(0))
    assert changed.shape == (32, 3, 48, 48)
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    apart = (changed.amax(dim=1) - changed.amin(dim=1)).amax(dim=(1, 2)) > 0.01
    assert 4 < int(apart.sum()) < 28, "some are tinted, some stay grey"
    assert disturb(FACES.expand(-1, 3, -1, -1), drawn(0)).shape == changed.shape
