"""`fer-train detector`: the commands."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup
from cloup import option

from ferstream.streams.service.command import FerGroup
from ferstream.training.commands.options import (
    FILE,
    FOLDER,
    MODELS,
    OUTPUT,
    FitCommand,
    TrainCommand,
    data_option,
    evaluate_options,
    exit_when_stopped,
    fit_options,
    json_option,
    one_thread,
    show,
    show_done,
)
from ferstream.training.common.dataset_names import face_packs

if TYPE_CHECKING:
    from ferstream.training.detector.reference_detectors import ReferenceName
    from ferstream.workers.models.registry import RuntimeName
    from ferstream.workers.models.runtimes.runtime import Precision


@cloup.group(cls=FerGroup, example="fer-train detector evaluate")
def detector() -> None:
    """The net that finds faces."""


@detector.command(cls=FitCommand, example="fer-train detector fit --out runs/detector")
@data_option
@fit_options("detector", epochs=110)
@cloup.option_group(
    "Recipe",
    option(
        "--teacher",
        type=FILE,
        show_default="yunet_n_dynamic.onnx in $FER_DATA_DIR",
        help="YuNet as ONNX: adds landmarks, and faces that nobody labelled.",
    ),
    option("--no-teacher", is_flag=True, help="Train on the labels alone; the detector then has no landmarks."),
)
def fit(
    packs: tuple[Path, ...],
    out: Path,
    folder: Path | None,
    epochs: int,
    seed: int,
    device: str,
    processes: int | None,
    teacher: Path | None,
    no_teacher: bool,
) -> None:
    """Train the detector on train, package it, and measure the packaged form on val.

    Run again to go on after an interruption. SIGTERM and Ctrl-C stop it after a step, with exit status 4. While it trains, OUT
    holds the decoded pictures: 30 times the size of the packs.
    """
    from ferstream.training.detector.face_pack import FacePack
    from ferstream.training.detector.fit import DetectorRecipe, detector_card, fit_detector
    from ferstream.training.detector.release import release_detector
    from ferstream.training.trainer.distributed import launch, usual_count
    from ferstream.training.trainer.recipe import write_results
    from ferstream.training.trainer.run import averaged_net
    from ferstream.workers.models.registry import choose_torch_device
    from ferstream.workers.models.runtimes.torch_runtime import build_net

    packs = face_packs(packs)
    teacher = None if no_teacher else teacher or _usual_teacher()
    recipe = DetectorRecipe(epochs=epochs, seed=seed)
    chosen = choose_torch_device(device)
    with exit_when_stopped():
        launch(processes or usual_count(chosen, recipe.batch_size), chosen, fit_detector, packs, teacher, out, recipe)
    folder = folder or out / "packaged"
    net = averaged_net(build_net(detector_card(landmarks=teacher is not None)), out)
    retrain = f"fer-train detector fit --epochs {epochs} --seed {seed}" + " --no-teacher" * no_teacher
    figures = release_detector(net, FacePack.open(packs, "val"), folder, retrain, taught=teacher is not None)
    inputs = (*packs, *([teacher] if teacher else []))
    show_done(figures, folder, write_results(out, recipe, inputs, folder, figures))


def _usual_teacher() -> Path:
    from ferstream.training.detector.reference_detectors import YUNET, model_file
    from ferstream.workers.models.card import ModelError

    try:
        return model_file(YUNET)
    except ModelError as error:
        raise ModelError(f"{error}; or name one with --teacher, or train on the labels alone with --no-teacher") from error


@detector.command(cls=TrainCommand, example="fer-train detector evaluate --reference opencv-ssd --reference yunet")
@data_option
@cloup.option_group(
    MODELS,
    option(
        "--reference",
        "references",
        type=click.Choice(["opencv-ssd", "yunet"]),
        multiple=True,
        help="Measure this detector too, on the same pictures; may be repeated. Its files are in $FER_DATA_DIR.",
    ),
)
@evaluate_options
def evaluate(
    packs: tuple[Path, ...],
    references: "tuple[ReferenceName, ...]",
    split: str,
    weights: Path | None,
    runtime: "RuntimeName",
    precision: "Precision",
    device: str,
    as_json: bool,
) -> None:
    """Average precision at IoU 0.5, recall and false faces at the working threshold, and milliseconds a picture on one thread."""
    from ferstream.training.detector.evaluate import evaluate_detector, finder
    from ferstream.training.detector.face_pack import FacePack
    from ferstream.training.detector.reference_detectors import open_reference
    from ferstream.workers.models.registry import open_detector

    one_thread()
    others = [open_reference(name) for name in references]
    faces = FacePack.open(face_packs(packs), split)
    ours = open_detector(weights, device, runtime, threads=1, precision=precision)
    figures = evaluate_detector(finder(ours), faces, ours.card.score_threshold)
    if others:
        rows = {other.name: evaluate_detector(other.find, faces, other.score_threshold) for other in others}
        figures = {"detectors": {ours.card.name: figures} | rows}
        if not as_json:
            figures = {"detectors": {name: _flat(row) for name, row in figures["detectors"].items()}}
    show({"split": split, "device": ours.device, **figures}, as_json)


@detector.command(
    cls=TrainCommand,
    example="fer-train detector import-opencv-ssd opencv_face_detector_uint8.pb opencv_face_detector.pbtxt --out opencv-ssd",
)
@click.argument("weights", type=FILE, metavar="WEIGHTS")
@click.argument("description", type=FILE, metavar="DESCRIPTION")
@cloup.option_group(OUTPUT, option("--out", type=FOLDER, required=True, help="Where the model folder goes."))
@json_option
def import_opencv_ssd(weights: Path, description: Path, out: Path, as_json: bool) -> None:
    """Turn OpenCV's face detector (ResNet-10 SSD, 300x300) into a model folder for fer-worker run --detector.

    WEIGHTS and DESCRIPTION are opencv_face_detector_uint8.pb and opencv_face_detector.pbtxt, or
    res10_300x300_ssd_iter_140000.caffemodel (or its _fp16 form) and deploy.prototxt. Nothing is downloaded.
    """
    from ferstream.training.opencv_ssd.importer import import_opencv_ssd

    card = import_opencv_ssd(weights, description, out)
    show({"name": card.name, "model": str(out), "sha256": card.sha256}, as_json)


def _flat(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if not isinstance(value, dict)}
