"""`fer-train classifier`: the commands that measure one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup
from cloup import option

from ferstream.training.commands.options import (
    FOLDER,
    OUTPUT,
    TrainCommand,
    as_dataset,
    evaluate_options,
    json_option,
    one_thread,
    show,
)
from ferstream.training.common.dataset_names import Dataset, ferplus_pack

if TYPE_CHECKING:
    from ferstream.training.classifier.ferplus_pack import Protocol
    from ferstream.workers.models.registry import RuntimeName
    from ferstream.workers.models.runtimes.runtime import Precision


@cloup.command(
    cls=TrainCommand,
    example="""\
fer-train classifier evaluate --conditions
fer-train classifier evaluate --weights runs/sam --dataset avfer --split test""",
)
@cloup.option_group(
    "Data",
    option(
        "--dataset",
        callback=as_dataset,
        metavar="FOLDER|ferplus:PACK.npz",
        show_default="ferplus_trainval.npz in $FER_DATA_DIR",
        help="A prepared dataset, or a FER+ pack.",
    ),
    option(
        "--protocol",
        type=click.Choice(["majority", "argmax8"]),
        default="majority",
        help="Of a FER+ pack. majority: over half of the votes; argmax8: the largest of the eight emotions.",
    ),
    option("--conditions", is_flag=True, help="Also on smaller, darker and turned faces, and as the detector finds them."),
)
@cloup.option_group(
    OUTPUT,
    option("--out", type=FOLDER, show_default="RUN/evaluation for a run, else nowhere", help="Where the report goes."),
    option(
        "--explain",
        type=click.IntRange(0, 8),
        default=1,
        help="Surest right and wrong answers of each class that the report shows with attention rollout and Grad-CAM.",
    ),
    option(
        "--picture",
        "pictures",
        multiple=True,
        metavar="ORIGIN|FILE",
        help="A picture that the report shows with its answer and maps: its name in the column origin of predictions.csv, or a "
        "file of your own, cut to one face. May be repeated.",
    ),
)
@cloup.option_group(
    "Speed",
    option("--threads", type=click.IntRange(1), show_default="one a core", help="CPU threads for a report."),
)
@evaluate_options
def evaluate(
    dataset: Dataset | None,
    weights: Path | None,
    out: Path | None,
    conditions: bool,
    as_json: bool,
    pictures: tuple[str, ...],
    **options: Any,  # noqa: ANN401 - click's options, by their names
) -> None:
    """Accuracy, F1 and recall by class, calibration after the card's temperature, and what is left unknown.

    --weights takes a model folder, or a run's folder with its best weights. Of a prepared dataset, of a run, and with --out all
    figures are a report: report.json, tables, pictures and index.html. A FER+ pack without --out is measured in one thread, and
    printed as the model cards quote it.
    """
    from ferstream.training.study.records.run_folder import CONFIG

    is_run = weights is not None and (weights / CONFIG).exists()
    if out is None and not is_run and (dataset is None or dataset.scheme != "avfer"):
        if pictures:
            raise click.UsageError("--picture is for a report: say with --out where it goes")
        _print_pack(ferplus_pack(dataset), weights, conditions, as_json, **options)
        return
    if conditions:
        raise click.UsageError("--conditions is for a FER+ pack and a model folder, without --out")
    _report(dataset or Dataset("ferplus", ferplus_pack(None)), weights, out, as_json, pictures, **options)


def _print_pack(
    pack: Path,
    weights: Path | None,
    conditions: bool,
    as_json: bool,
    *,
    protocol: "Protocol",
    split: str,
    runtime: "RuntimeName",
    precision: "Precision",
    device: str,
    **_report_only: object,
) -> None:
    from ferstream.training.classifier.evaluate import evaluate_classifier
    from ferstream.training.classifier.ferplus_pack import FerPlus
    from ferstream.training.classifier.release import made_figures
    from ferstream.workers.models.registry import open_classifier

    one_thread()
    data = FerPlus.open(pack, split)
    ours = open_classifier(weights, device, runtime, threads=1, precision=precision)
    figures = evaluate_classifier(ours, data, split, protocol)
    show({"split": split, **figures, **(made_figures(ours, data) if conditions else {})}, as_json)


def _report(
    dataset: Dataset,
    weights: Path | None,
    out: Path | None,
    as_json: bool,
    pictures: tuple[str, ...],
    *,
    protocol: "Protocol",
    split: str,
    runtime: "RuntimeName",
    precision: "Precision",
    device: str,
    threads: int | None,
    explain: int,
) -> None:
    import torch

    from ferstream.training.common.parallel import usual_processes
    from ferstream.training.study.evaluate.evaluated_model import EvaluatedModel
    from ferstream.training.study.evaluate.evaluation import evaluate as measure
    from ferstream.training.study.evaluate.evaluation import in_short
    from ferstream.training.study.evaluate.evaluation_files import write_evaluation

    threads = threads or usual_processes()
    one_thread()
    torch.set_num_threads(threads)
    measured = EvaluatedModel.open(weights, device, runtime, precision, threads)
    evaluation = measure(measured, dataset, split, protocol, threads, pictures)
    folder = out or measured.usual_out()
    page = write_evaluation(evaluation, measured, folder, explain) if folder else None
    show(evaluation.figures if as_json else in_short(evaluation.figures), as_json)
    if page and not as_json:
        click.echo(f"report: {page}")


@cloup.command(cls=TrainCommand, example="fer-train classifier compare runs/vit-b16-s runs/vit-b16-sam")
@click.argument("runs", nargs=-1, required=True, type=FOLDER, metavar="RUN...")
@cloup.option_group(
    OUTPUT,
    option(
        "--out",
        type=FOLDER,
        default=Path("runs") / "comparison",
        help="Where index.html, comparison.json, tables and pictures go.",
    ),
)
@json_option
def compare(runs: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Set runs side by side: sizes, figures and curves as the study shows them, and whether differences are more than chance.

    RUN is a run's folder, evaluated before with `fer-train classifier evaluate --weights RUN`; the folder of a report, as
    --out of that command names it, stands for a model without a run.
    """
    from ferstream.training.study.compare.comparison import Comparison
    from ferstream.training.study.compare.comparison_files import write_comparison
    from ferstream.training.study.compare.comparison_page import as_table

    comparison = Comparison.of(runs)
    page = write_comparison(comparison, out)
    if as_json:
        show(comparison.figures(), as_json)
    else:
        click.echo("\n".join([*as_table(comparison), f"page: {page}"]))


@cloup.command(cls=TrainCommand, example="fer-train classifier complexity vit_base_patch16_224")
@click.argument("models", nargs=-1, metavar="[PRESET|RUN|MODEL|NAME]...")
@json_option
def complexity(models: tuple[str, ...], as_json: bool) -> None:
    """Parameters, and FLOPs (multiply-adds), of presets, folders of runs and models, and nets of timm's.

    FLOPs are multiply-adds, which is what the study's figures come to.

    Without any: the nets of the study with their ImageNet heads, beside its Table 1, and the presets. No weights are needed.
    """
    from ferstream.training.study.evaluate.complexity import as_lines, rows_of, study_rows

    rows = rows_of(models) if models else study_rows()
    show({"models": rows}, as_json=True) if as_json else click.echo("\n".join(as_lines(rows)))
