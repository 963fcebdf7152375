"""Sharpness-aware minimisation against what the paper's formula gives in closed form."""

import pytest
import torch
from torch import nn

from ferstream.training.trainer.sam import Sharpness, frozen_statistics


class Quadratic(nn.Module):
    """0.5 wᵀAw, whose gradient at w is Aw, with w in two parameters."""

    def __init__(self, a: torch.Tensor, w: torch.Tensor) -> None:
        super().__init__()
        self.a, self.head, self.tail = a, nn.Parameter(w[:2].clone()), nn.Parameter(w[2:].clone())

    def w(self) -> torch.Tensor:
        return torch.cat([self.head, self.tail])

    def forward(self) -> torch.Tensor:
        return 0.5 * self.w() @ self.a @ self.w()


@pytest.mark.parametrize("rho", [0.01, 0.05, 0.5])
def test_ten_steps_on_a_quadratic(rho):
    random = torch.Generator().manual_seed(0)
    root = torch.randn(5, 5, generator=random, dtype=torch.float64)
    a, w = root @ root.T, torch.randn(5, generator=random, dtype=torch.float64)
    net = Quadratic(a, w)
    optimiser, sharpness = torch.optim.SGD(net.parameters(), lr=0.01), Sharpness(net.parameters(), rho)
    for _ in range(10):
        optimiser.zero_grad()
        net().backward()
        with sharpness.worst():
            net().backward()
        optimiser.step()
        gradient = a @ w
        w = w - 0.01 * a @ (w + rho * gradient / gradient.norm())
        torch.testing.assert_close(net.w().detach(), w, rtol=1e-10, atol=1e-12)


def test_the_weights_come_back_bit_by_bit():
    net = nn.Linear(7, 3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net(torch.randn(4, 7)).square().sum().backward()
    with Sharpness(net.parameters(), 0.05).worst():
        assert all(parameter.grad is None for parameter in net.parameters())
        assert not torch.equal(net.weight, before["weight"])
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_it_moves_by_rho():
    net = nn.Linear(7, 3)
    before = torch.cat([parameter.detach().flatten().clone() for parameter in net.parameters()])
    net(torch.randn(4, 7)).square().sum().backward()
    with Sharpness(net.parameters(), 0.05).worst():
        after = torch.cat([parameter.detach().flatten() for parameter in net.parameters()])
        assert (after - before).norm().item() == pytest.approx(0.05, rel=1e-4)


def test_a_flat_point_stays_where_it_is():
    net = Quadratic(torch.eye(5), torch.zeros(5))
    net().backward()
    with Sharpness(net.parameters(), 0.05).worst():
        assert torch.equal(net.w(), torch.zeros(5))


def test_frozen_parameters_are_left():
    net = nn.Linear(7, 3)
    net.bias.requires_grad_(False)
    net(torch.randn(4, 7)).square().sum().backward()
    bias = net.bias.clone()
    with Sharpness(net.parameters(), 0.05).worst():
        assert torch.equal(net.bias, bias)


def test_the_second_pass_does_not_count_in_the_statistics():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    pictures = torch.randn(2, 3, 8, 8) + 1
    net(pictures)
    seen = {name: value.clone() for name, value in net.state_dict().items()}
    with frozen_statistics(net):
        normalised = net(pictures)
    assert all(torch.equal(value, seen[name]) for name, value in net.state_dict().items())
    assert net[1].momentum == 0.1
    assert normalised.mean().abs().item() < 1e-5, "it normalises by the batch all the same"
