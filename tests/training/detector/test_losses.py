"""The detector's losses and targets against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from ferstream.training.detector.fit import detector_loss, focal_loss, giou_loss, landmark_loss
from ferstream.workers.models.nets.anchors import encode_boxes

ANCHORS = torch.tensor([[50.0, 50.0, 20.0, 20.0]])


def offsets_of(*box: float) -> torch.Tensor:
    return torch.from_numpy(encode_boxes(np.array([box], np.float32), ANCHORS.numpy()))


def test_focal_loss_at_even_odds() -> None:
    """At p = 0.5 an anchor costs alpha * 0.25 * ln 2."""
    even = 0.25 * math.log(2)
    assert float(focal_loss(torch.zeros(1), torch.ones(1))) == pytest.approx(0.25 * even)
    assert float(focal_loss(torch.zeros(1), torch.zeros(1))) == pytest.approx(0.75 * even)
    assert float(focal_loss(torch.zeros(1), -torch.ones(1))) == 0, "ignored"


def test_focal_loss_forgives_what_is_nearly_right() -> None:
    sure, unsure = (float(focal_loss(torch.tensor([logit]), torch.ones(1))) for logit in (3.0, 0.0))
    p = 1 / (1 + math.exp(-3))
    assert sure == pytest.approx(0.25 * (1 - p) ** 2 * -math.log(p), rel=1e-4)
    assert sure < unsure / 100


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((40, 40, 60, 60), 0.0),  # the same box
        ((40, 40, 60, 50), 0.5),  # half of it: IoU 0.5, nothing of the hull is empty
        ((60, 40, 80, 60), 1.0),  # side by side: IoU 0, the hull is full
        ((80, 40, 100, 60), 1 + 1 / 3),  # a gap as wide as each: a third of the hull is empty
    ],
)
def test_giou_loss(box: tuple[float, ...], expected: float) -> None:
    loss = giou_loss(offsets_of(*box), offsets_of(40, 40, 60, 60), ANCHORS)
    assert float(loss) == pytest.approx(expected, abs=1e-4)


def test_landmarks_that_nobody_knows_cost_nothing() -> None:
    answered, known = torch.zeros(2, 10), torch.full((2, 10), 3.0)
    assert float(landmark_loss(answered, known)) == pytest.approx(2 * 2.5), "beyond 1, smooth L1 is the distance less a half"
    known[1] = math.nan
    assert float(landmark_loss(answered, known)) == pytest.approx(2.5)
    known[0] = math.nan
    assert float(landmark_loss(answered, known)) == 0


def test_a_batch_without_faces_still_has_a_loss() -> None:
    outputs = (torch.zeros(2, 1, requires_grad=True), torch.zeros(2, 1, 4, requires_grad=True), torch.zeros(2, 1, 10))
    loss = detector_loss(outputs, (torch.zeros(2, 1), torch.zeros(2, 1, 4), torch.zeros(2, 1, 10)), ANCHORS)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert outputs[0].grad is not None
