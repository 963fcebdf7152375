"""`fer-train classifier`: the commands that make one."""

from pathlib import Path
from typing import Any

import click
import cloup
from cloup import option

from ferstream.streams.service.command import FerGroup
from ferstream.training.commands.classifier_measure import compare, complexity, evaluate
from ferstream.training.commands.options import (
    FOLDER,
    OUTPUT,
    FitCommand,
    TrainCommand,
    data_option,
    dataset_option,
    exit_when_stopped,
    fit_options,
    show_done,
)
from ferstream.training.commands.study_options import StudySettings, refuse, said, study_options
from ferstream.training.common.dataset_names import Dataset, face_packs, ferplus_pack


@cloup.group(cls=FerGroup, example="fer-train classifier evaluate")
def classifier() -> None:
    """The net that names expressions."""


for measure in (evaluate, compare, complexity):
    classifier.add_command(measure)


@classifier.command(
    cls=FitCommand,
    example="""\
fer-train classifier fit --out runs/classifier
fer-train classifier fit --preset vit-b16-sam --dataset avfer --out runs/sam""",
)
@dataset_option
@study_options
@data_option
@fit_options("classifier", epochs=16)
@cloup.option_group(
    "Recipe",
    option("--learning-rate", type=click.FloatRange(0, min_open=True), default=2e-3, help="The highest of the run."),
    option(
        "--start",
        type=FOLDER,
        show_default="random weights",
        help="packaged: a model folder whose weights the fit begins with.",
    ),
    option("--no-colour", is_flag=True, help="packaged: train without faces in colour, cut from the face packs."),
)
def fit(dataset: Dataset | None, out: Path, device: str, processes: int | None, **options: Any) -> None:  # noqa: ANN401
    """Train a classifier: the packaged one anew, or one of the study's on a prepared dataset.

    With --preset packaged, on a FER+ pack: train on train, package, measure the packaged form on val. With another preset or
    --config, on a dataset that `fer-train dataset prepare` made: OUT (runs/NAME unless set) gets the best weights, the history
    and a page about the run; `classifier evaluate`, `compare` and `export` go on from there. Presets have epochs, a seed and a
    learning rate of their own, which --epochs, --seed and --learning-rate change.

    Run the same command again to go on after an interruption. SIGTERM and Ctrl-C stop it after a step, with exit status 4.
    The GPUs of one machine share a fit as they are; for several machines: torchrun -m ferstream.training.cli classifier fit.
    """
    study = StudySettings.take(options)
    if study.chosen():
        refuse(["packs", "folder", "start", "no_colour"], "--preset packaged")
        _fit_study(dataset, study, out, device, processes)
    else:
        refuse(StudySettings.options(), "a run of the study: choose a --preset or --config")
        _fit_packaged(dataset, out, device, processes, **options)


@classifier.command(cls=TrainCommand, example="fer-train classifier export runs/sam")
@click.argument("run", type=FOLDER)
@cloup.option_group(OUTPUT, option("--out", type=FOLDER, show_default="RUN/model", help="The model folder."))
def export(run: Path, out: Path | None) -> None:
    """Make the model folder of a run's best weights, which `fer-worker run --classifier` serves.

    It holds safetensors for torch, ONNX for OpenVINO, and a card with the run's temperature and figures, where
    `classifier evaluate` has measured it. It is written only if both forms answer the same crops alike.
    """
    from ferstream.training.study.records.run_folder import RunFolder
    from ferstream.training.study.train.export import export_run

    folder = out or run / "model"
    made = export_run(RunFolder(run), folder)
    if made.remark:
        click.echo(made.remark)
    click.echo(f"torch and OpenVINO answer alike\nmodel: {folder}")


def _fit_study(dataset: Dataset | None, study: StudySettings, out: Path, device: str, processes: int | None) -> None:
    from ferstream.training.study.records.run_folder import RunFolder
    from ferstream.training.study.train.fit import fit as fit_study
    from ferstream.training.study.train.loading import processes_for
    from ferstream.training.trainer import distributed
    from ferstream.workers.models.registry import choose_torch_device

    if dataset is None:
        raise click.UsageError("name the dataset that `fer-train dataset prepare` made: --dataset DIR")
    config, chosen = study.config(), choose_torch_device(device)
    out = out if said("out") else Path("runs") / config.name
    arguments = (config, dataset.path, out, study.workers)
    with exit_when_stopped():
        if distributed.under_torchrun():
            refuse(["processes"], "fits that torchrun does not start")
            first = distributed.join_torchrun(chosen, fit_study, *arguments)
        else:
            distributed.launch(processes or processes_for(config, chosen), chosen, fit_study, *arguments)
            first = True
    if first:
        best = max(RunFolder(out).history(), key=lambda row: row["val_accuracy"])
        click.echo(f"best validation accuracy: {best['val_accuracy']:.4f}, after epoch {best['epoch']:.0f}\nrun: {out}")


def _fit_packaged(
    dataset: Dataset | None,
    out: Path,
    device: str,
    processes: int | None,
    *,
    packs: tuple[Path, ...],
    folder: Path | None,
    epochs: int,
    seed: int,
    learning_rate: float,
    start: Path | None,
    no_colour: bool,
) -> None:
    from ferstream.training.classifier.ferplus_pack import FerPlus
    from ferstream.training.classifier.fit import ClassifierRecipe, classifier_card, fit_classifier
    from ferstream.training.classifier.release import release_classifier
    from ferstream.training.detector.face_pack import FacePack
    from ferstream.training.release.licences import face_sources
    from ferstream.training.trainer.distributed import launch, under_torchrun, usual_count
    from ferstream.training.trainer.recipe import write_results
    from ferstream.training.trainer.run import averaged_net
    from ferstream.workers.models.registry import choose_torch_device
    from ferstream.workers.models.runtimes.torch_runtime import build_net

    if under_torchrun():
        raise click.UsageError("--preset packaged starts its own --processes: call it without torchrun")
    pack = ferplus_pack(dataset)
    coloured = () if no_colour else face_packs(packs)
    recipe = ClassifierRecipe(epochs=epochs, seed=seed, learning_rate=learning_rate)
    chosen = choose_torch_device(device)
    count = processes or usual_count(chosen, recipe.batch_size)
    with exit_when_stopped():
        launch(count, chosen, fit_classifier, pack, coloured, start, out, recipe)
    folder = folder or out / "packaged"
    net = averaged_net(build_net(classifier_card()), out)
    retrain = f"fer-train classifier fit --epochs {epochs} --seed {seed} --learning-rate {learning_rate:g}"
    retrain += f" --start {start}" * bool(start) + " --no-colour" * no_colour
    sources = face_sources(FacePack.open(coloured, "train").sources()) if coloured else ()
    figures = release_classifier(net, FerPlus.open(pack, "val"), pack.name, sources, folder, retrain)
    show_done(figures["majority"], folder, write_results(out, recipe, (pack, *coloured), folder, figures))
