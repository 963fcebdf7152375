"""`fer-train`: datasets, and the models made from them. Only the commands that need torch import it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.metrics import ferstream_version
from streams.options import CONTEXT, EXIT_UNUSABLE, FerGroup
from training.datasets import Dataset, DatasetError, face_packs, ferplus_pack
from training.tables import as_lines

if TYPE_CHECKING:
    from training.ferplus import Protocol
    from workers.models.registry import RuntimeName

F = TypeVar("F", bound=Callable[..., Any])

PACK = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


class TrainGroup(FerGroup):
    """A library that is not installed ends as one line that says how to get it."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            failure = click.ClickException(f"{error.name} is not installed: pip install 'ferstream[train]'")
            failure.exit_code = EXIT_UNUSABLE  # type: ignore[misc]
            raise failure from error


def as_dataset(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Dataset | None:
    """What SCHEME:PACK.npz names."""
    try:
        return Dataset.parse(text) if text is not None else None
    except DatasetError as error:
        raise click.BadParameter(str(error)) from error


def data_option(command: F) -> F:
    return click.option(
        "--data",
        "packs",
        type=PACK,
        multiple=True,
        metavar="PACK.npz",
        help="A face pack; may be repeated.  [default: faces_trainval_*.npz in $FER_DATA_DIR]",
    )(command)


def dataset_option(command: F) -> F:
    return click.option(
        "--dataset",
        callback=as_dataset,
        metavar="ferplus:PACK.npz",
        help="Faces with votes.  [default: ferplus_trainval.npz in $FER_DATA_DIR]",
    )(command)


def device_option(command: F) -> F:
    return click.option("--device", default="auto", help="auto, cpu or cuda:N.")(command)


def fit_options(task: str, epochs: int) -> Callable[[F], F]:
    """`out`, `folder`, `epochs`, `seed` and `device`."""

    def decorate(command: F) -> F:
        for option in (
            device_option,
            click.option("--seed", type=click.IntRange(0), default=0, help="Everything drawn at random follows from it."),
            click.option("--epochs", type=click.IntRange(1), default=epochs, help="Passes over the training split."),
            click.option(
                "--package",
                "folder",
                type=FOLDER,
                help=f"Where the model goes; workers/models/weights/{task} makes it the packaged one.  [default: OUT/packaged]",
            ),
            click.option(
                "--out", type=FOLDER, default=Path("runs") / task, help="Checkpoint, history and results; goes on there."
            ),
        ):
            command = option(command)
        return command

    return decorate


def evaluate_options(command: F) -> F:
    """`split`, `weights`, `runtime`, `device` and `as_json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one line of JSON."),
        device_option,
        click.option(
            "--runtime", type=click.Choice(["auto", "openvino", "torch"]), default="auto", help="What computes the net."
        ),
        click.option("--weights", type=FOLDER, help="A model folder.  [default: the packaged one]"),
        click.option("--split", default="val", help="Split of the pack; all takes every picture."),
    ):
        command = option(command)
    return command


@click.group(cls=TrainGroup, context_settings={**CONTEXT, "auto_envvar_prefix": "FER_TRAIN"})
@click.version_option(ferstream_version(), prog_name="fer-train")
def main() -> None:
    """Look at datasets, and train and measure the two models.

    Packs are read from --data or --dataset, or from the folder in FER_DATA_DIR. Every option is also
    FER_TRAIN_<NOUN>_<COMMAND>_<OPTION> in the environment. Exit status: 0 done, 2 wrong usage, 3 a pack, checkpoint or model
    cannot be used.
    """


@main.group()
def dataset() -> None:
    """Data to train on."""


@main.group()
def detector() -> None:
    """The net that finds faces."""


@main.group()
def classifier() -> None:
    """The net that names expressions."""


@dataset.command("inspect")
@click.argument("pack", callback=as_dataset, metavar="[SCHEME:]PACK.npz")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def dataset_inspect(pack: Dataset, as_json: bool) -> None:
    """Count what a pack holds: ferplus:PACK.npz, or a face pack as PACK.npz."""
    from training.inspection import inspect

    _show(inspect(pack), as_json)


@detector.command("fit")
@data_option
@fit_options("detector", epochs=30)
@click.option(
    "--workers", type=click.IntRange(0), default=0, help="Processes that prepare pictures; 0 prepares them in this one."
)
def detector_fit(
    packs: tuple[Path, ...], out: Path, folder: Path | None, epochs: int, seed: int, device: str, workers: int
) -> None:
    """Train the detector on train, package it, and measure the packaged form on val.

    Run again to go on after an interruption.
    """
    from training.detector_fit import DetectorRecipe, fit_detector
    from training.detector_release import release_detector
    from training.faces import FacePack
    from training.results import write_results
    from workers.models.registry import choose_runtime

    packs = face_packs(packs)
    train, val = FacePack.open(packs, "train"), FacePack.open(packs, "val")
    recipe = DetectorRecipe(epochs=epochs, seed=seed)
    net = fit_detector(train, val, out, recipe, choose_runtime(device, "torch")[0], workers)
    folder = folder or out / "packaged"
    figures = release_detector(net, val, folder)
    _done(figures, folder, write_results(out, recipe, packs, folder, figures))


@detector.command("evaluate")
@data_option
@evaluate_options
def detector_evaluate(
    packs: tuple[Path, ...], split: str, weights: Path | None, runtime: "RuntimeName", device: str, as_json: bool
) -> None:
    """Average precision at IoU 0.5, recall at the working threshold, and milliseconds a picture on one thread."""
    from training.detector_evaluate import evaluate_detector
    from training.faces import FacePack
    from workers.models.registry import open_detector

    faces = FacePack.open(face_packs(packs), split)
    _one_torch_thread(runtime)
    figures = evaluate_detector(open_detector(weights, device, runtime, threads=1), faces)
    _show({"split": split, **figures}, as_json)


@classifier.command("fit")
@dataset_option
@fit_options("classifier", epochs=16)
def classifier_fit(dataset: Dataset | None, out: Path, folder: Path | None, epochs: int, seed: int, device: str) -> None:
    """Train the classifier on train, package it, and measure the packaged form on val.

    Run again to go on after an interruption.
    """
    from training.classifier_fit import ClassifierRecipe, fit_classifier
    from training.classifier_release import release_classifier
    from training.ferplus import FerPlus
    from training.results import write_results
    from workers.models.registry import choose_runtime

    pack = ferplus_pack(dataset)
    train, val = FerPlus.open(pack, "train"), FerPlus.open(pack, "val")
    recipe = ClassifierRecipe(epochs=epochs, seed=seed)
    net = fit_classifier(train, val, out, recipe, choose_runtime(device, "torch")[0])
    folder = folder or out / "packaged"
    figures = release_classifier(net, val, pack.name, folder)
    _done(figures["majority"], folder, write_results(out, recipe, (pack,), folder, figures))


@classifier.command("evaluate")
@dataset_option
@click.option(
    "--protocol",
    type=click.Choice(["majority", "argmax8"]),
    default="majority",
    help="majority: over half of the votes; argmax8: the largest of the eight emotions.",
)
@evaluate_options
def classifier_evaluate(
    dataset: Dataset | None,
    protocol: "Protocol",
    split: str,
    weights: Path | None,
    runtime: "RuntimeName",
    device: str,
    as_json: bool,
) -> None:
    """Accuracy, F1 and recall by class, and calibration after the card's temperature."""
    from training.classifier_evaluate import evaluate_classifier
    from training.ferplus import FerPlus
    from workers.models.registry import open_classifier

    data = FerPlus.open(ferplus_pack(dataset), split)
    _one_torch_thread(runtime)
    figures = evaluate_classifier(open_classifier(weights, device, runtime, threads=1), data, split, protocol)
    _show({"split": split, **figures}, as_json)


def _one_torch_thread(runtime: str) -> None:
    """Times are those of one thread, whatever computes."""
    if runtime == "torch":
        import torch

        torch.set_num_threads(1)


def _show(figures: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(figures) if as_json else "\n".join(as_lines(figures)))


def _done(figures: dict[str, Any], folder: Path, results: Path) -> None:
    _show(figures, as_json=False)
    click.echo(f"model: {folder}\nresults: {results}")


if __name__ == "__main__":
    main()
