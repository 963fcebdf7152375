"""Several processes are one: the gradients of their shares are those of the whole batch."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ferstream.training.trainer import distributed
from ferstream.training.trainer.distributed import ProcessError, launch, usual_count

BATCH = torch.arange(24.0).reshape(8, 3) / 10


def loss_of(net: nn.Module, share: Tensor) -> Tensor:
    return net(share).square().mean()


def new_net() -> nn.Linear:
    torch.manual_seed(7)
    return nn.Linear(3, 2)


def one_step(device: str, folder: Path) -> None:
    """What every process is left with: its gradients, a mean, and the first one's buffers."""
    net, norm = new_net(), nn.BatchNorm1d(3)
    loss_of(net, BATCH[distributed.rank() :: distributed.size()]).backward()
    distributed.average_gradients(net)
    norm(BATCH[distributed.rank() :: distributed.size()])
    seen = norm.running_mean.clone()
    distributed.share_buffers(norm)
    kept = {"weight": net.weight.grad, "bias": net.bias.grad, "mean": distributed.mean(torch.tensor(float(distributed.rank())))}
    torch.save({**kept, "seen": seen, "shared": norm.running_mean}, folder / f"{distributed.rank()}.pt")


def fail_in_one(device: str) -> None:
    if distributed.rank() == 1:
        raise ProcessError("the second cannot go on")
    distributed.barrier()


@pytest.mark.parametrize("count", [1, 2])
def test_the_gradients_of_all_shares_are_those_of_the_batch(tmp_path: Path, count: int) -> None:
    launch(count, "cpu", one_step, tmp_path)
    net = new_net()
    loss_of(net, BATCH).backward()
    parts = [torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in range(count)]
    for part in parts:
        torch.testing.assert_close(part["weight"], net.weight.grad)
        torch.testing.assert_close(part["bias"], net.bias.grad)
        assert float(part["mean"]) == (count - 1) / 2
        assert torch.equal(part["shared"], parts[0]["seen"])
    if count == 2:
        assert not torch.equal(parts[0]["seen"], parts[1]["seen"]), "each has seen its own share"


@pytest.mark.slow
def test_what_one_says_is_what_all_end_with(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProcessError, match=r"^the second cannot go on$"):
        launch(2, "cpu", fail_in_one)
    assert "SIGTERM" not in capfd.readouterr().err


def test_no_share_is_too_small() -> None:
    assert usual_count("cpu", 8) == 1
    assert 1 <= usual_count("cpu", 64) <= 8
    assert usual_count("cuda:1", 512) == 1


def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(ProcessError, match="fewer --processes"):
        launch(64, "cuda", fail_in_one)
