"""The classifier that is evaluated: of a model folder, as it is served, or of a run that was not packaged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import nn

from ferstream.training.study.records.run_folder import CONFIG, EVALUATION, RunFolder
from ferstream.workers.models.card import PACKAGED, ModelError
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.registry import RuntimeName, choose_runtime, open_classifier
from ferstream.workers.models.runtimes.runtime import Precision
from ferstream.workers.models.runtimes.torch_runtime import TorchRuntime, load_net


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A classifier ready to run, and where it is from."""

    classifier: Classifier
    folder: Path
    is_run: bool
    runtime: str
    weights_sha256: str | None  # of a run's best weights

    @classmethod
    def open(cls, weights: Path | None, device: str, runtime: RuntimeName, precision: Precision, threads: int) -> Self:
        """The packaged classifier, or the model or run in `weights`. Raises ModelError, RunFolderError, ConfigError."""
        if weights is not None and (weights / CONFIG).exists():
            return cls._of_run(weights, device, runtime)
        opened = open_classifier(weights, device, runtime, threads=threads, precision=precision)
        folder, chosen = weights or PACKAGED["classifier"], choose_runtime(device, runtime)[1]
        return cls(opened, folder, is_run=False, runtime=chosen, weights_sha256=None)

    @classmethod
    def _of_run(cls, folder: Path, device: str, runtime: RuntimeName) -> Self:
        if runtime == "openvino":
            raise ModelError(f"{folder} is a run, which torch computes: leave --runtime out, or export it first")
        chosen, _ = choose_runtime(device, "torch")
        run = RunFolder(folder)
        card, digest = run.card(), run.weights_digest()  # before they are read: a fit that goes on may write better ones
        opened = Classifier(TorchRuntime(run.net(), card, chosen), card)
        return cls(opened, folder, is_run=True, runtime="torch", weights_sha256=digest)

    def net(self) -> nn.Module:
        """Load the net in torch, on the CPU in single precision, for attention maps. Raises ModelError, RunFolderError."""
        return RunFolder(self.folder).net() if self.is_run else load_net(self.classifier.card, self.folder).eval()

    def usual_out(self) -> Path | None:
        """The folder of the report unless one is named: inside a run, None for a model folder."""
        return self.folder / EVALUATION if self.is_run else None
