"""`fer-train classifier compare`: runs side by side, tests of their differences, and what a reader is warned of."""

import csv
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binom

from ferstream.training.cli import main
from ferstream.training.common.json_file import ShapeError
from ferstream.training.study.compare.comparison import Comparison, confusion_of
from ferstream.training.study.compare.comparison_page import as_table, comparison_page
from ferstream.training.study.compare.mcnemar import Pair, holm
from ferstream.training.study.records.run_folder import COLUMNS, RunFolder, RunFolderError
from ferstream.training.study.train.export import described_run
from ferstream.workers.models.card import PACKAGED, ModelCard
from tests.support.prepared_dataset import write_prepared
from tests.support.training_runs import change_weights, write_run

HEAD = (",".join(COLUMNS) + "\n").encode()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_prepared(tmp_path_factory.mktemp("data") / "avfer", 40, train=0, val=2, test=4).folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory, data):
    """Two runs that were evaluated on test, and one that was not."""
    folder = tmp_path_factory.mktemp("runs")
    found = [
        write_run(folder / "first").path,
        write_run(folder / "second", seed=1, epochs=5).path,
        write_run(folder / "third", model="resnet10t").path,
    ]
    for run in found[:2]:
        evaluate(run, data, "test")
    return found


@pytest.fixture(scope="module")
def packaged(tmp_path_factory, data):
    """The report of a model without a run."""
    folder = tmp_path_factory.mktemp("reports") / "packaged"
    evaluate(PACKAGED["classifier"], data, "test", "--out", folder)
    return folder


def evaluate(run, data, split, *more):
    arguments = ["--weights", run, "--dataset", data, "--split", split, "--explain", 0, "--threads", 1, "--device", "cpu", *more]
    result = CliRunner().invoke(main, ["classifier", "evaluate", *map(str, arguments)])
    assert result.exit_code == 0, result.output


def compare(*arguments):
    return CliRunner().invoke(main, ["classifier", "compare", *map(str, arguments)])


def test_mcnemars_test_by_hand():
    first = np.array([True] * 9 + [False] * 2 + [True] * 20)
    second = np.array([False] * 9 + [True] * 2 + [True] * 20)
    pair = Pair.of("a", "b", first, second)
    assert (pair.n, pair.only_one, pair.only_two) == (31, 9, 2)
    assert pair.p == pytest.approx(2 * binom.cdf(2, 11, 0.5))
    assert pair.words() == "a and b differ by 22.6 %, which may be chance."
    better = Pair.of("a", "b", np.zeros(40, bool), np.ones(40, bool))
    assert better.words() == "b is better than a by 100.0 %, which is more than chance."
    assert Pair.of("a", "b", first, first).p == 1


def test_many_tests_need_smaller_ps():
    pairs = [Pair(str(p), "x", 100, 1, 9, p, p) for p in (0.03, 0.01, 0.04, 0.9)]
    assert [pair.p_holm for pair in holm(pairs)] == pytest.approx([0.09, 0.04, 0.09, 0.9])
    assert holm([]) == []


