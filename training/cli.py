"""`fer-train`: datasets, and the models made from them. Only the commands that need torch import it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.streams.service.command import FerGroup, name_variables
from ferstream.streams.wire.codec import face_map
from ferstream.training.commands.classifier import classifier
from ferstream.training.commands.dataset import dataset
from ferstream.training.commands.detector import detector
from ferstream.training.commands.options import (
    FILE,
    FOLDER,
    OUTPUT,
    TrainCommand,
    device_option,
    json_option,
    model_options,
)

if TYPE_CHECKING:
    from ferstream.streams.wire.messages import Face


@cloup.group(
    cls=FerGroup, example="fer-train try holiday.jpg --out looked-at", context_settings={"auto_envvar_prefix": "FER_TRAIN"}
)
@click.version_option(package_name="ferstream", prog_name="fer-train")
def main() -> None:
    """Look at datasets, and train and measure the two models.

    Packs are read from --data or --dataset, or from the folder in FER_DATA_DIR.
    """


main.add_command(dataset)
main.add_command(detector)
main.add_command(classifier)


@main.command("summary", cls=TrainCommand, example="fer-train summary")
@model_options
def summary_of_models(detector_folder: Path | None, classifier_folder: Path | None) -> None:
    """What the packaged models reach, by their cards, as two tables in Markdown."""
    from ferstream.training.release.summary import summary
    from ferstream.workers.models.card import PACKAGED, ModelCard

    folders = (detector_folder or PACKAGED["detector"], classifier_folder or PACKAGED["classifier"])
    click.echo("\n".join(summary(*(ModelCard.read(folder) for folder in folders))))


@main.command("try", cls=TrainCommand, example="fer-train try holiday.jpg --out looked-at")
@click.argument("pictures", nargs=-1, required=True, type=FILE)
@cloup.option_group(OUTPUT, option("--out", type=FOLDER, help="Write NAME-faces.jpg there, with boxes and names on it."))
@model_options
@device_option
@json_option
def try_models(
    pictures: tuple[Path, ...],
    out: Path | None,
    detector_folder: Path | None,
    classifier_folder: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Say of your own PICTURES what a worker would: where faces are, and their apparent expression."""
    from ferstream.training.classifier.try_pictures import draw, write_picture
    from ferstream.workers.faces.picture import read_picture
    from ferstream.workers.faces.recognizer import FaceRecognizer

    recognizer = FaceRecognizer.open(device, detector=detector_folder, classifier=classifier_folder, threads=1)
    for path in pictures:
        picture = read_picture(path)
        (faces,) = recognizer(picture)
        line = {"picture": str(path), "faces": [face_map(face) for face in faces]}
        click.echo(json.dumps(line) if as_json else _as_text(path, faces))
        if out is not None:
            write_picture(out / f"{path.stem}-faces.jpg", draw(picture, faces))


def _as_text(path: Path, faces: "list[Face]") -> str:
    lines = [f"{path}: {len(faces)} face{'' if len(faces) == 1 else 's'}"]
    for face in faces:
        box = ",".join(f"{value:.0f}" for value in face.box)
        sure = "    " if face.confidence is None else f"{face.confidence:4.0%}"
        lines.append(f"  {face.emotion:<9}  {sure}  box {box}  score {face.score:.2f}  quality {face.quality:.2f}")
    return "\n".join(lines)


name_variables(main, "FER_TRAIN", by_command=True)


if __name__ == "__main__":
    main()
