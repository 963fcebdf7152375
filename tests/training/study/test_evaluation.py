"""`fer-train classifier evaluate` on prepared datasets and runs: its figures by hand, its files, and what it refuses."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.cli import main
from ferstream.training.common.dataset_names import Dataset, DatasetError
from ferstream.training.dataset.prepare.jpeg_store import PictureStoreError
from ferstream.training.dataset.prepare.manifest import Prepared, PreparedError, write_manifest
from ferstream.training.measures.calibration import expected_calibration_error, fit_temperature
from ferstream.training.study.evaluate.evaluated_model import EvaluatedModel
from ferstream.training.study.evaluate.evaluation import evaluate
from ferstream.training.study.evaluate.evaluation_files import write_json
from ferstream.training.study.evaluate.explanations import surest, worst_mistakes
from ferstream.training.study.evaluate.faces import BATCH, Faces
from ferstream.training.study.evaluate.inference import logits_of
from ferstream.training.study.evaluate.named_pictures import choose
from ferstream.training.study.records.accuracies import accuracies, averages, by
from ferstream.workers.models.card import PACKAGED, ModelCard
from ferstream.workers.models.classifier import softmax
from tests.support.prepared_dataset import write_prepared
from tests.support.training_packs import write_faces, write_ferplus
from tests.support.training_runs import change_weights, write_run

CONTEMPT, FEAR = EMOTIONS.index("contempt"), EMOTIONS.index("fear")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_prepared(tmp_path_factory.mktemp("data") / "avfer", 40, train=1, val=4, test=5).folder


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, data):
    """A run that was evaluated on test."""
    folder = write_run(tmp_path_factory.mktemp("runs") / "tiny").path
    result = run("--weights", folder, "--dataset", data, "--split", "test")
    assert result.exit_code == 0, result.output
    return folder


def run(*arguments):
    command = ["classifier", "evaluate", "--device", "cpu", *map(str, arguments)]
    return CliRunner().invoke(main, command, env={"FER_DATA_DIR": None, "FER_TRAIN_CLASSIFIER_EVALUATE_THREADS": "1"})


def report_of(folder):
    return json.loads((folder / "report.json").read_text())


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def opened(folder):
    return EvaluatedModel.open(folder, "cpu", "auto", "f32", 1)


def test_the_three_accuracies_by_hand():
    labels = np.array([0, CONTEMPT, FEAR, FEAR, FEAR])
    logits = np.zeros((5, 8), np.float32)
    logits[0, 0] = logits[1, CONTEMPT] = logits[2, FEAR] = 9
    logits[3, [CONTEMPT, FEAR]] = 9, 8  # right once contempt cannot be said
    logits[4, [CONTEMPT, 7]] = 9, 8  # wrong either way
    found = accuracies(logits, labels)
    assert [(row["right"], row["n"]) for row in found.values()] == [(3, 5), (2, 4), (3, 4)]
    assert list(found) == ["eight", "seven_without_contempt_pictures", "seven_without_contempt_pictures_and_output"]
    assert all(row["from"] < row["accuracy"] < row["to"] for row in found.values())
    assert logits[4, CONTEMPT] == 9, "the logits stay as they are"


def test_weighted_and_macro_averages_by_hand():
    matrix = np.zeros((8, 8), np.int64)
    matrix[0, 0], matrix[0, 1], matrix[1, 1] = 3, 1, 1  # classes of four and one; the other six have no faces
    found = averages(matrix)
    f1 = [2 * 3 / (4 + 3), 2 * 1 / (1 + 2)]
    assert found["weighted"] == pytest.approx({"precision": (4 * 1 + 0.5) / 5, "recall": 4 / 5, "f1": (4 * f1[0] + f1[1]) / 5})
    assert found["macro"] == pytest.approx({"precision": 0.75, "recall": 0.875, "f1": sum(f1) / 2})


def test_shares_by_name_leave_out_what_has_none():
    found = by(np.array([True, False, True, True]), ["b", "a", None, "b"])
    assert {name: (row["right"], row["n"]) for name, row in found.items()} == {"b": (2, 2), "a": (0, 1)}
    assert list(found) == ["b", "a"]


def test_crops_are_the_workers_in_order_whoever_reads_them(data):
    faces = Faces.of_prepared(data, "all")
    assert len(faces) > 2 * BATCH
    batches = list(faces.crops(32, threads=3))
    assert [len(batch) for batch in batches[:-1]] == [BATCH] * (len(batches) - 1)
    for place in (0, BATCH, len(faces) - 1):
        whole = cv2.imread(str(Prepared.open(data).paths[place]), cv2.IMREAD_COLOR_RGB)
        expected = cv2.resize(whole, (32, 32), interpolation=cv2.INTER_AREA)
        difference = np.abs(np.concatenate(batches)[place].astype(int) - expected)
        assert difference.max() <= 2, "two decoders of JPEG round differently, no more"


def test_files_say_the_same_as_the_report(evaluated):
    folder = evaluated / "evaluation"
    report = report_of(folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "report.json", "index.html", "per_class.csv", "confusion.csv", "predictions.csv", "confusion.png", "classes.png",
        "reliability.png", "sources.png", "group-age.png", "mistakes.png", "saliency.png",
    }  # fmt: skip
    rows = rows_of(folder / "predictions.csv")
    right = np.array([row["label"] == row["answer"] for row in rows])
    assert report["n"] == len(rows) == 40
    assert report["accuracy"]["eight"]["right"] == right.sum()
    probabilities = np.array([[float(row[name]) for name in EMOTIONS] for row in rows])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert [EMOTIONS[i] for i in probabilities.argmax(axis=1)] == [row["answer"] for row in rows]
    confusion = [[int(row[name]) for name in EMOTIONS] for row in rows_of(folder / "confusion.csv")]
    assert confusion == report["confusion"]
    assert np.sum(confusion, axis=1).tolist() == [5] * 8
    per_class = {row["emotion"]: float(row["recall"]) for row in rows_of(folder / "per_class.csv")}
    assert per_class == {name: pytest.approx(row["recall"]) for name, row in report["per_class"].items()}
    for source, shares in report["by_source"].items():
        of = right[[row["source"] == source for row in rows]]
        assert (shares["n"], shares["right"]) == (len(of), of.sum())
    assert sum(shares["n"] for shares in report["by_group"]["age"].values()) == 2 * 8


def test_the_page_stands_alone_and_shows_everything(evaluated):
    page = (evaluated / "evaluation" / "index.html").read_text()
    assert page.count("data:image/png;base64,") == 7
    assert "src=http" not in page.replace('"', "")
    assert "Over seven, without contempt pictures and output: " in page
    assert "Grad-CAM" in page


def test_the_temperature_is_fitted_on_val_and_measured_on_test(data, evaluated):
    calibration = report_of(evaluated / "evaluation")["calibration"]
    measured = opened(evaluated)
    val, test = (Faces.of_prepared(data, split) for split in ("val", "test"))
    fitted = fit_temperature(logits_of(measured.classifier, val, 1), val.labels)
    assert calibration["used"] == calibration["fitted"] == pytest.approx(fitted, rel=1e-3)
    assert calibration["fitted_on"] == "val"
    logits = logits_of(measured.classifier, test, 1)
    assert calibration["ece_before"] == pytest.approx(expected_calibration_error(softmax(logits), test.labels), abs=1e-3)
    assert calibration["nll"] <= calibration["nll_before"] + 0.05
    assert calibration["n"] == 40


def test_on_val_the_faces_that_measure_are_not_those_that_fit(data, evaluated):
    evaluation = evaluate(opened(evaluated), Dataset("avfer", data), "val", "majority", 1)
    calibration = evaluation.figures["calibration"]
    assert (calibration["n"], calibration["fitted_on"]) == (16, "the even places of val")
    labels, logits = evaluation.faces.labels[::2], evaluation.logits[::2]
    assert calibration["used"] == pytest.approx(fit_temperature(logits, labels), rel=1e-3)


def test_without_a_val_split_there_is_no_temperature_to_fit(tmp_path, evaluated):
    data = write_prepared(tmp_path / "d", train=0, val=0, test=1).folder
    figures = evaluate(opened(evaluated), Dataset("avfer", data), "test", "majority", 1).figures
    assert figures["calibration"]["used"] == 1.0
    assert figures["calibration"]["fitted"] is None


def test_a_model_folder_keeps_its_cards_temperature_and_writes_nothing(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("--dataset", f"avfer:{data}", "--split", "test", "--json")
    assert result.exit_code == 0, result.output
    calibration = json.loads(result.stdout)["calibration"]
    assert calibration["used"] == ModelCard.read(PACKAGED["classifier"]).temperature
    assert calibration["origin"] == "the model's card"
    assert calibration["fitted"] not in (None, calibration["used"])
    assert not list(tmp_path.iterdir())


def test_a_ferplus_pack_gets_the_same_report_and_keeps_its_figures(tmp_path):
    pack = write_ferplus(tmp_path / "v.npz")
    printed = json.loads(run("--dataset", f"ferplus:{pack}", "--json").stdout)
    result = run("--dataset", f"ferplus:{pack}", "--out", tmp_path / "report", "--explain", 0)
    assert result.exit_code == 0, result.output
    report = report_of(tmp_path / "report")
    assert report["accuracy"]["eight"]["accuracy"] == printed["accuracy"]
    assert report["confusion"] == printed["confusion"]
    assert report["calibration"]["ece"] == pytest.approx(printed["ece"])
    assert report["dataset"]["protocol"] == "majority"
    assert not (tmp_path / "report" / "saliency.png").exists()
    assert "no annotated groups" in (tmp_path / "report" / "index.html").read_text()


def test_the_same_evaluation_twice_gives_the_same_files(data, evaluated, tmp_path):
    result = run("--weights", evaluated, "--dataset", data, "--split", "test", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    before = evaluated / "evaluation"
    for name in ("predictions.csv", "confusion.png", "saliency.png", "mistakes.png"):
        assert (tmp_path / name).read_bytes() == (before / name).read_bytes()
    first, second = report_of(before), report_of(tmp_path)
    for report in (first, second):
        report.pop("throughput")
    assert first == second


def test_chosen_faces_are_the_surest_of_each_class(data, evaluated):
    evaluation = evaluate(opened(evaluated), Dataset("avfer", data), "test", "majority", 1)
    sure, answers = evaluation.probabilities.max(axis=1), evaluation.logits.argmax(axis=1)
    worst = worst_mistakes(evaluation)
    assert (answers[worst] != evaluation.faces.labels[worst]).all()
    assert (np.diff(sure[worst]) <= 0).all()
    for name, right, wrong in surest(evaluation, 2):
        of = evaluation.faces.labels == EMOTIONS.index(name)
        for places, hit in ((right, True), (wrong, False)):
            alike = of & ((answers == evaluation.faces.labels) == hit)
            assert len(places) == min(2, alike.sum())
            assert not places or sure[places[0]] == sure[alike].max()


def test_where_every_answer_is_right_the_page_says_so(data, evaluated, tmp_path):
    run_folder = shutil.copytree(evaluated, tmp_path / "run")
    faces = Faces.of_prepared(data, "test")
    answers = logits_of(opened(run_folder).classifier, faces, 1).argmax(axis=1)
    rows = Prepared.open(data, "test").table.to_pylist()
    for row, answer in zip(rows, answers, strict=True):
        row["emotion"] = EMOTIONS[answer]
    shutil.copytree(data / "images", tmp_path / "images")
    write_manifest(tmp_path, rows, {})
    result = run("--weights", run_folder, "--dataset", tmp_path, "--split", "test", "--out", tmp_path / "r")
    assert result.exit_code == 0, result.output
    assert "Every answer is right." in (tmp_path / "r" / "index.html").read_text()
    assert not (tmp_path / "r" / "mistakes.png").exists()


@pytest.mark.parametrize("harm", ["cut", "gone", "empty"])
def test_a_picture_that_cannot_be_read_is_an_error_with_its_path(tmp_path, evaluated, harm):
    prepared = write_prepared(tmp_path / "d", train=0, val=0, test=5)
    data, path = prepared.folder, prepared.paths[37]
    whole = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(whole[: len(whole) // 2] if harm == "cut" else b"")
    result = run("--weights", evaluated, "--dataset", data, "--split", "test", "--out", tmp_path / "r")
    assert result.exit_code == 3
    assert str(path) in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    with pytest.raises(PictureStoreError):
        list(Faces.of_prepared(data, "test").crops(32, 2))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--dataset", "nowhere", "--out", "r"), 3, "is no folder of a prepared dataset: a classifier needs ferplus:PACK.npz or"),
        (("--dataset", "avfer:nowhere"), 3, "nowhere is no prepared dataset, or an unfinished one"),
        (("--dataset", "{data}", "--split", "dev"), 3, "has no split 'dev'; it has test, train, val"),
        (("--dataset", "{data}", "--conditions"), 2, "--conditions is for a FER+ pack"),
        (("--dataset", "{data}", "--weights", "{run}", "--runtime", "openvino"), 3, "leave --runtime out, or export it first"),
        (("--dataset", "{data}", "--weights", "{data}"), 3, "no model in"),
        (("--dataset", "{data}", "--explain", "9"), 2, "is not in the range"),
        (("--dataset", "{faces}", "--out", "r"), 3, "is no folder of a prepared dataset"),
        (("--picture", "x.png"), 2, "--picture is for a report"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_line(data, evaluated, tmp_path, arguments, status, message):
    places = {"data": data, "run": evaluated, "faces": write_faces(tmp_path / "f.npz", 1, 1)}
    result = run(*(argument.format(**places) for argument in arguments))
    assert result.exit_code == status, result.output
    assert message in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error")]) == 1


def test_a_run_without_weights_says_so(data, tmp_path):
    folder = write_run(tmp_path / "young").path
    (folder / "best.safetensors").unlink()
    result = run("--weights", folder, "--dataset", data)
    assert result.exit_code == 3
    assert "its first epoch is not over" in result.stderr


def test_a_disk_that_takes_nothing_says_so(data, evaluated, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    result = run("--weights", evaluated, "--dataset", data, "--split", "test", "--out", tmp_path / "file" / "r")
    assert result.exit_code == 3
    assert "cannot make" in result.stderr


def test_groups_that_are_no_map_are_refused(data, tmp_path):
    rows = Prepared.open(data, "val").table.to_pylist()
    rows[0]["groups"] = "[1, 2"
    write_manifest(tmp_path, rows, {})
    with pytest.raises(PreparedError, match="groups that are no JSON map"):
        Faces.of_prepared(tmp_path, "all")


def test_a_protocol_that_keeps_nothing_says_so(tmp_path):
    pack = write_ferplus(tmp_path / "v.npz")
    arrays = dict(np.load(pack))
    arrays["votes"][:] = 0
    np.savez(pack, **arrays)
    with pytest.raises(DatasetError, match="keeps no face"):
        Faces.of(Dataset("ferplus", pack), "val", "majority")


def test_folders_and_schemes_name_datasets(tmp_path):
    assert Dataset.parse(str(tmp_path)) == Dataset("avfer", tmp_path)
    assert Dataset.parse("avfer:there") == Dataset("avfer", Path("there"))
    assert Dataset.parse("pack.npz").scheme == "faces"
    (tmp_path / "a:b").mkdir()
    assert Dataset.parse(str(tmp_path / "a:b")).scheme == "avfer"
    with pytest.raises(DatasetError, match="avfer:FOLDER"):
        Dataset.parse("rafdb:x")


def test_reading_for_saliency_leaves_the_classifier_alone(evaluated):
    measured = opened(evaluated)
    assert measured.net() is not measured.net()
    assert all(parameter.dtype == torch.float32 for parameter in measured.net().parameters())


def test_a_net_that_diverged_is_one_clear_line_and_leaves_no_report(data, tmp_path):
    tiny = write_run(tmp_path / "run")
    change_weights(tiny, lambda value: value * float("nan"))
    result = run("--weights", tiny.path, "--dataset", data)
    assert result.exit_code == 3, result.output
    assert "the net answers no numbers (infinite or nan): it diverged" in result.stderr
    assert not (tiny.path / "evaluation").exists()


def test_figures_that_are_no_numbers_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "report.json", {"ece": float("nan")})
    assert not list(tmp_path.iterdir())


def test_the_report_names_the_weights(evaluated):
    digest = hashlib.sha256((evaluated / "best.safetensors").read_bytes()).hexdigest()
    assert report_of(evaluated / "evaluation")["model"]["weights_sha256"] == digest


def test_a_net_without_places_keeps_its_report_and_the_page_says_why(data, tmp_path):
    options = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "num_heads": 2, "depth": 2}
    flat = write_run(tmp_path / "run", model="vit_base_patch16_18x2_224", model_options=options)
    picture = Faces.of_prepared(data, "test").origins[3]
    result = run("--weights", flat.path, "--dataset", data, "--split", "test", "--picture", picture)
    assert result.exit_code == 0, result.output
    page = (flat.path / "evaluation" / "index.html").read_text()
    assert "No maps are shown: VisionTransformer has no layer whose places" in page
    assert "--explain 0 goes without" in page
    assert picture in page
    assert report_of(flat.path / "evaluation")["n"] == 40
    assert not (flat.path / "evaluation" / "saliency.png").exists()


def test_groups_whose_names_are_nearly_the_same_have_their_own_pictures(data, evaluated, tmp_path):
    rows = Prepared.open(data, "test").table.to_pylist()
    kinds = ("a b", "a-b", "A_b", "source", "x" * 300)
    for number, row in enumerate(rows):
        row["groups"] = json.dumps({kind: f"{kind} {number % 2}" for kind in kinds})
    shutil.copytree(data / "images", tmp_path / "images")
    write_manifest(tmp_path, rows, {})
    result = run("--weights", evaluated, "--dataset", tmp_path, "--split", "test", "--out", tmp_path / "r", "--explain", 0)
    assert result.exit_code == 0, result.output
    names = {path.stem for path in (tmp_path / "r").glob("group-*.png")}
    assert names == {"group-A-b", "group-a-b-2", "group-a-b-3", "group-source", "group-" + "x" * 60}
    page = (tmp_path / "r" / "index.html").read_text()
    assert all(f"<h3>By {kind}</h3>" in page for kind in kinds)
    assert all(f"<td>{kind} 1</td>" in page for kind in kinds)
    assert page.count("<h3>By source</h3>") == 2, "by the source, and by a group of that name"


def test_chosen_pictures_are_shown_with_their_answers(data, evaluated, tmp_path):
    rows = rows_of(evaluated / "evaluation" / "predictions.csv")
    own = tmp_path / "me.png"
    cv2.imwrite(str(own), np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8))
    arguments = ["--weights", evaluated, "--dataset", data, "--split", "test", "--out", tmp_path / "r", "--explain", 0]
    result = run(*arguments, "--picture", rows[5]["origin"], "--picture", own, "--picture", rows[5]["origin"])
    assert result.exit_code == 0, result.output
    of_data, of_file = report_of(tmp_path / "r")["chosen"]
    assert {name: of_data[name] for name in ("origin", "source", "label", "answer")} == {
        name: rows[5][name] for name in ("origin", "source", "label", "answer")
    }
    assert of_data["probability"] == pytest.approx(float(rows[5][rows[5]["answer"]]), abs=1e-4)
    assert (of_file["origin"], of_file["source"], of_file["label"]) == (str(own), None, None)
    page = (tmp_path / "r" / "index.html").read_text()
    assert "Chosen pictures" in page
    assert str(own) in page
    height, width, _ = cv2.imread(str(tmp_path / "r" / "chosen.png")).shape
    assert height > 2 * 120
    assert width > 3 * 120, "a crop, its rollout and its Grad-CAM"


def test_one_name_in_two_sources_is_two_pictures_and_copies_are_none(data, evaluated):
    rows = Prepared.open(data, "test").table.to_pylist()
    origins = ["twice" if number < 3 else row["origin"] for number, row in enumerate(rows)]
    sources = ["one", "two", "one", *(row["source"] for row in rows[3:])]
    faces = replace(Faces.of_prepared(data, "test"), origins=tuple(origins), sources=tuple(sources))
    found = choose(faces, ["twice"], opened(evaluated).classifier)
    assert [picture.source for picture in found] == ["one", "two"]
    np.testing.assert_array_equal(found[1].crop, faces.crop(1, 32))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fear/test-9.png", "did you mean fear/test-"),
        ("test-3.png", "did you mean fear/test-3.png"),
        ("?", "names are as in the column origin, such as anger/test-0.png"),
        ("x" * 5000, "no file is named"),
        ("{broken}", "broken.jpg: no picture"),
    ],
)
def test_a_picture_that_is_not_there_is_one_clear_line(data, evaluated, tmp_path, name, message):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8no")
    name = name.format(broken=tmp_path / "broken.jpg")
    result = run("--weights", evaluated, "--dataset", data, "--split", "test", "--out", tmp_path / "r", "--picture", name)
    assert result.exit_code == 3, result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "r").exists()
