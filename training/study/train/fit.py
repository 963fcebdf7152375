"""Fine-tuning a net on a prepared dataset: a config and a dataset in, a run folder with the best weights out."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.utils.data import Subset

from ferstream.training.common.json_file import write_bytes, write_json
from ferstream.training.dataset.prepare.manifest import MANIFEST, Prepared
from ferstream.training.study.records.config import Config
from ferstream.training.study.records.run_folder import BEST, RESULT
from ferstream.training.study.train.journal import Journal
from ferstream.training.study.train.loading import VALIDATION_WORKERS, Loader, Order, part_size, usual_workers
from ferstream.training.study.train.samples import Training, Validation, class_weights
from ferstream.training.study.train.step import MicroBatch, Objective, stepper_for
from ferstream.training.study.train.weights import first_net
from ferstream.training.trainer import distributed
from ferstream.training.trainer.checkpoint import CHECKPOINT, Origin, digests
from ferstream.training.trainer.history import EpochRow
from ferstream.training.trainer.run import Progress, Run, Stopping, Task
from ferstream.training.trainer.step import Scores


def fit(
    device: str, config: Config, dataset: Path, out: Path, workers: int | None = None, stopping: Stopping | None = None
) -> None:
    """Train, or go on with what `out` holds. `stopping` is asked after every step; without it, SIGTERM and Ctrl-C stop the run.

    Raises RunError, PreparedError, PictureStoreError, WeightsError, WriteError; Stopped where `stopping` said so.
    """
    torch.manual_seed(config.seed)
    study = _Study(
        device, config, dataset, out, usual_workers(distributed.local_size()) if workers is None else workers, stopping
    )
    with study.journal or nullcontext():
        study.run.fit(study)


def _free(config: Config) -> frozenset[str]:
    """Settings that make no other run; a longer one is the same, but where the rate falls towards the end."""
    return frozenset({"name", "checkpoint_every"} | ({"epochs"} if config.schedule != "cosine" else set()))


class _Study(Task[MicroBatch]):
    """The study's task: prepared pictures, answered in all processes on val after each epoch, and the best weights kept."""

    advice = ", try a lower --learning-rate"

    def __init__(self, device: str, config: Config, dataset: Path, out: Path, workers: int, stopping: Stopping | None) -> None:
        prepared = Prepared.open(dataset)
        train, val = prepared.of_split("train"), prepared.of_split("val")
        self._config, self._out = config, out
        self._order = Order(train, config)
        part = part_size(config, self._order)
        self._loader = Loader(Training(train, config), part, workers, device, self._order)
        share = Subset(Validation(val, config), range(distributed.rank(), len(val), distributed.size()))
        self._val = Loader(share, 2 * part, min(workers, VALIDATION_WORKERS), device)
        weights = class_weights(train.labels[self._order.rows]).to(device) if config.class_weights else None
        net = first_net(config, begun=(out / CHECKPOINT).exists()).to(device)
        self._stepper, self._objective = stepper_for(net, config, self._order.steps), Objective(net, config, device, weights)
        self._inputs = digests(dataset / MANIFEST)
        self.run = Run(
            self._stepper,
            out,
            Origin(asdict(config), self._inputs, _free(config), "another dataset", "dataset"),
            device,
            epochs=config.epochs,
            steps=self._order.steps,
            accumulate=config.accumulate,
            checkpoint_every=config.checkpoint_every,
            stopping=stopping,
        )
        about = {"name": dataset.name, **self._inputs, "sources": sorted(set(map(str, train.column("source"))))}
        self.journal = Journal(out, config, about, self.run.progress.epoch) if distributed.rank() == 0 else None

    def parts(self, epoch: int, step: int) -> Iterator[MicroBatch]:
        self._order.epoch, self._order.first_step = epoch, step
        return iter(self._loader)

    def loss(self, part: MicroBatch) -> tuple[Tensor, Scores]:
        return self._objective.loss(part)

    def measure(self, _epoch: int, net: nn.Module, trained: Scores, pause: Callable[[], None]) -> EpochRow:
        def paused() -> Iterator[MicroBatch]:
            for part in self._val:
                pause()
                yield part

        answered = self._objective.validate(net, paused()).together()
        return {
            "train_loss": trained.mean_loss(),
            "train_accuracy": trained.accuracy(),
            "val_loss": answered.mean_loss(),
            "val_accuracy": answered.accuracy(),
        }

    def close(self, row: EpochRow, progress: Progress) -> None:
        if self.journal is not None:
            self.journal.epoch(row)
        if progress.best_epoch == row["epoch"]:
            self._save_best(progress)

    def _save_best(self, progress: Progress) -> None:
        state = {name: value.detach().cpu().contiguous() for name, value in self._stepper.kept().state_dict().items()}
        write_bytes(self._out / BEST, save(state))
        best = {"val_accuracy": progress.best_accuracy, "epoch": progress.best_epoch}
        write_json(self._out / RESULT, {"best": best, "epochs": self._config.epochs, "inputs": self._inputs})
