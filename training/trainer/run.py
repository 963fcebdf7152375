"""One run of training, from its first step to its last, through interruptions. Every fit goes through it."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, NoReturn, Self, TypeVar

from torch import Tensor, nn
from tqdm import tqdm

from ferstream.streams.service.atomic_file import make_folder
from ferstream.training.common.messages import first_line
from ferstream.training.trainer import distributed
from ferstream.training.trainer.checkpoint import (
    CHECKPOINT,
    Origin,
    RunError,
    is_earlier,
    load_checkpoint,
    refuse_unfinished,
    save_checkpoint,
)
from ferstream.training.trainer.history import EpochRow
from ferstream.training.trainer.step import Scores, Stepper
from ferstream.training.trainer.stopping import Stopped, catch_signals

Part = TypeVar("Part")
Stopping = Callable[[], bool]


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    epoch: int = 0
    step: int = 0  # of the epoch
    seconds: float = 0.0  # of the epoch
    waited: float = 0.0  # seconds of the epoch in which the net waited for pictures
    rate: float = 0.0  # of the last step
    best_accuracy: float = -1.0
    best_epoch: int = 0  # counted from one, as people do

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """As a checkpoint has it. Raises RunError."""
        try:
            return cls(**state["progress"])
        except (KeyError, TypeError) as error:
            raise RunError(f"the checkpoint does not say how far the run is: {first_line(error)}") from error


class Task(ABC, Generic[Part]):
    """What is trained, and on what: the part in which fits differ."""

    #: What to try where the loss is no number any more, after a comma.
    advice = ""

    @abstractmethod
    def parts(self, epoch: int, step: int) -> Iterator[Part]:
        """This process's parts of an epoch's batches, from a step on; the same whatever was interrupted."""

    @abstractmethod
    def loss(self, part: Part) -> tuple[Tensor, Scores]:
        """The mean loss of a part, to train on, and its scores."""

    @abstractmethod
    def measure(self, epoch: int, net: nn.Module, trained: Scores, pause: Callable[[], None]) -> EpochRow:
        """The figures of an epoch, for its row of the history; in every process. `pause` raises Stopped where it is time to."""

    @abstractmethod
    def close(self, row: EpochRow, progress: Progress) -> None:
        """Write down an epoch that is over; in the first process, before its checkpoint."""


@dataclass
class Run:
    """Trains in epochs of `steps` steps, each of `accumulate` parts, and goes on where the checkpoint in `out` stopped.

    Where several processes fit together, each takes its share of every batch; they start from the same net. `stopping` is asked
    after every step; without it, SIGTERM and Ctrl-C stop the run. Checkpoints are made after each epoch, every
    `checkpoint_every` steps of it, and where the run stops.

    Raises RunError where the checkpoint is of another origin or net; WriteError where `out` cannot be made.
    """

    stepper: Stepper
    out: Path
    origin: Origin
    device: str
    epochs: int
    steps: int
    accumulate: int = 1
    checkpoint_every: int | None = None
    stopping: Stopping | None = None

    def __post_init__(self) -> None:
        make_folder(self.out)
        self._checkpoint = self.out / CHECKPOINT
        self._scores = Scores.none(self.device)  # of the epoch so far, of this process
        self.progress = self._resume()

    def _resume(self) -> Progress:
        """Take over the checkpoint, if there is one."""
        path = self._checkpoint
        state = load_checkpoint(path)
        if state is not None:
            self.origin.check(path, state)
        earlier = state is not None and is_earlier(state)  # and finished: there is nothing to go on with
        progress = Progress(self.epochs) if earlier else Progress() if state is None else Progress.of(state)
        if not distributed.same_everywhere(state is not None, progress.epoch, progress.step):
            raise RunError(f"the processes find different checkpoints: {path.parent} must be on a disk that all machines share")
        if state is None or earlier:
            return progress
        try:
            self.stepper.load_state_dict(state["stepper"])
            sums = state["sums"].to(self.device)
        except (AttributeError, KeyError, TypeError, RuntimeError, ValueError) as error:
            raise RunError(f"{path} is of another net: {first_line(error)}") from error
        if distributed.rank() == 0:
            self._scores = Scores(sums)
        return progress

    def over(self) -> bool:
        """Whether there is nothing left to train."""
        return self.progress.epoch >= self.epochs

    def fit(self, task: Task[Part]) -> None:
        """Train to the end. Raises Stopped, after a checkpoint; RunError where the loss is no number any more."""
        # Processes that another one started are told by it, and by the terminal too.
        with catch_signals(repeated=distributed.size() > 1) as signalled:
            stopping = self.stopping or (lambda: bool(signalled()))

            def pause() -> None:  # a process alone need not wait for the end of its measuring
                if distributed.size() == 1 and stopping():
                    self._stop(task)

            while not self.over():
                self._train(task, stopping)
                self.stepper.share_statistics()
                trained = self._scores.together()
                figures = task.measure(self.progress.epoch, self.stepper.kept(), trained, pause)
                self._check(task, [value for name, value in figures.items() if name.endswith("loss")])
                self._close(task, figures)

    def _train(self, task: Task[Part], stopping: Stopping) -> None:
        """The steps of the epoch that are still to be done."""
        progress = self.progress
        title = f"epoch {progress.epoch + 1}/{self.epochs}"
        hidden = True if distributed.rank() else None  # one progress bar, of the first process, and none in a pipe
        with tqdm(desc=title, initial=progress.step, total=self.steps, unit="step", disable=hidden) as bar:
            parts = iter(task.parts(progress.epoch, progress.step))
            while progress.step < self.steps:
                self._step(task, parts)
                bar.update()
                if distributed.any_of(stopping()):
                    self._stop(task)
                if self.checkpoint_every and progress.step % self.checkpoint_every == 0:
                    self.save(task)

    def _step(self, task: Task[Part], parts: Iterator[Part]) -> None:
        progress, started = self.progress, time.perf_counter()
        batch = [next(parts) for _ in range(self.accumulate)]
        progress.waited += time.perf_counter() - started
        progress.rate = self.stepper.rate()
        self._scores += self.stepper.step(progress.epoch * self.steps + progress.step, batch, task.loss)
        progress.seconds += time.perf_counter() - started
        progress.step += 1

    def _stop(self, task: Task[Part]) -> NoReturn:
        self.save(task)
        distributed.barrier()  # the first process that leaves ends the others, and one of them may be writing
        done, total = self.progress.epoch * self.steps + self.progress.step, self.steps * self.epochs
        raise Stopped(f"stopped after step {done:,} of {total:,}: the same command goes on")

    def _close(self, task: Task[Part], figures: EpochRow) -> None:
        """Write the epoch down, and turn to the next one."""
        ended = self.progress
        accuracy, number = figures.get("val_accuracy", -1.0), ended.epoch + 1
        best = (accuracy, number) if accuracy > ended.best_accuracy else (ended.best_accuracy, ended.best_epoch)
        row = {"epoch": number, **figures, "learning_rate": ended.rate, "seconds": ended.seconds}
        row["data_wait"] = ended.waited / max(1e-9, ended.seconds)
        self.progress = Progress(number, best_accuracy=best[0], best_epoch=best[1])
        self._scores = Scores.none(self.device)
        if distributed.rank() == 0:
            task.close(row, self.progress)
        self.save(task)

    def _check(self, task: Task[Part], figures: Iterable[float]) -> None:
        if not all(map(math.isfinite, figures)):
            raise RunError(
                f"the loss is no number in epoch {self.progress.epoch + 1}: the run diverged{task.advice}; "
                f"{self._checkpoint} is of before, if there is one"
            )

    def save(self, task: Task[Part]) -> None:
        """Write the checkpoint; in all processes at once. Raises RunError where the loss is no number any more, WriteError."""
        self.stepper.share_statistics()
        together = self._scores.together()
        self._check(task, [together.mean_loss()])
        # The first process goes on with the sums of all, the others from none: nothing is counted twice when they meet.
        self._scores = together if distributed.rank() == 0 else Scores.none(self.device)
        if distributed.rank() == 0:
            parts = {"stepper": self.stepper.state_dict(), "progress": asdict(self.progress), "sums": together.sums.cpu()}
            save_checkpoint(self._checkpoint, **parts, config=self.origin.settings, inputs=self.origin.inputs)


def averaged_net(net: nn.Module, out: Path) -> nn.Module:
    """`net` with the averaged weights of the run in `out`. Raises RunError where there is none, or of another net."""
    state = load_checkpoint(out / CHECKPOINT)
    if state is None:
        raise RunError(f"there is no run in {out}: it lacks {CHECKPOINT}")
    refuse_unfinished(out / CHECKPOINT, state)
    try:
        averaged = (state.get("stepper") or state)["ema"]
        net.load_state_dict({name.removeprefix("module."): value for name, value in averaged.items()})
    except (KeyError, RuntimeError) as error:
        raise RunError(f"{out / CHECKPOINT} is of another net: {first_line(error)}") from error
    return net.eval()
