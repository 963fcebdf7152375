"""Packaging: both forms compute the same, the folder is whole or untouched, and what it holds can be served."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from ferstream.training.classifier.fit import classifier_card
from ferstream.training.detector.fit import detector_card
from ferstream.training.release import package as export
from ferstream.workers.models.card import CARD, ONNX, SAFETENSORS, ModelCard, ModelError
from ferstream.workers.models.registry import open_classifier, open_detector
from ferstream.workers.models.runtimes.openvino_runtime import OpenVinoRuntime
from ferstream.workers.models.runtimes.torch_runtime import TorchRuntime, build_net, load_net

TINY = {
    "detector": replace(detector_card("tiny"), options={"channels": [8, 8, 8, 8, 8, 8], "pathway": 8}, input_size=64),
    "classifier": replace(
        classifier_card("tiny"), options={"img_size": 48, "embed_dim": 32, "stem": [8, 16, 32], "depth": 1, "num_heads": 2}
    ),
}
EACH = pytest.mark.parametrize("task", ["detector", "classifier"])


def packaged(task: str, folder: Path) -> tuple[torch.nn.Module, ModelCard]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = build_net(TINY[task])
    for module in net.modules():  # statistics that are not those of a fresh net
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)  # type: ignore[operator, union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[operator, union-attr]
    return net.eval(), export.package(net, TINY[task], folder)


@EACH
def test_torch_and_openvino_compute_the_same(task: str, tmp_path: Path) -> None:
    _, card = packaged(task, tmp_path / "model")
    assert ModelCard.read(tmp_path / "model") == card
    loaded = TorchRuntime(load_net(card, tmp_path / "model"), card, "cpu")
    served = OpenVinoRuntime(card, tmp_path / "model", precision="f32")
    shapes = [(3, 64, 128, 3), (1, 128, 64, 3)] if task == "detector" else [(1, 48, 48, 3), (5, 48, 48, 3)]
    for shape in shapes:
        batch = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        for ours, theirs in zip(loaded(batch), served(batch), strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, atol=2e-3)


@EACH
def test_weights_are_kept_in_half_precision_and_the_names_are_the_contract(task: str, tmp_path: Path) -> None:
    packaged(task, tmp_path / "model")
    model = onnx.load(tmp_path / "model" / ONNX)
    large = [tensor for tensor in model.graph.initializer if tensor.dims]
    assert {tensor.data_type for tensor in large} <= {TensorProto.FLOAT16, TensorProto.INT64}
    assert [value.name for value in model.graph.input] == ["pixels"]
    assert [value.name for value in model.graph.output] == (
        ["logits", "offsets", "landmarks"] if task == "detector" else ["logits"]
    )
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == sorted([CARD, ONNX, SAFETENSORS])


def test_the_folder_can_be_served(tmp_path: Path) -> None:
    packaged("detector", tmp_path / "detector")
    packaged("classifier", tmp_path / "classifier")
    picture = np.zeros((90, 160, 3), np.uint8)
    (boxes,) = open_detector(tmp_path / "detector", "cpu", "openvino")([picture], score_threshold=0.0)
    assert boxes.xyxy.shape[1] == 4
    probabilities = open_classifier(tmp_path / "classifier", "cpu", "openvino")(np.zeros((2, 48, 48, 3), np.uint8))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@EACH
def test_a_failed_packaging_leaves_what_was_there(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    _, card = packaged(task, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="torch and OpenVINO differ"):
        export.package(build_net(card), replace(card, name="other"), folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_weights_that_are_no_numbers_are_not_packaged(tmp_path: Path) -> None:
    net = build_net(TINY["classifier"])
    with torch.no_grad():
        next(net.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match="differ by nan"):
        export.package(net, TINY["classifier"], tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "card.json").write_text("card.json")

    def replace_it(*, fail: bool) -> None:
        with export.replacing(folder) as fresh:
            (fresh / "new").write_text("new")
            if fail:
                raise ModelError("no")

    with pytest.raises(ModelError):
        replace_it(fail=True)
    assert [file.name for file in folder.iterdir()] == ["card.json"]
    replace_it(fail=False)
    assert [file.name for file in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_with_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match=r"holds more than a model \(thesis.txt\)"), export.replacing(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
