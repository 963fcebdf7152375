"""`fer-train classifier`: the commands."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.datasets import Dataset, face_packs, ferplus_pack
from training.options import FOLDER, data_option, dataset_option, evaluate_options, fit_options, one_thread, show, show_done

if TYPE_CHECKING:
    from training.ferplus import Protocol
    from workers.models.registry import RuntimeName
    from workers.models.runtime import Precision


@click.group()
def classifier() -> None:
    """The net that names expressions."""


@classifier.command()
@dataset_option
@data_option
@fit_options("classifier", epochs=16)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=2e-3, help="The highest of the run.")
@click.option("--start", type=FOLDER, help="A model folder whose weights the fit begins with.  [default: random weights]")
@click.option("--no-colour", is_flag=True, help="Train without faces in colour, cut from the face packs.")
def fit(
    dataset: Dataset | None,
    packs: tuple[Path, ...],
    out: Path,
    folder: Path | None,
    epochs: int,
    seed: int,
    device: str,
    processes: int | None,
    learning_rate: float,
    start: Path | None,
    no_colour: bool,
) -> None:
    """Train the classifier on train, package it, and measure the packaged form on val.

    Run again to go on after an interruption.
    """
    from training.classifier_fit import ClassifierRecipe, classifier_card, fit_classifier
    from training.classifier_release import release_classifier
    from training.faces import FacePack
    from training.ferplus import FerPlus
    from training.licences import face_sources
    from training.ranks import run_ranks, usual_count
    from training.results import write_results
    from training.run import averaged_net
    from workers.models.registry import choose_torch_device
    from workers.models.torch_runtime import build_net

    pack = ferplus_pack(dataset)
    coloured = () if no_colour else face_packs(packs)
    recipe = ClassifierRecipe(epochs=epochs, seed=seed, learning_rate=learning_rate)
    chosen = choose_torch_device(device)
    run_ranks(processes or usual_count(chosen, recipe.batch_size), chosen, fit_classifier, pack, coloured, start, out, recipe)
    folder = folder or out / "packaged"
    net = averaged_net(build_net(classifier_card()), out)
    retrain = f"fer-train classifier fit --epochs {epochs} --seed {seed} --learning-rate {learning_rate:g}"
    retrain += f" --start {start}" * bool(start) + " --no-colour" * no_colour
    sources = face_sources(FacePack.open(coloured, "train").sources()) if coloured else ()
    figures = release_classifier(net, FerPlus.open(pack, "val"), pack.name, sources, folder, retrain)
    show_done(figures["majority"], folder, write_results(out, recipe, (pack, *coloured), folder, figures))


@classifier.command()
@dataset_option
@click.option(
    "--protocol",
    type=click.Choice(["majority", "argmax8"]),
    default="majority",
    help="majority: over half of the votes; argmax8: the largest of the eight emotions.",
)
@click.option("--conditions", is_flag=True, help="Also on smaller, darker and turned faces, and as the detector finds them.")
@evaluate_options
def evaluate(
    dataset: Dataset | None,
    protocol: "Protocol",
    conditions: bool,
    split: str,
    weights: Path | None,
    runtime: "RuntimeName",
    precision: "Precision",
    device: str,
    as_json: bool,
) -> None:
    """Accuracy, F1 and recall by class, calibration after the card's temperature, and what is left unknown."""
    from training.classifier_evaluate import evaluate_classifier
    from training.classifier_release import made_figures
    from training.ferplus import FerPlus
    from workers.models.registry import open_classifier

    one_thread()
    data = FerPlus.open(ferplus_pack(dataset), split)
    ours = open_classifier(weights, device, runtime, threads=1, precision=precision)
    figures = evaluate_classifier(ours, data, split, protocol)
    show({"split": split, **figures, **(made_figures(ours, data) if conditions else {})}, as_json)
