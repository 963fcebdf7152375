"""ImageNet weights: from a file with another head and more blocks, and never from one that holds code."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from ferstream.training.study.records.config import Config
from ferstream.training.study.train.weights import WeightsError, first_net
from tests.support.patience import PROCESS_S

MODEL = "vit_tiny_patch16_224"


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a net with a thousand classes."""
    path = tmp_path_factory.mktemp("weights") / "imagenet.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model(MODEL).state_dict(), path)
    return path


def config(weights: Path | None, **changes: object) -> Config:
    return Config(model=MODEL, weights=str(weights) if weights else None).changed(changes)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_everything_but_the_head_comes_from_the_file(suffix: str, imagenet: Path, tmp_path: Path) -> None:
    theirs = timm.create_model(MODEL, num_classes=1000)
    path = imagenet
    if suffix == ".pth":
        path = tmp_path / "imagenet.pth"
        torch.save({"state_dict": theirs.state_dict()}, path)
    else:
        from safetensors.torch import load_file

        theirs.load_state_dict(load_file(imagenet))
    ours = first_net(config(path)).state_dict()
    assert ours["head.weight"].shape == (8, 192)
    body = [key for key in ours if not key.startswith("head.")]
    assert body
    assert all(torch.equal(ours[key], theirs.state_dict()[key]) for key in body)


def test_a_shallower_net_takes_the_blocks_that_it_has(imagenet: Path) -> None:
    net = first_net(config(imagenet, model_options={"depth": 11}))
    assert len(net.blocks) == 11  # type: ignore[arg-type]
    whole = first_net(config(imagenet))
    assert torch.equal(net.blocks[10].mlp.fc1.weight, whole.blocks[10].mlp.fc1.weight)  # type: ignore[index, union-attr]


def test_weights_of_another_net_are_refused(tmp_path: Path, imagenet: Path) -> None:
    with pytest.raises(WeightsError, match="another net"):
        first_net(config(imagenet, model="resnet18"))
    with pytest.raises(WeightsError, match="another net"):
        first_net(config(imagenet, model_options={"embed_dim": 96}))


class Harmful:
    """What a pickle can do: call anything."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return (Path.touch, (self.mark,))


def test_code_in_weights_is_not_run(tmp_path: Path) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "mark"
    path.write_bytes(pickle.dumps({"state_dict": Harmful(mark)}))
    with pytest.raises(WeightsError, match="cannot read the weights"):
        first_net(config(path))
    torch.save({"state_dict": Harmful(mark)}, path)
    with pytest.raises(WeightsError, match="cannot read the weights"):
        first_net(config(path))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "cannot read"), (b"nothing", "cannot read"), (None, "there are no weights")]
)
def test_files_that_are_no_weights(content: bytes | None, message: str, tmp_path: Path) -> None:
    for suffix in (".safetensors", ".pth"):
        path = tmp_path / f"weights{suffix}"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(WeightsError, match=message):
            first_net(config(path))


def test_our_own_net_was_pretrained_by_nobody() -> None:
    with pytest.raises(WeightsError, match="--no-pretrained"):
        first_net(config(None, model="hybrid_vit"))


def test_without_a_cache_or_a_hub_it_says_what_to_do(tmp_path: Path) -> None:
    script = (
        "from ferstream.training.study.records.config import Config\n"
        "from ferstream.training.study.train.weights import WeightsError, first_net\n"
        "try: first_net(Config(model='resnet18'))\n"
        "except WeightsError as error: print(error)\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PROCESS_S, env=environment
    )
    assert said.stdout.startswith("no ImageNet weights of resnet18")
    assert "--pretrained FILE" in said.stdout
    assert "--no-pretrained" in said.stdout
