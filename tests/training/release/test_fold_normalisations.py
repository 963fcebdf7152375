"""Folded normalisations compute what they did, and leave nothing to scale."""

import torch
from torch import nn

from ferstream.training.classifier.fit import classifier_card
from ferstream.training.release.package import fold_normalisations
from ferstream.workers.models.nets.ssd import SSD
from ferstream.workers.models.runtimes.torch_runtime import build_net


def shaken(net: nn.Module) -> nn.Module:
    """A net whose statistics and scales are not those of a fresh one."""
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in ((module.running_mean, -1, 1), (module.running_var, 0.1, 3), (module.weight, 0.5, 2)):
                values.data.uniform_(low, high)
            module.bias.data.normal_()
    return net.eval()


def test_a_folded_net_answers_the_same() -> None:
    pictures = torch.rand(2, 3, 64, 64)
    for net, size in ((shaken(SSD()), 64), (shaken(build_net(classifier_card())), 48)):
        shown = pictures[..., :size, :size]
        before = net(shown)
        scales = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
        fold_normalisations(net)
        assert scales
        assert all(torch.equal(norm.weight, torch.ones_like(norm.weight)) for norm in scales), "all of them were folded"
        after = net(shown)
        for one, other in zip(*((x if isinstance(x, tuple) else (x,)) for x in (before, after)), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_a_convolution_with_a_bias_is_left_alone() -> None:
    net = shaken(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
    before = net[0].weight.clone()
    fold_normalisations(net)
    assert torch.equal(net[0].weight, before)
