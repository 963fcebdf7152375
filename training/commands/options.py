"""Options that several commands of `fer-train` share, and how figures are shown."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ferstream.training.common.dataset_names import Dataset, DatasetError
from ferstream.training.common.tables import as_lines

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

#: Exit status of a fit that was asked to stop, and goes on when it is called again.
EXIT_STOPPED = 4


def as_dataset(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Dataset | None:
    """What SCHEME:PACK.npz names."""
    try:
        return Dataset.parse(text) if text is not None else None
    except DatasetError as error:
        raise click.BadParameter(str(error)) from error


def data_option(command: F) -> F:
    """`packs`."""
    return click.option(
        "--data",
        "packs",
        type=FILE,
        multiple=True,
        metavar="PACK.npz",
        help="A face pack; may be repeated.  [default: faces_trainval_*.npz in $FER_DATA_DIR]",
    )(command)


def dataset_option(command: F) -> F:
    """`dataset`."""
    return click.option(
        "--dataset",
        callback=as_dataset,
        metavar="FOLDER|ferplus:PACK.npz",
        help="study: a prepared dataset; packaged: a FER+ pack.  [default for packaged: ferplus_trainval.npz in $FER_DATA_DIR]",
    )(command)


def device_option(command: F) -> F:
    """`device`."""
    return click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")(command)


def json_option(command: F) -> F:
    """`as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one line a result.")(command)


def fit_options(task: str, epochs: int) -> Callable[[F], F]:
    """`out`, `folder`, `epochs`, `seed`, `device` and `processes`."""

    def decorate(command: F) -> F:
        for option in (
            click.option(
                "--processes",
                type=click.IntRange(1),
                help="Processes that share every batch.  [default: one a GPU, or one a core]",
            ),
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


@contextmanager
def exit_when_stopped() -> Iterator[None]:
    """End the program with EXIT_STOPPED where a fit within the block was asked to stop."""
    from ferstream.training.trainer.stopping import Stopped

    try:
        yield
    except Stopped as stopped:
        click.echo(str(stopped), err=True)
        raise click.exceptions.Exit(EXIT_STOPPED) from stopped


def evaluate_options(command: F) -> F:
    """`split`, `weights`, `runtime`, `precision`, `device` and `as_json`."""
    for option in (
        json_option,
        device_option,
        click.option("--precision", type=click.Choice(["f32", "bf16"]), default="f32", help="Arithmetic of openvino."),
        click.option(
            "--runtime", type=click.Choice(["auto", "openvino", "torch"]), default="auto", help="What computes the net."
        ),
        click.option("--weights", type=FOLDER, help="A model folder, or a classifier's run.  [default: the packaged one]"),
        click.option("--split", default="val", help="Split of the dataset or pack; all takes every picture."),
    ):
        command = option(command)
    return command


def model_options(command: F) -> F:
    """`detector_folder` and `classifier_folder`."""
    for task in ("classifier", "detector"):
        command = click.option(
            f"--{task}", f"{task}_folder", type=FOLDER, help=f"Folder of a {task}.  [default: the packaged one]"
        )(command)
    return command


def one_thread() -> None:
    """Times are those of one thread, whatever computes."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def show(figures: dict[str, Any], as_json: bool) -> None:
    """Figures as a line of JSON or as a table."""
    click.echo(json.dumps(figures) if as_json else "\n".join(as_lines(figures)))


def show_done(figures: dict[str, Any], folder: Path, results: Path) -> None:
    """What a fit reached, and where it is."""
    show(figures, as_json=False)
    click.echo(f"model: {folder}\nresults: {results}")
