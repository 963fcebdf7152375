"""Attention rollout and Grad-CAM: known answers, every kind of net, and nets left as they were."""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from ferstream.training.study.evaluate.explanations import normalised, overlay
from ferstream.training.study.evaluate.grad_cam import SaliencyError, grad_cam
from ferstream.training.study.evaluate.rollout import attention_rollout
from ferstream.workers.models.card import PACKAGED, ModelCard
from ferstream.workers.models.nets.hybrid_vit import hybrid_vit
from ferstream.workers.models.runtimes.torch_runtime import TorchRuntime

VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 2, "num_classes": 8}


@pytest.fixture(autouse=True)
def same_weights():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def vit(**options):
    return timm.models.VisionTransformer(**(VIT | options)).eval()


def own_hybrid():
    return hybrid_vit(num_classes=8, img_size=32, stem=(8, 16), embed_dim=24, depth=2, num_heads=2).eval()


def timm_hybrid():
    return timm.create_model("vit_tiny_r_s16_p8_224", num_classes=8, img_size=64, depth=2).eval()


def rolled_by_hand(net, pixels, heads=2):
    """The formula of the paper in a loop over queries and keys that a hook on `qkv` gives."""
    found = []
    hooks = [block.attn.qkv.register_forward_hook(lambda _m, _i, output: found.append(output)) for block in net.blocks]
    with torch.no_grad():
        net(pixels)
    for hook in hooks:
        hook.remove()
    rolled = torch.eye(found[0].shape[1])
    for qkv in found:
        width = qkv.shape[-1] // 3
        queries, keys = (qkv[0, :, i * width : (i + 1) * width].reshape(-1, heads, width // heads) for i in (0, 1))
        mean = sum(
            (queries[:, head] @ keys[:, head].T / (width // heads) ** 0.5).softmax(dim=1) for head in range(heads)
        ) / heads  # fmt: skip
        rolled = (mean + torch.eye(len(mean))) / 2 @ rolled
    return rolled


def test_rollout_is_the_papers_product_read_at_the_class_token():
    net, pixels = vit(), torch.randn(1, 3, 32, 32)
    expected = rolled_by_hand(net, pixels)[0, 1:].reshape(4, 4)
    np.testing.assert_allclose(attention_rollout(net, pixels)[0], expected / expected.max(), rtol=1e-4)


def test_without_a_class_token_rollout_is_the_mean_over_the_tokens():
    net, pixels = own_hybrid(), torch.randn(1, 3, 32, 32)
    expected = rolled_by_hand(net, pixels).mean(dim=0).reshape(8, 8)
    np.testing.assert_allclose(attention_rollout(net, pixels)[0], expected / expected.max(), rtol=1e-4)


def test_registers_and_class_tokens_are_no_places_of_the_picture():
    net = vit(reg_tokens=3, global_pool="avg")
    assert attention_rollout(net, torch.randn(2, 3, 32, 32)).shape == (2, 4, 4)
    assert grad_cam(net, torch.randn(2, 3, 32, 32), torch.tensor([0, 1])).shape == (2, 4, 4)


@pytest.mark.parametrize(
    ("build", "side", "grid"), [(vit, 32, 4), (own_hybrid, 32, 8), (timm_hybrid, 64, 2)], ids=["vit", "own hybrid", "timm hybrid"]
)
def test_transformers_have_both_maps(build, side, grid):
    net, pixels = build(), torch.randn(2, 3, side, side)
    for maps in (attention_rollout(net, pixels), grad_cam(net, pixels, net(pixels).argmax(1))):
        assert maps.shape == (2, grid, grid)
        assert maps.min() >= 0
        assert maps.max() <= 1


def test_attention_stays_fused_and_answers_are_the_same():
    net, pixels = vit(), torch.randn(1, 3, 32, 32)
    net.blocks[1].attn.fused_attn = False  # as somebody left it
    with torch.no_grad():
        before = net(pixels)
        attention_rollout(net, pixels)
        grad_cam(net, pixels, torch.tensor([3]))
        assert [block.attn.fused_attn for block in net.blocks] == [True, False, True]
        assert torch.equal(before, net(pixels))
    assert not any(module._forward_hooks for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_net_is_left_as_it_was_after_an_error():
    net = vit()
    with pytest.raises(AssertionError):
        attention_rollout(net, torch.randn(1, 3, 7, 7))
    assert all(block.attn.fused_attn for block in net.blocks)
    assert not any(module._forward_hooks for module in net.modules())


class OneQuarter(nn.Module):
    """Class 1 is the brightness of the upper left quarter, class 0 what is left out of it: an answer known by hand."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(1, 2, 4, 4, bias=False)
        weight = torch.zeros(2, 1, 4, 4)
        weight[0] = 1.0
        weight[1] = -1.0
        self.features.weight = nn.Parameter(weight)

    def forward(self, pixels):
        places = self.features(pixels)  # (N, 2, 2, 2): brightness of each quarter, and its opposite
        return torch.stack([places[:, 1].mean(dim=(1, 2)), places[:, 0].mean(dim=(1, 2))], dim=1)


def test_grad_cam_shows_what_speaks_for_a_class_and_nothing_of_what_speaks_against_it():
    pixels = torch.zeros(1, 1, 8, 8)
    pixels[:, :, :4, :4] = 1.0
    pixels[:, :, 4:, 4:] = 0.5
    bright = grad_cam(OneQuarter(), pixels, torch.tensor([1]))[0]
    np.testing.assert_allclose(bright, [[1.0, 0.0], [0.0, 0.5]], atol=1e-6)
    assert not grad_cam(OneQuarter(), pixels, torch.tensor([0])).any(), "nothing speaks for the dark"


@pytest.mark.parametrize("name", ["resnet10t", "swin_tiny_patch4_window7_224", "convnext_atto"])
def test_nets_without_such_attention_have_grad_cam_alone(name):
    net = timm.create_model(name, num_classes=8).eval()
    side = 224 if "swin" in name else 64
    pixels = torch.randn(1, 3, side, side)
    assert attention_rollout(net, pixels) is None
    height, width = grad_cam(net, pixels, torch.tensor([2]))[0].shape
    assert height == width == side // 32


def test_a_net_without_places_says_so():
    with pytest.raises(SaliencyError, match="--explain 0 goes without"):
        grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(12, 8)), torch.randn(1, 3, 2, 2), torch.tensor([0]))


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_pixels_are_those_that_the_runtime_gives_the_net(colour):
    class Same(nn.Module):
        def forward(self, pixels):
            return pixels

    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    card = ModelCard(
        name="x", task="classifier", architecture="x", labels=("a",), input_size=4, mean=mean, std=std, colour=colour
    )  # fmt: skip
    crops = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    served = TorchRuntime(Same(), card, "cpu")(crops)[0]
    np.testing.assert_allclose(normalised(crops, card).numpy(), served, atol=1e-6)
    assert ModelCard.read(PACKAGED["classifier"]).colour == "RGB"


def test_an_overlay_is_brightest_where_its_map_is():
    drawn = overlay(np.full((40, 40, 3), 100, np.uint8), np.array([[0.2, 0.2], [0.2, 0.9]], np.float32))
    brightness = drawn.mean(axis=2)
    assert brightness[30:, 30:].mean() > brightness[:10, :10].mean() + 40
    assert not np.ptp(overlay(np.full((8, 8, 3), 100, np.uint8), np.ones((2, 2), np.float32))[..., 0]), "a flat map says nothing"
