"""In which order a run sees its samples, and the processes that read them ahead."""

import multiprocessing
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from ferstream.training.common.parallel import usual_processes
from ferstream.training.dataset.augment.balance import balanced
from ferstream.training.dataset.prepare.jpeg_store import PictureStoreError
from ferstream.training.dataset.prepare.manifest import Prepared
from ferstream.training.study.records.config import Config
from ferstream.training.study.train.samples import Draw, Item
from ferstream.training.study.train.step import MicroBatch
from ferstream.training.trainer import distributed
from ferstream.training.trainer.checkpoint import RunError

Indices = NDArray[np.int64]

#: Processes that read ahead for validation, at most: it is short, and they stay.
VALIDATION_WORKERS = 2


class Order(Sampler[Draw]):
    """The draws of one epoch from any step on: the same seed and epoch give the same, whatever was interrupted.

    A batch is a step's; this process gets its share of each.
    """

    def __init__(self, prepared: Prepared, config: Config) -> None:
        self.rows, self._copies = _drawn_rows(prepared, config)
        self._batch, self._seed = config.batch_size, config.seed
        self.steps = len(self.rows) // config.batch_size
        self.epoch = self.first_step = 0

    def __len__(self) -> int:
        return (self.steps - self.first_step) * (self._batch // distributed.size())

    def __iter__(self) -> Iterator[Draw]:
        random = np.random.default_rng((self._seed, self.epoch))
        order = random.permutation(len(self.rows))[: self.steps * self._batch]
        seeds = random.integers(0, 2**62, len(order))
        for start in range(self.first_step * self._batch, len(order), self._batch):
            for place in range(start + distributed.rank(), start + self._batch, distributed.size()):
                sample = order[place]
                yield int(self.rows[sample]), int(self._copies[sample]), int(seeds[place])


def _drawn_rows(prepared: Prepared, config: Config) -> tuple[Indices, Indices]:
    """The rows (n,) that an epoch sees, and the number of the copy to make of each, 0 for the picture as it is."""
    if not config.per_class:
        return np.arange(len(prepared)), np.zeros(len(prepared), np.int64)
    originals = np.flatnonzero(prepared.column("copy") == 0)  # copies that are written would be made anew, and not copied again
    digests = prepared.column("sha256")[originals]
    rows, copies = balanced(prepared.labels[originals], config.per_class, config.seed, digests)
    return originals[rows], copies


class Loader:
    """Parts of batches, read ahead by `workers` processes, or by this one as they are needed if there are none."""

    def __init__(self, samples: Dataset[Item], part: int, workers: int, device: str, order: Order | None = None) -> None:
        options: dict[str, Any] = {"num_workers": workers, "pin_memory": device.startswith("cuda")}
        if workers:
            # Kept over epochs, and started from a process without threads: a fork of this one may deadlock. It loads torch once,
            # which takes each of them seconds.
            multiprocessing.set_forkserver_preload([__name__])
            options |= {"persistent_workers": True, "prefetch_factor": 4, "multiprocessing_context": "forkserver"}
            options |= {"worker_init_fn": _leave_interrupts}
        self._parts: DataLoader[Any] = DataLoader(samples, part, sampler=order, **options)

    def __iter__(self) -> Iterator[MicroBatch]:
        """Raises PictureStoreError where a picture cannot be read."""
        try:
            yield from self._parts
        except PictureStoreError as error:
            # From another process it comes with that one's traceback, whose last line is what the error says.
            raise PictureStoreError(
                str(error).splitlines()[-1].removeprefix(f"{PictureStoreError.__module__}.{PictureStoreError.__name__}: ")
            ) from error


def _leave_interrupts(_worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the first one answers it


def usual_workers(processes: int) -> int:
    """Processes that read pictures for each of so many that train on this machine: the cores' share but one, and one at least."""
    return max(1, usual_processes() // processes - 1)


def part_size(config: Config, order: Order) -> int:
    """Samples that this process computes at once."""
    shares = config.accumulate * distributed.size()
    if config.batch_size % shares:
        raise RunError(
            f"a batch of {config.batch_size} does not divide by {distributed.size()} processes x accumulate {config.accumulate}: "
            "choose another --processes, or --set batch_size"
        )
    if not order.steps:
        raise RunError(f"the samples of train do not fill one batch of {config.batch_size}")
    return config.batch_size // shares


def processes_for(config: Config, device: str) -> int:
    """Processes of a run: one a GPU, as far as they can share a batch."""
    part = config.batch_size // config.accumulate
    return max(count for count in range(1, distributed.gpu_count(device) + 1) if part % count == 0)
