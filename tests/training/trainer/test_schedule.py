"""The learning rate over a run."""

import pytest
import torch

from ferstream.training.trainer.step import warm_cosine


def rates(warm_up: int, total: int) -> list[float]:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = warm_cosine(optimiser, warm_up, total)
    seen = []
    for _ in range(total):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return [*seen, optimiser.param_groups[0]["lr"]]


def test_rises_in_a_line_and_falls_as_a_cosine_to_zero() -> None:
    seen = rates(warm_up=4, total=12)
    assert seen[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert seen[4] == pytest.approx(2.0)
    assert seen[8] == pytest.approx(1.0)
    assert seen[12] == pytest.approx(0.0)
    assert seen[4:] == sorted(seen[4:], reverse=True)


def test_no_warm_up() -> None:
    assert rates(warm_up=0, total=2) == pytest.approx([2.0, 1.0, 0.0])
