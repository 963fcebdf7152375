"""Anchors: boxes written relative to them come back, and they lie in the order of the net's outputs."""

import numpy as np
import pytest
import torch

from ferstream.workers.models.nets.anchors import anchor_boxes, decode_boxes, encode_boxes, overlaps
from ferstream.workers.models.nets.ssd import LEVELS, SSD


def test_encoded_boxes_come_back() -> None:
    random = np.random.default_rng(0)
    anchors = anchor_boxes(192, 320, LEVELS)[random.integers(0, 2000, 200)]
    corner, size = random.uniform(0, 200, (200, 2)), random.uniform(5, 250, (200, 2))
    boxes = np.concatenate([corner, corner + size], 1).astype(np.float32)
    np.testing.assert_allclose(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, atol=1e-2)


@pytest.mark.parametrize("shape", [(64, 64), (192, 320), (320, 256)])
def test_one_anchor_an_output(shape: tuple[int, int]) -> None:
    logits, offsets, landmarks = SSD().eval()(torch.zeros(2, 3, *shape))
    anchors = anchor_boxes(*shape, LEVELS)
    assert logits.shape == (2, len(anchors))
    assert offsets.shape == (2, len(anchors), 4)
    assert landmarks.shape == (2, len(anchors), 10)


def test_anchors_lie_in_the_order_of_the_outputs() -> None:
    """A change of one pixel moves the outputs of the anchors above it most: row, column and side are not swapped."""
    torch.manual_seed(0)
    net = SSD().eval()
    empty = torch.zeros(1, 3, 128, 192)
    marked = empty.clone()
    marked[..., 90:100, 150:160] = 4.0
    change = (net(marked)[1] - net(empty)[1]).abs().sum(2)[0].detach().numpy()
    anchors = anchor_boxes(128, 192, LEVELS)
    finest = anchors[:, 2] == 10  # stride 8
    strongest = anchors[finest][change[finest].argmax()]
    assert np.abs(strongest[:2] - [155, 95]).max() <= 24


def test_overlaps() -> None:
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [3, 3, 3, 3]], np.float32)
    np.testing.assert_allclose(overlaps(a, b), [[1, 1 / 3, 0, 0]], rtol=1e-6)


def test_shared_anchors_cannot_be_altered() -> None:
    with pytest.raises(ValueError, match="read-only"):
        anchor_boxes(64, 64, LEVELS)[0, 0] = 1


def test_priors_have_any_shape_and_as_many_cells_as_they_say() -> None:
    anchors = anchor_boxes(300, 300, ((100, ((40.0, 20.0), (30.0, 30.0)), 4), (150, (60,))))
    assert len(anchors) == 4 * 4 * 2 + 2 * 2
    np.testing.assert_array_equal(anchors[:3], [[50, 50, 40, 20], [50, 50, 30, 30], [150, 50, 40, 20]])
    np.testing.assert_array_equal(anchors[-1], [225, 225, 60, 60])
