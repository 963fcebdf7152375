"""Parameters and FLOPs: those that the study prints, and those of small nets by hand."""

import json

import pytest
import torch
from click.testing import CliRunner
from timm.layers import Attention
from torch import nn

from ferstream.training.cli import main
from ferstream.training.study.evaluate.complexity import Complexity, complexity, complexity_of, described, imagenet_card
from ferstream.training.study.records.config import PRESETS, Config
from ferstream.training.study.records.published import STUDY
from ferstream.training.study.records.run_folder import CONFIG
from ferstream.workers.models.card import PACKAGED, ModelError


@pytest.mark.parametrize("model", STUDY, ids=lambda model: model.name)
def test_the_counter_gives_the_studys_table_1(model):
    counted = complexity(imagenet_card(model.architecture))
    assert counted.parameters == pytest.approx(model.parameters, rel=0.015)
    assert counted.flops == pytest.approx(model.flops, rel=0.015)


#: Recalls of the study's Appendix A, contempt left out.
RECALLS = {
    "ResNet-18": (0.4780, 0.3360, 0.5320, 0.7460, 0.4520, 0.5800, 0.5700),
    "ViT-B/16/S": (0.6260, 0.3840, 0.5380, 0.7680, 0.6060, 0.5180, 0.4020),
    "ViT-B/16/SG": (0.5240, 0.3560, 0.5800, 0.7920, 0.5380, 0.5460, 0.5780),
    "ViT-B/16/SAM": (0.5380, 0.3700, 0.5760, 0.8080, 0.5320, 0.5940, 0.5680),
}


@pytest.mark.parametrize("model", STUDY, ids=lambda model: model.name)
def test_the_study_measures_seven_classes_with_eight_outputs(model):
    """It has as many faces of each class, so that accuracy is the mean of the recalls of nets that may answer contempt."""
    assert model.accuracy_without_contempt == pytest.approx(sum(RECALLS[model.name]) / 7, abs=1e-4)


def test_a_convolution_and_a_linear_layer_by_hand():
    net = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 8))
    counted = complexity_of(net, torch.zeros(1, 3, 7, 7))
    assert counted == Complexity(parameters=5 * (3 * 9 + 1) + 8 * 6, flops=7 * 7 * 5 * 3 * 9 + 5 * 8)


def test_the_two_products_of_attention_are_counted_though_it_is_fused():
    tokens, width = 10, 16
    attention = Attention(width, num_heads=4)
    assert attention.fused_attn
    linear = tokens * width * 3 * width + tokens * width * width
    assert complexity_of(attention, torch.zeros(1, tokens, width)).flops == linear + 2 * tokens * tokens * width


def test_presets_models_runs_and_names_are_described(tmp_path):
    assert described("resnet18").labels == described("hybrid-b").labels
    assert described("hybrid-b").options == {"depth": 11}
    assert len(described("vit_tiny_patch16_224").labels) == 8
    assert described(str(PACKAGED["classifier"])).input_size == 48
    Config(name="mine", model="resnet10t", input_size=64).write(tmp_path / CONFIG)
    assert described(str(tmp_path)).architecture == "resnet10t"


@pytest.mark.parametrize(
    ("what", "said"), [("resnet81", "no preset, no folder"), (str(PACKAGED["detector"]), "holds a detector: only classifiers")]
)
def test_what_cannot_be_counted_is_one_clear_line(what, said):
    with pytest.raises(ModelError, match=said):
        described(what)


def test_options_that_a_net_does_not_take_are_one_clear_line(tmp_path):
    Config(name="mine", model="resnet18", model_options={"dept": 3}).write(tmp_path / CONFIG)
    result = CliRunner().invoke(main, ["classifier", "complexity", str(tmp_path)])
    assert result.exit_code == 3
    assert "no net 'resnet18' can be built" in result.stderr


def test_the_command_sets_the_study_beside_the_counter():
    text = CliRunner().invoke(main, ["classifier", "complexity"])
    assert text.exit_code == 0, text.output
    assert "ViT-B/16/SAM" in text.stdout
    assert "study: Andrea Gurioli and Mario Sessa" in text.stdout
    assert "Related: Chaudhari" in text.stdout
    assert all(preset in text.stdout for preset in PRESETS)
    counted = json.loads(CliRunner().invoke(main, ["classifier", "complexity", "resnet18", "--json"]).stdout)["models"]
    assert [(row["name"], row["classes"]) for row in counted] == [("resnet18", 8)]
