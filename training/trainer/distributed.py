"""Fitting in several processes at once, on cores or GPUs: each takes its share of every batch."""

import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVarTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessException, spawn

from ferstream.streams.errors import FerstreamError
from ferstream.training.trainer.stopping import Stopped, catch_signals
from ferstream.workers.settings import usable_cores

Arguments = TypeVarTuple("Arguments")

#: Samples of every batch that a process gets at least: batch normalisation sees those of its own process only.
LEAST_SHARE = 8


class ProcessError(FerstreamError):
    """One of the processes cannot go on, and the message is what it said; or there is no room for so many."""


def rank() -> int:
    """Which of the processes this is; the first one, 0, writes."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """How many processes fit together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average_gradients(net: nn.Module) -> None:
    """The mean of all processes' gradients, in all of them."""
    if size() == 1:
        return
    # Not by DistributedDataParallel: it groups gradients anew after its first step, so that a run that goes on adds them up in
    # another order. Measured: of three processes' weights the last bits differ, and a step takes as long as this one.
    gradients = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])  # one message, not one a parameter
    means = torch.split(mean(flat), [gradient.numel() for gradient in gradients])
    for gradient, averaged in zip(gradients, means, strict=True):
        gradient.copy_(averaged.view(gradient.shape))


def mean(value: Tensor) -> Tensor:
    """The mean of all processes' values."""
    if size() == 1:
        return value
    shared = value.detach().clone()
    dist.all_reduce(shared)
    return shared / size()


def share_buffers(net: nn.Module) -> None:
    """Copy the first process's buffers to all: the running statistics that a checkpoint has are then everybody's."""
    if size() > 1:
        for buffer in net.buffers():
            dist.broadcast(buffer, 0)


def any_of(flag: bool) -> bool:
    """Whether `flag` is set in any of the processes; the answer is the same in all of them."""
    if size() == 1:
        return flag
    told = torch.tensor(int(flag), device="cuda" if dist.get_backend() == "nccl" else "cpu")
    dist.all_reduce(told)
    return bool(told)


def barrier() -> None:
    """Wait for the others."""
    if size() > 1:
        dist.barrier()


def gpu_count(device: str) -> int:
    """One process a GPU where `device` is `cuda`, which is all of them; else one."""
    return max(1, torch.cuda.device_count()) if device == "cuda" else 1


def usual_count(device: str, batch_size: int) -> int:
    """One process a GPU where `device` is `cuda`, one where it is a certain GPU, else one a core; fewer for a small batch."""
    count = usable_cores() if device == "cpu" else gpu_count(device)
    return max(1, min(count, batch_size // LEAST_SHARE))


def launch(count: int, device: str, fit: Callable[[str, *Arguments], None], *arguments: *Arguments) -> None:
    """Call `fit(device, *arguments)` in `count` processes that know each other, or in this one if `count` is 1.

    SIGTERM and Ctrl-C reach all of them. Raises Stopped where they stopped for it, ProcessError where one of them meets another
    error of ours, or there are fewer GPUs than processes.
    """
    if count == 1:
        fit(device, *arguments)
        return
    if device.startswith("cuda") and count > torch.cuda.device_count():
        raise ProcessError(f"{count} processes need as many GPUs, and there are {torch.cuda.device_count()}: fewer --processes")
    # Spawned here and not by torch's elastic launcher: that one kills its processes 30 s after a signal, with their checkpoint
    # written or not, and passes on tracebacks where this one passes on what a process said.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # it warns of each process that it ends
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        words = (count, meeting, device, fit, arguments)
        context = spawn(_enter, words, nprocs=count, join=False)  # type: ignore[no-untyped-call]

        def tell(_number: int) -> None:
            for process in context.processes:
                process.terminate()

        with catch_signals(tell) as signalled:
            try:
                while not context.join():
                    pass  # until all of them have ended
            except ProcessException as error:
                _raise_what_one_said(Path(folder), error)
                if signalled():
                    sys.exit(128 + signalled())  # as a shell reports a signal
                raise


def _raise_what_one_said(folder: Path, error: Exception) -> None:
    for kind in (Stopped, ProcessError):
        if (said := folder / kind.__name__).exists():
            raise kind(said.read_text("utf-8")) from error


def under_torchrun() -> bool:
    """Whether torchrun started this process, and others with it."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def join_torchrun(device: str, fit: Callable[[str, *Arguments], None], *arguments: *Arguments) -> bool:
    """Call `fit(device, *arguments)` in this process, which torchrun started, together with the others (on any machines).

    Returns whether this is the first one, which has something to say of the result.
    """
    on_gpu = device.startswith("cuda")
    if on_gpu:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        fit(device, *arguments)
        return rank() == 0
    finally:
        dist.destroy_process_group()


def local_size() -> int:
    """How many of the processes are on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if under_torchrun() else size()


def same_everywhere(*values: int) -> bool:
    """Whether all processes say the same."""
    if size() == 1:
        return True
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    ours = torch.tensor([(value, -value) for value in values], device=device)
    largest = ours.clone()
    dist.all_reduce(largest, dist.ReduceOp.MAX)
    return bool((largest[:, 0] == -largest[:, 1]).all())


def _enter(
    number: int,
    count: int,
    meeting: Path,
    device: str,
    fit: Callable[..., None],
    arguments: tuple[object, ...],
) -> None:
    on_gpu = device.startswith("cuda")
    if on_gpu:
        device = f"cuda:{number}"
        torch.cuda.set_device(number)
    else:
        torch.set_num_threads(max(1, usable_cores() // count))
    dist.init_process_group("nccl" if on_gpu else "gloo", init_method=f"file://{meeting}", rank=number, world_size=count)
    try:
        fit(device, *arguments)
    except FerstreamError as error:
        kind = Stopped if isinstance(error, Stopped) else ProcessError
        (meeting.parent / kind.__name__).write_text(str(error), "utf-8")
        sys.exit(1)  # the others are ended with this one
    finally:
        dist.destroy_process_group()
