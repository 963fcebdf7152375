"""Fine-tuning a net on a prepared dataset: a config and a dataset in, a run folder with the best weights out."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import torch
from safetensors.torch import save
from torch.utils.data import Subset
from tqdm import tqdm

from ferstream.streams.service.atomic_file import make_folder, whole_file
from ferstream.training.common.messages import first_line
from ferstream.training.dataset.prepare.manifest import MANIFEST, Prepared
from ferstream.training.study.records.config import Config
from ferstream.training.study.records.run_folder import BEST, CHECKPOINT, RESULT
from ferstream.training.study.train.journal import Journal
from ferstream.training.study.train.loading import VALIDATION_WORKERS, Loader, Order, part_size, usual_workers
from ferstream.training.study.train.progress import Progress, begun_run
from ferstream.training.study.train.samples import Training, Validation, class_weights
from ferstream.training.study.train.scores import Scores
from ferstream.training.study.train.step import Part, Stepper
from ferstream.training.study.train.weights import first_net
from ferstream.training.trainer import distributed as ranks
from ferstream.training.trainer.checkpoint import save_checkpoint
from ferstream.training.trainer.input_digests import digests
from ferstream.training.trainer.run import RunError
from ferstream.training.trainer.stopping import Stopped, hearing

Stopping = Callable[[], bool]


def fit(
    device: str, config: Config, dataset: Path, out: Path, workers: int | None = None, stopping: Stopping | None = None
) -> None:
    """Train, or go on with what `out` holds. `stopping` is asked after every step; without it, SIGTERM and Ctrl-C stop the run.

    Raises RunError, PreparedError, PictureStoreError, WeightsError, WriteError; Stopped where `stopping` said so.
    """
    prepared = Prepared.open(dataset)
    train, val = prepared.of_split("train"), prepared.of_split("val")
    torch.manual_seed(config.seed)
    run = _Run(device, config, train, val, out, usual_workers(ranks.local_size()) if workers is None else workers)
    run.resume(digests(dataset / MANIFEST))
    about = {"name": dataset.name, **run.inputs, "sources": sorted(set(map(str, train.column("source"))))}
    journal = Journal(out, config, about, run.progress.epoch) if ranks.rank() == 0 else None
    # Processes that another one started are told by it, and by the terminal too.
    with hearing(repeated=ranks.size() > 1) as heard, journal or nullcontext():
        asked = stopping or (lambda: bool(heard()))
        while run.progress.epoch < config.epochs:
            run.train(asked)
            row = run.validate(asked)
            if journal is not None:
                journal.epoch(row)
            run.close_epoch(row["val_accuracy"])


class _Run:
    """The parts of a run that its epochs share."""

    def __init__(self, device: str, config: Config, train: Prepared, val: Prepared, out: Path, workers: int) -> None:
        self._device, self._config, self._out = device, config, out
        self._order = Order(train, config)
        part = part_size(config, self._order)
        self._loader = Loader(Training(train, config), part, workers, device, self._order)
        share = Subset(Validation(val, config), range(ranks.rank(), len(val), ranks.size()))
        self._val = Loader(share, 2 * part, min(workers, VALIDATION_WORKERS), device)
        make_folder(out)
        weights = class_weights(train.labels[self._order.rows]).to(device) if config.class_weights else None
        net = first_net(config, begun=(out / CHECKPOINT).exists()).to(device)
        self._stepper = Stepper(net, config, self._order.steps, device, weights)
        self._scores = Scores.none(device)  # of the epoch so far, of this process
        self.progress, self.inputs = Progress(), dict[str, str]()

    def resume(self, inputs: dict[str, str]) -> None:
        """Take over the checkpoint, if there is one."""
        self.inputs, path = inputs, self._out / CHECKPOINT
        state = begun_run(path, self._config, inputs)
        self.progress = Progress() if state is None else Progress.of(state)
        if not ranks.same_everywhere(state is not None, self.progress.epoch, self.progress.step):
            raise RunError(f"the processes find different checkpoints: {self._out} must be on a disk that all machines share")
        if state is None:
            return
        try:
            self._stepper.load_state_dict(state["stepper"])
            sums = state["sums"].to(self._device)
        except (AttributeError, KeyError, TypeError, RuntimeError, ValueError) as error:
            raise RunError(f"{path} is of another net: {first_line(error)}") from error
        if ranks.rank() == 0:
            self._scores = Scores(sums)

    def train(self, stopping: Stopping) -> None:
        """The steps of the epoch that are still to be done. Raises Stopped."""
        progress, order = self.progress, self._order
        order.epoch, order.first_step = progress.epoch, progress.step
        title = f"epoch {progress.epoch + 1}/{self._config.epochs}"
        # One progress bar, of the first process, and none in a pipe.
        hidden = True if ranks.rank() else None
        with tqdm(desc=title, initial=progress.step, total=order.steps, unit="step", disable=hidden) as bar:
            parts = iter(self._loader)
            while progress.step < order.steps:
                self._step(parts)
                bar.update()
                stop = ranks.agreed(stopping())
                if stop:
                    self._stop()
                if progress.step % self._config.checkpoint_every == 0:
                    self._save()

    def _stop(self) -> NoReturn:
        self._save()
        ranks.barrier()  # the first process that leaves ends the others, and one of them may be writing
        done, total = self.progress.epoch * self._order.steps + self.progress.step, self._order.steps * self._config.epochs
        raise Stopped(f"stopped after step {done:,} of {total:,}: the same command goes on")

    def _step(self, parts: Iterator[Part]) -> None:
        progress, started = self.progress, time.perf_counter()
        batch = [next(parts) for _ in range(self._config.accumulate)]
        progress.waited += time.perf_counter() - started
        progress.rate = self._stepper.rate()
        self._scores += self._stepper.step(progress.epoch * self._order.steps + progress.step, batch)
        progress.seconds += time.perf_counter() - started
        progress.step += 1

    def validate(self, stopping: Stopping) -> dict[str, float]:
        """The epoch's row of the history. Raises Stopped; RunError where the loss is no number any more."""
        progress = self.progress
        self._stepper.share_statistics()
        answered, trained = self._stepper.validate(self._heeding(stopping)).together(), self._scores.together()
        self._check(trained, answered)
        return {
            "epoch": progress.epoch + 1,
            "train_loss": trained.mean_loss(),
            "train_accuracy": trained.accuracy(),
            "val_loss": answered.mean_loss(),
            "val_accuracy": answered.accuracy(),
            "learning_rate": progress.rate,
            "seconds": progress.seconds,
            "data_wait": progress.waited / max(1e-9, progress.seconds),
        }

    def _heeding(self, stopping: Stopping) -> Iterator[Part]:
        """The parts of val; a process alone need not wait for their end to stop."""
        for part in self._val:
            if ranks.size() == 1 and stopping():
                self._stop()
            yield part

    def _check(self, *scores: Scores) -> None:
        if not all(math.isfinite(some.mean_loss()) for some in scores):
            raise RunError(
                f"the loss is no number in epoch {self.progress.epoch + 1}: the run diverged, try a lower --learning-rate; "
                f"{self._out / CHECKPOINT} is of before, if there is one"
            )

    def close_epoch(self, accuracy: float) -> None:
        """Keep the weights if they are the best so far, and turn to the next epoch."""
        ended = self.progress
        best = (accuracy, ended.epoch + 1) if accuracy > ended.best_accuracy else (ended.best_accuracy, ended.best_epoch)
        self.progress = Progress(ended.epoch + 1, best_accuracy=best[0], best_epoch=best[1])
        self._scores = Scores.none(self._device)
        if best[1] == ended.epoch + 1 and ranks.rank() == 0:
            self._save_best()
        self._save()

    def _save_best(self) -> None:
        state = {name: value.detach().cpu().contiguous() for name, value in self._stepper.kept().state_dict().items()}
        with whole_file(self._out / BEST) as file:
            file.write(save(state))
        best = {"val_accuracy": self.progress.best_accuracy, "epoch": self.progress.best_epoch}
        with whole_file(self._out / RESULT) as file:
            file.write(
                (json.dumps({"best": best, "epochs": self._config.epochs, "inputs": self.inputs}, indent=2) + "\n").encode()
            )

    def _save(self) -> None:
        self._stepper.share_statistics()
        together = self._scores.together()
        self._check(together)
        # The first process goes on with the sums of all, the others from none: nothing is counted twice when they meet.
        self._scores = together if ranks.rank() == 0 else Scores.none(self._device)
        if ranks.rank() == 0:
            parts = {"stepper": self._stepper.state_dict(), "progress": asdict(self.progress), "sums": together.sums.cpu()}
            save_checkpoint(self._out / CHECKPOINT, **parts, config=asdict(self._config), inputs=self.inputs)
