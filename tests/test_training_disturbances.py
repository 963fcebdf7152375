"""Disturbances keep shape and range, follow their generator, and leave labels distributions."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from training import faces
from training.classifier_fit import disturb
from training.disturbances import coarsen, erase, light, mix, turn_and_crop

FACES = torch.rand(32, 1, 48, 48, generator=torch.Generator().manual_seed(1))
EACH = pytest.mark.parametrize("change", [turn_and_crop, light, coarsen, erase, disturb])


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


def test_views_follow_face_and_seed() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[80:120, 140:180] = 255
    boxes = np.array([[140, 80, 180, 120]], np.float32)
    for seed in range(20):
        view, moved = faces.zoom_and_turn(picture, boxes, 128, np.random.default_rng(seed))
        again, _ = faces.zoom_and_turn(picture, boxes, 128, np.random.default_rng(seed))
        np.testing.assert_array_equal(view, again)
        assert view.shape == (128, 128, 3)
        centre = ((moved[0, :2] + moved[0, 2:]) / 2).astype(int)
        if (centre >= 0).all() and (centre < 128).all():
            assert view[centre[1], centre[0]].min() > 200, "the box is where the face is"


def test_cameras_disturb_colours_not_sizes() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    for seed in range(20):
        changed = faces.disturb(picture, np.random.default_rng(seed))
        assert changed.shape == picture.shape
        assert changed.dtype == np.uint8
