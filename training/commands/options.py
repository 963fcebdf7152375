"""Options that several commands of `fer-train` share, and how figures are shown."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import cloup
from cloup import option

from ferstream.streams.errors import how_to_install
from ferstream.streams.service.command import Failure, FerCommand
from ferstream.training.common.dataset_names import Dataset, DatasetError
from ferstream.training.common.tables import as_lines

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

#: Exit status of a fit that was asked to stop, and goes on when it is called again.
EXIT_STOPPED = 4
#: Seeds that every library takes.
LARGEST_SEED = 2**32 - 1
OUTPUT, MODELS = "Output", "Models"  # titles of groups of options


class TrainCommand(FerCommand):
    """Logs warnings, unless more is asked for; a library that is not installed ends as one line that says how to get it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*args, log_level="warning", **kwargs)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise Failure(f"{error.name} is not installed: {how_to_install('train')}") from error


class FitCommand(TrainCommand):
    """A fit, which ends with EXIT_STOPPED where a signal stops it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*args, exits={EXIT_STOPPED: "stopped by a signal; the same command goes on"}, **kwargs)


def as_dataset(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Dataset | None:
    """Parse the dataset that FOLDER or SCHEME:PACK.npz names, for click."""
    try:
        return Dataset.parse(text) if text is not None else None
    except DatasetError as error:
        raise click.BadParameter(str(error)) from error


def data_option(command: F) -> F:
    """Add --data, the parameter `packs`."""
    return cloup.option_group(
        "Data",
        option(
            "--data",
            "packs",
            type=FILE,
            multiple=True,
            metavar="PACK.npz",
            show_default="faces_trainval_*.npz in $FER_DATA_DIR",
            help="A face pack; may be repeated.",
        ),
    )(command)


def dataset_option(command: F) -> F:
    """Add --dataset, the parameter `dataset`."""
    return cloup.option_group(
        "Data",
        option(
            "--dataset",
            callback=as_dataset,
            metavar="FOLDER|ferplus:PACK.npz",
            show_default="for packaged: ferplus_trainval.npz in $FER_DATA_DIR",
            help="study: a prepared dataset; packaged: a FER+ pack.",
        ),
    )(command)


def device_option(command: F) -> F:
    """Add --device, the parameter `device`."""
    return cloup.option_group("Speed", option("--device", default="auto", help="auto, cpu, cuda or cuda:N."))(command)


def json_option(command: F) -> F:
    """Add --json, the parameter `as_json`."""
    return cloup.option_group(OUTPUT, option("--json", "as_json", is_flag=True, help="Print JSON, one line a result."))(command)


def processes_option(what: str, default: str = "one a core") -> Callable[[F], F]:
    """A decorator that adds --processes, the parameter `processes`; `what` says what they do."""
    said = f"Processes that {what}."
    return cloup.option_group("Speed", option("--processes", type=click.IntRange(1), show_default=default, help=said))


def fit_options(task: str, epochs: int) -> Callable[[F], F]:
    """A decorator that adds the parameters `out`, `folder`, `epochs`, `seed`, `device` and `processes`."""

    def decorate(command: F) -> F:
        command = processes_option("share every batch", "one a GPU, or one a core")(command)
        command = device_option(command)
        command = cloup.option_group(
            "Recipe",
            option("--epochs", type=click.IntRange(1), default=epochs, help="Passes over the training split."),
            option("--seed", type=click.IntRange(0, LARGEST_SEED), default=0, help="Everything drawn at random follows from it."),
        )(command)
        return cloup.option_group(
            OUTPUT,
            option("--out", type=FOLDER, default=Path("runs") / task, help="Checkpoint, history and results; goes on there."),
            option(
                "--package",
                "folder",
                type=FOLDER,
                show_default="OUT/packaged",
                help=f"Where the model goes; workers/models/weights/{task} makes it the packaged one.",
            ),
        )(command)

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
    """Add the parameters `split`, `weights`, `runtime`, `precision`, `device` and `as_json`."""
    command = device_option(json_option(command))
    command = cloup.option_group(
        MODELS,
        option("--weights", type=FOLDER, show_default="the packaged one", help="A model folder, or a classifier's run."),
        option("--runtime", type=click.Choice(["auto", "openvino", "torch"]), default="auto", help="What computes the net."),
        option("--precision", type=click.Choice(["f32", "bf16"]), default="f32", help="Arithmetic of openvino."),
    )(command)
    return cloup.option_group(
        "Data", option("--split", default="val", help="Split of the dataset or pack; all takes every picture.")
    )(command)


def model_options(command: F) -> F:
    """Add --detector and --classifier, the parameters `detector_folder` and `classifier_folder`."""
    return cloup.option_group(
        MODELS,
        *(
            option(f"--{task}", f"{task}_folder", type=FOLDER, show_default="the packaged one", help=f"Folder of a {task}.")
            for task in ("detector", "classifier")
        ),
    )(command)


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
