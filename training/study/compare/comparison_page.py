"""A comparison as one page for people, and as a table for a terminal."""

from collections.abc import Mapping
from typing import Any

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.html_page import Page
from ferstream.training.study.compare.comparison import ComparedRun, Comparison
from ferstream.training.study.evaluate.evaluation_page import NAMES, NBSP, billions, millions, percent, speed, with_interval
from ferstream.training.study.records.accuracies import ACCURACIES, SEVEN, STUDYS_SEVEN
from ferstream.training.study.records.published import RELATED, SOURCE, STUDY, StudyModel

COLUMNS = ("accuracy, eight", "seven, without contempt pictures", "seven, without pictures and output")


def comparison_page(comparison: Comparison, pictures: Mapping[str, bytes]) -> Page:
    """The page of a comparison and its pictures by name; it is not written yet."""
    page = Page("Comparison of " + ", ".join(run.name for run in comparison.runs))
    _table_1(page, comparison)
    _tests(page, comparison)
    _curves(page, comparison, pictures)
    _appendix_a(page, comparison)
    _appendix_b(page, comparison, pictures)
    return page


def _table_1(page: Page, comparison: Comparison) -> None:
    page.section("Table 1")
    for remark in comparison.remarks():
        page.warning(remark)
    page.table(
        ["model", "parameters", "FLOPs", *COLUMNS, "F1, weighted", "F1, each class alike", "ECE", "faces/s"],
        [_row(run) for run in comparison.runs] + [_study_row(model) for model in STUDY],
    )
    page.text(
        f"Accuracies have their 95 % intervals beside them. The study's rows are as printed in Table 1 of {SOURCE}: measured on "
        "4,000 pictures of AffectNet, other faces than these; sizes fit ImageNet's heads of 1,000 classes, and heads of eight "
        f"have fewer parameters. FLOPs are multiply-adds, which is what the study's figures come to. Related: {RELATED}."
    )
    for name, what in SEVEN.items():
        page.text(f"{NAMES[name].capitalize()}: {what}.")
    page.text(STUDYS_SEVEN.replace("seven_", "over seven ").replace("_", " "))
    if comparison.measured:
        speeds = "; ".join(f"{run.name} {speed(run.report['throughput'])}" for run in comparison.measured if run.report)
        page.text(f"Throughput: {speeds}.")


def _study_row(model: StudyModel) -> list[object]:
    size = [f"{model.name}{NBSP}(study)", millions(model.parameters), billions(model.flops)]
    figures = [percent(model.accuracy), percent(model.accuracy_without_contempt), None, percent(model.f1)]
    return [*size, *figures, None, None, None]


def _row(run: ComparedRun) -> list[object]:
    size: list[object] = [run.name, millions(run.size.parameters), billions(run.size.flops)]
    if run.report is None:
        return [*size, *["not evaluated"] * len(COLUMNS), *[None] * 4]
    report = run.report
    accuracies = [with_interval(report["accuracy"][name]) for name in ACCURACIES]
    f1 = [percent(report["averages"][kind]["f1"]) for kind in ("weighted", "macro")]
    return [*size, *accuracies, *f1, percent(report["calibration"]["ece"]), round(report["throughput"]["faces_per_s"], 1)]


def _tests(page: Page, comparison: Comparison) -> None:
    page.section("More than chance?")
    if not comparison.pairs:
        page.text("No two of these were measured on the same faces: nothing can be tested.")
        return
    page.text(
        "McNemar's exact test on the faces that only one of two has right. p is how often chance alone makes such a difference "
        "where neither is better; Holm's p takes into account how many pairs are tested, and is what the last column goes by "
        "(0.05). It says nothing of what another seed of the same training would give."
    )
    page.table(
        ["pair", "faces", "only the first right", "only the second right", "p", "Holm's p", "so"],
        [
            [f"{pair.one}, {pair.two}", pair.n, pair.only_one, pair.only_two, _p(pair.p), _p(pair.p_holm), pair.words()]
            for pair in comparison.pairs
        ],
    )


def _p(value: float) -> str:
    return f"<{NBSP}0.0001" if value < 1e-4 else f"{value:.4f}"


def _curves(page: Page, comparison: Comparison, pictures: Mapping[str, bytes]) -> None:
    page.section("Figures 11 and 12")
    for kind in ("accuracy", "loss"):
        if kind in pictures:
            page.figure(pictures[kind], f"{kind.capitalize()} over epochs: training at the left, validation at the right")
    if without := [run.name for run in comparison.runs if not run.history]:
        page.text(f"Without a history: {', '.join(without)}.")


def _appendix_a(page: Page, comparison: Comparison) -> None:
    page.section("Appendix A")
    for key, name in (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1")):
        page.heading(f"{name} of each class")
        rows = [
            [emotion, *(percent(_class_of(run, emotion)[key]) for run in comparison.measured)]
            for emotion in EMOTIONS
        ]  # fmt: skip
        page.table(["emotion", *(run.name for run in comparison.measured)], rows)


def _class_of(run: ComparedRun, emotion: str) -> dict[str, Any]:
    return dict(run.report["per_class"][emotion]) if run.report else {}


def _appendix_b(page: Page, comparison: Comparison, pictures: Mapping[str, bytes]) -> None:
    page.section("Appendix B")
    for place, run in enumerate(comparison.measured, 1):
        page.heading(run.name)
        page.figure(pictures[f"confusion-{place}"], f"{run.name}: a row is a label, a column an answer")


def as_table(comparison: Comparison) -> list[str]:
    """The lines of a comparison for a terminal: sizes and figures, tests of pairs, remarks."""
    wide = max(len(run.name) for run in comparison.runs)
    lines = [f"{'model':<{wide}}  {'parameters':>10}  {'FLOPs':>8}  {'eight':>25}  {'seven':>8}  {'F1':>8}  {'ECE':>8}"]
    for run in comparison.runs:
        line = f"{run.name:<{wide}}  {millions(run.size.parameters):>10}  {billions(run.size.flops):>8}"
        if report := run.report:
            eight, seven = (report["accuracy"][name] for name in ACCURACIES[:2])
            line += f"  {eight['accuracy']:>8.2%} ({eight['from']:.1%} to {eight['to']:.1%})  {seven['accuracy']:>8.2%}"
            line += f"  {report['averages']['weighted']['f1']:>8.2%}  {report['calibration']['ece']:>8.2%}"
        lines.append(line)
    return [*lines, *(pair.words() for pair in comparison.pairs), *comparison.remarks()]
