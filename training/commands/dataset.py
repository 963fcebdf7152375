"""`fer-train dataset`: the commands."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup
from cloup import option

from ferstream.streams.service.command import FerGroup
from ferstream.training.commands.options import FOLDER, OUTPUT, TrainCommand, json_option, processes_option, show
from ferstream.training.common.dataset_names import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferstream.training.dataset.prepare.manifest import Prepared
    from ferstream.training.sources.catalogue import Named


_OUT = cloup.option_group(
    OUTPUT, option("--out", type=FOLDER, required=True, help="Folder of the dataset that is made; goes on there.")
)


@cloup.group(cls=FerGroup, example="fer-train dataset inspect fer2013.csv CK+48")
def dataset() -> None:
    """Data to train on."""


@dataset.command(
    cls=TrainCommand, example="fer-train dataset inspect fer2013.csv CK+48 affectnet:/data/AffectNet --out looked-at"
)
@click.argument("paths", nargs=-1, required=True, metavar="[SCHEME:]PATH...")
@cloup.option_group(
    "Pictures",
    option("--strict", is_flag=True, help="Stop at the first thing that is wrong, instead of counting it."),
    option(
        "--distance",
        type=click.IntRange(0, 47),
        show_default="40",
        help="Bits of 256 in which the hashes of near duplicates may differ.",
    ),
)
@cloup.option_group(
    OUTPUT,
    option("--out", type=FOLDER, help="Write index.html, report.json, duplicates.csv and the page's pictures there."),
)
@json_option
@processes_option("look at pictures")
def inspect(
    paths: tuple[str, ...], out: Path | None, strict: bool, processes: int | None, distance: int | None, as_json: bool
) -> None:
    """Look at the pictures of datasets: classes, sizes, colours, and what is there twice.

    Several PATHs are compared with each other. Each is a published dataset in its own layout (fer2013, ferplus, affectnet,
    raf-db, ck+), recognised or named as SCHEME:PATH, or a prepared dataset, as FOLDER or avfer:FOLDER. One pack alone
    (ferplus:PACK.npz, or a face pack as PACK.npz) is only counted, unless --out is given.
    """
    if out is None and len(paths) == 1 and (pack := _pack(paths[0])):
        from ferstream.training.dataset.inspect.pack_counts import inspect as counts

        show(counts(pack), as_json)
        return
    from ferstream.training.common.parallel import usual_processes
    from ferstream.training.dataset.inspect.analysis import analyse
    from ferstream.training.dataset.inspect.inputs import named, part_of
    from ferstream.training.dataset.inspect.output_folder import check_folder
    from ferstream.training.dataset.inspect.page import write_analysis
    from ferstream.training.dataset.inspect.report import lines, report
    from ferstream.training.dataset.prepare.fingerprints import DISTANCE

    parts = [part_of(one) for one in _sources(paths, named)]
    if out is not None:
        check_folder(out)
    analysis = analyse(parts, processes or usual_processes(), DISTANCE if distance is None else distance, strict=strict)
    page = write_analysis(analysis, out) if out is not None else None
    click.echo(json.dumps(report(analysis)) if as_json else "\n".join(lines(analysis)))
    if page is not None:
        click.echo(f"page: {page}", err=as_json)


@dataset.command(cls=TrainCommand, example="fer-train dataset prepare fer2013.csv CK+48 affectnet:/data/AffectNet --out avfer")
@click.argument("sources", nargs=-1, required=True, metavar="[SCHEME:]PATH...")
@cloup.option_group(
    "Splits",
    option(
        "--splits",
        type=click.Choice(["study", "published"]),
        default="study",
        help="study: balanced validation and test from --held-out, the rest to train on; published: the sources' own.",
    ),
    option("--held-out", multiple=True, default=("affectnet",), help="study: a source of validation and test; may be repeated."),
    option(
        "--per-class",
        type=click.IntRange(1),
        default=500,
        help="study: pictures of each emotion in validation, and as many in test.",
    ),
    option("--seed", type=click.IntRange(0), default=0, help="Everything drawn at random follows from it."),
)
@cloup.option_group(
    "Pictures",
    option("--largest-side", type=click.IntRange(8), default=256, help="px; larger faces are made smaller."),
    option(
        "--distance",
        type=click.IntRange(0, 47),
        default=40,
        help="Bits of 256 in which the hashes of near duplicates may differ; near duplicates never are in two splits.",
    ),
    option("--strict", is_flag=True, help="Stop at the first thing that is wrong, instead of counting it."),
)
@_OUT
@json_option
@processes_option("make pictures")
def prepare(sources: tuple[str, ...], out: Path, processes: int | None, strict: bool, as_json: bool, **settings: Any) -> None:  # noqa: ANN401 - settings by name
    """Make one dataset of published ones: JPEG faces, a manifest (Parquet), and splits that share no person and no picture.

    Run again, it goes on where it stopped; the same sources and settings give the same bytes.
    """
    from ferstream.training.common.parallel import usual_processes
    from ferstream.training.dataset.prepare.prepare import PrepareSettings
    from ferstream.training.dataset.prepare.prepare import prepare as made

    _show_made(made(_sources(sources), out, PrepareSettings(**settings), processes or usual_processes(), strict=strict), as_json)


@dataset.command(cls=TrainCommand, example="fer-train dataset augment avfer --out avfer-balanced --target 20000")
@click.argument("original", type=FOLDER, metavar="DATASET")
@cloup.option_group(
    "Copies",
    option("--target", type=click.IntRange(1), default=20_000, help="Training samples of each emotion."),
    option("--zoom", type=click.FloatRange(0, 1, max_open=True), default=0.6, help="Each axis by 1 - ZOOM to 1 + ZOOM."),
    option("--rotation", type=click.FloatRange(0, 180), default=10.0, help="Degrees, either way."),
    option("--shift", type=click.FloatRange(0, 1, max_open=True), default=0.2, help="Shares of height and width, either way."),
    option(
        "--brightness",
        type=click.FloatRange(0),
        nargs=2,
        default=(0.2, 0.6),
        help="Least and most that values are multiplied by.",
    ),
    option("--flip/--no-flip", default=True, help="Mirror half of the copies."),
    option("--seed", type=click.IntRange(0), default=0, help="Everything drawn at random follows from it."),
)
@_OUT
@json_option
@processes_option("make pictures")
def augment(original: Path, out: Path, target: int, seed: int, processes: int | None, as_json: bool, **ranges: Any) -> None:  # noqa: ANN401 - ranges by name
    """Balance the training split of a prepared DATASET: augmented copies of rare emotions, fewer samples of frequent ones.

    Copies are made with the semantics of Keras's ImageDataGenerator; validation and test stay. Originals are hard links where the
    disk allows it. Run again, it goes on where it stopped.
    """
    from ferstream.training.common.parallel import usual_processes
    from ferstream.training.dataset.augment.augment import AugmentSettings
    from ferstream.training.dataset.augment.augment import augment as made
    from ferstream.training.dataset.augment.augmentation import Ranges

    _show_made(made(original, out, AugmentSettings(target, Ranges(**ranges), seed), processes or usual_processes()), as_json)


def _show_made(prepared: "Prepared", as_json: bool) -> None:
    """What a dataset holds, and where it is."""
    from ferstream.training.dataset.prepare.counts import as_table

    show(prepared.about if as_json else as_table(prepared.about), as_json)
    click.echo(f"dataset: {prepared.folder}", err=as_json)


def _pack(text: str) -> Dataset | None:
    """The pack that is named, or None where something else is."""
    scheme, colon, path = text.partition(":")
    is_pack = scheme == "faces" if colon and scheme != "ferplus" else text.endswith(".npz")
    return Dataset.parse(text) if is_pack and (path or not colon) else None


def _sources(paths: tuple[str, ...], named: "Callable[[str], Named] | None" = None) -> "list[Named]":
    """What the paths name: published datasets, or whatever `named` knows. Raises BadParameter."""
    from ferstream.training.sources.catalogue import parse
    from ferstream.training.sources.sample import SourceError

    if any(path.startswith("faces:") for path in paths):
        raise click.BadParameter("a face pack has boxes, not emotions: inspect it alone and without --out")
    try:
        return [(named or parse)(path) for path in paths]
    except SourceError as error:
        raise click.BadParameter(str(error)) from error