def test_a_comparison_leaves_a_page_tables_and_pictures(runs, tmp_path):
    result = compare(*runs, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "index.html", "comparison.json", "comparison.csv", "accuracy.png", "loss.png", "confusion-1.png", "confusion-2.png"
    }  # fmt: skip
    figures = json.loads((tmp_path / "comparison.json").read_text())
    assert [run["name"] for run in figures["runs"]] == ["first", "second", "third"]
    assert [run["epochs"] for run in figures["runs"]] == [3, 5, 3]
    assert figures["runs"][1]["best_epoch"] == 5
    assert figures["runs"][2]["report"] is None
    assert [(row["name"], row["flops"]) for row in figures["study"]][-1] == ("ResNet-18", 1.8e9)
    with (tmp_path / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    report = json.loads((runs[0] / "evaluation" / "report.json").read_text())
    assert float(rows[0]["accuracy_eight"]) == report["accuracy"]["eight"]["accuracy"]
    assert rows[2]["accuracy_eight"] is None or rows[2]["accuracy_eight"] == ""
    page = (tmp_path / "index.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    for words in ("Table 1", "Figures 11 and 12", "Appendix A", "Appendix B", "ViT-B/16/SAM", "Gurioli", "not evaluated"):
        assert words in page


def test_the_pair_is_tested_on_what_the_predictions_say(runs):
    pair = Comparison.of(runs).pairs[0]
    answers = []
    for run in runs[:2]:
        with (run / "evaluation" / "predictions.csv").open(newline="") as file:
            answers.append([row["label"] == row["answer"] for row in csv.DictReader(file)])
    assert pair.only_one == sum(a and not b for a, b in zip(*answers, strict=True))
    assert pair.only_two == sum(b and not a for a, b in zip(*answers, strict=True))
    assert len(Comparison.of(runs).pairs) == 1


def test_a_run_without_an_evaluation_is_said_to_lack_it_with_the_command(runs, tmp_path):
    result = compare(*runs, "--out", tmp_path)
    command = f"fer-train classifier evaluate --weights {runs[2]} --dataset DATASET --split test"
    assert f"third was not evaluated: {command}" in result.stdout
    assert command in (tmp_path / "index.html").read_text()


def test_runs_measured_on_other_faces_are_marked_and_not_tested(runs, data, tmp_path):
    other = shutil.copytree(runs[1], tmp_path / "other")
    evaluate(other, data, "val")
    result = compare(runs[0], other, "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
    assert "NOT MEASURED ON THE SAME FACES" in result.stdout
    assert "first on avfer, test (32 faces" in result.stdout
    page = (tmp_path / "c" / "index.html").read_text()
    assert 'class="warning"' in page
    assert "nothing can be tested" in page


def test_the_report_of_a_model_stands_without_curves(runs, packaged, tmp_path):
    result = compare(runs[0], packaged, "--out", tmp_path / "c", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert [run["epochs"] for run in figures["runs"]] == [3, 0]
    assert len(figures["pairs"]) == 1
    assert figures["runs"][1]["parameters"] == figures["runs"][1]["report"]["parameters"]
    assert "Without a history: packaged." in (tmp_path / "c" / "index.html").read_text()


def test_reports_alone_have_no_curves(packaged, tmp_path):
    assert compare(packaged, "--out", tmp_path / "c").exit_code == 0
    assert not (tmp_path / "c" / "loss.png").exists()


def test_runs_of_one_name_are_told_apart(runs, tmp_path):
    twin = shutil.copytree(runs[0], tmp_path / "elsewhere" / "first")
    assert [run.name for run in Comparison.of([runs[0], twin]).runs] == [str(runs[0]), str(twin)]
    with pytest.raises(RunFolderError, match="named twice"):
        Comparison.of([runs[0], runs[0]])


def test_a_model_folder_and_an_empty_one_are_refused(runs, tmp_path):
    for folder, message in ((PACKAGED["classifier"], "is a model folder"), (tmp_path, "neither a run nor a report")):
        result = compare(runs[0], folder, "--out", tmp_path / "c")
        assert result.exit_code == 3
        assert message in result.stderr
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("report.json", b"{", "cannot read"),
        ("report.json", b"[" * 100_000, "cannot read"),
        ("report.json", b"[1]", "it is no map"),
        ("report.json", b'{"version": 0}', "version is not 1, the one that this program reads"),
        ("report.json", b'{"version": 1}', "model is missing"),
        ("report.json", b'{"version": 1, "n": NaN}', "NaN is no number"),
        ("report.json", b'{"version": 1, "n": "\\ud800"}', "surrogates not allowed"),
        ("predictions.csv", b"origin,label\n1,2\n", "it has no column 'source'"),
        ("predictions.csv", b"origin,source,label,answer\n1,2,fear,fear\n", "has not as many faces"),
        ("predictions.csv", None, "cannot read"),
    ],
)
def test_a_broken_report_is_one_clear_line(runs, tmp_path, file, content, message):
    broken = shutil.copytree(runs[0], tmp_path / "broken")
    path = broken / "evaluation" / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    result = compare(broken, "--out", tmp_path / "c")
    assert result.exit_code == 3
    assert message in result.stderr
    assert "evaluate again" in result.stderr


def places(value, path=()):
    """The path of each part of a report, at every depth; of a list those in its first item."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value[:1]):
            yield (*path, key)
            yield from places(part, (*path, key))


def harmed(report, path, harm):
    """A copy of a report with one part gone, or with something else in its place."""
    copy = json.loads(json.dumps(report))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if harm == "gone":
        del inner[path[-1]]
    else:
        inner[path[-1]] = harm
    return copy


@pytest.mark.parametrize("harm", ["gone", None, "text", -1, 1e-9, 1e300], ids=str)
def test_a_report_with_any_part_harmed_is_used_or_refused(runs, tmp_path, harm):
    folder = shutil.copytree(runs[0], tmp_path / "run")
    path = folder / "evaluation" / "report.json"
    report, refusals = json.loads(path.read_text()), []
    for place in places(report):
        path.write_text(json.dumps(harmed(report, place, harm)))
        try:
            use(folder)
        except ShapeError as error:
            refusals.append(str(error))
    assert len(refusals) > 50
    assert all(str(path) in refusal and "evaluate again" in refusal for refusal in refusals)


def use(folder):
    """All that is taken from a run's report."""
    card = described_run(RunFolder(folder)).card
    with TemporaryDirectory() as served:
        card.write(Path(served))
        ModelCard.read(Path(served))
    assert card.temperature > 0
    comparison = Comparison.of([folder / "evaluation"])
    as_table(comparison)
    comparison_page(comparison, {"confusion-1": b""})
    assert confusion_of(comparison.runs[0]).shape == (8, 8)
    json.dumps(comparison.figures(), allow_nan=False)


def test_runs_whose_weights_changed_since_are_marked(runs, tmp_path):
    changed = shutil.copytree(runs[1], tmp_path / "changed")
    change_weights(RunFolder(changed), lambda value: value + 1)
    result = compare(runs[0], changed, "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
    assert "changed WAS EVALUATED WITH OTHER WEIGHTS THAN IT HAS NOW" in result.stdout
    assert "first WAS" not in result.stdout
    assert "OTHER WEIGHTS" in (tmp_path / "c" / "index.html").read_text()


def test_the_same_faces_in_a_folder_of_another_name_are_the_same(runs, data, tmp_path):
    other = shutil.copytree(runs[1], tmp_path / "other")
    evaluate(other, shutil.copytree(data, tmp_path / "moved"), "test")
    comparison = Comparison.of([runs[0], other])
    assert comparison.remarks() == []
    assert len(comparison.pairs) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"epoch,train_loss\n1,x\n", "it lacks train_accuracy"),
        (b"", "has no epoch"),
        (b"\x00\xff\xfe", "cannot read the history"),
        (HEAD + b"1,2,3\n", "it lacks val_loss"),
        (HEAD + b"1,2,0.1,2,nan,1,1,0\n", "val_accuracy is nan"),
        (HEAD + b"one,2,0.1,2,0.1,1,1,0\n", "could not convert"),
        (None, "has no history.csv yet"),
    ],
)
def test_a_broken_history_is_one_clear_line(runs, tmp_path, content, message):
    broken = shutil.copytree(runs[0], tmp_path / "broken")
    (broken / "history.csv").unlink()
    if content is not None:
        (broken / "history.csv").write_bytes(content)
    result = compare(broken, "--out", tmp_path / "c")
    assert result.exit_code == 3, result.output
    assert message in result.stderr
    assert str(broken) in result.stderr


def test_a_loss_that_diverged_is_still_a_history(runs, tmp_path):
    diverged = shutil.copytree(runs[0], tmp_path / "diverged")
    (diverged / "history.csv").write_bytes(HEAD + b"1,nan,0.1,inf,0.1,1,1,0\n")
    result = compare(diverged, "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
