"""`fer-train dataset inspect`: what it finds in trees whose faults are known, and that it never falls over what it is given."""

import csv
import json
import shutil
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.cli import main
from ferstream.training.dataset.inspect.duplicate_clusters import DuplicateClusters, varied
from ferstream.training.dataset.inspect.observation import ObservationRequest, observe
from ferstream.training.dataset.inspect.picture_statistics import PictureStatistics
from ferstream.training.dataset.prepare.manifest import MANIFEST, Prepared, write_manifest
from ferstream.training.sources.sample import Sample
from tests.support.dataset_trees import write_affectnet, write_ck_plus, write_fer2013_csv, write_fer2013_folders, write_raf_db
from tests.support.prepared_dataset import write_prepared
from tests.support.training_packs import write_faces, write_ferplus

TRAIN, TEST = "basic/Image/aligned/train_{:05}_aligned.jpg", "basic/Image/aligned/test_{:04}_aligned.jpg"


def inspect(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["dataset", "inspect", *map(str, arguments)], env={"FER_DATA_DIR": None})


def no_constant(name: str) -> float:
    raise AssertionError(f"{name} in JSON")


def reported(*arguments: object) -> dict:
    result = inspect(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_constant=no_constant)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """RAF-DB whose test has two pictures of train, one of them saved anew, and two that are broken; CK+48; AffectNet."""
    folder = tmp_path_factory.mktemp("faulty")
    raf = write_raf_db(folder / "raf", 8)
    shutil.copy(raf / TRAIN.format(3), raf / TEST.format(2))
    anew = cv2.imread(str(raf / TRAIN.format(5)))
    cv2.imwrite(str(raf / TEST.format(4)), anew, [cv2.IMWRITE_JPEG_QUALITY, 60])
    (raf / TRAIN.format(7)).write_bytes(b"no picture")
    (raf / TRAIN.format(8)).write_bytes((raf / TRAIN.format(8)).read_bytes()[:400])
    return {"raf": raf, "ck": write_ck_plus(folder / "ck", 6), "affectnet": write_affectnet(folder / "affectnet", 4)}


@pytest.fixture(scope="module")
def written(faulty: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written") / "of raf"
    result = inspect(*faulty.values(), "--out", out, "--processes", 1, "--distance", 20)
    assert result.exit_code == 0, result.output
    assert f"page: {out / 'index.html'}" in result.stdout
    return out


@pytest.fixture(scope="module")
def report(written: Path) -> dict:
    return json.loads((written / "report.json").read_text("utf-8"), parse_constant=no_constant)


def test_counts_are_those_of_the_trees(report: dict) -> None:
    counts = report["sources"]["affectnet"]["counts"]
    assert counts == {"train": dict.fromkeys(EMOTIONS, 4), "val": dict.fromkeys(EMOTIONS, 2)}
    assert report["sources"]["ck+"]["counts"] == {"no split": dict.fromkeys(EMOTIONS, 6) | {"neutral": 0}}
    raf = report["sources"]["raf-db"]["counts"]
    assert sum(raf["train"].values()) == 7 * 8 - 2
    assert raf["test"]["contempt"] == 0
    assert report["pictures"] == 8 * 6 + 7 * 6 + 7 * 8 - 2 + 7 * 2


def test_what_is_wrong_and_left_out_is_counted_by_reason(report: dict, faulty: dict[str, Path]) -> None:
    by_path = {row["path"]: row for row in report["paths"]}
    assert by_path[str(faulty["affectnet"])]["left_out"] == {"none": 2, "uncertain": 2, "no face": 2}
    wrong = by_path[str(faulty["raf"])]["wrong"]
    assert sum(wrong.values()) == 2
    assert wrong["no picture"] == 1


def test_mean_and_deviation_are_those_of_all_pixels(report: dict, faulty: dict[str, Path]) -> None:
    pictures = [np.asarray(Image.open(path)) for path in sorted(faulty["ck"].rglob("*.png"))]
    values = np.concatenate([picture.ravel() for picture in pictures]) / 255
    ck = report["sources"]["ck+"]
    assert ck["mean"] == pytest.approx([values.mean()] * 3, abs=1e-12)
    assert ck["std"] == pytest.approx([values.std()] * 3, abs=1e-12)


def test_how_pictures_are_stored(report: dict) -> None:
    ck, affectnet = report["sources"]["ck+"], report["sources"]["affectnet"]
    assert (ck["formats"], ck["modes"], ck["channels"]) == ({"PNG": 42}, {"L": 42}, {"1": 42})
    assert ck["grey"]["pictures"] == 42
    assert ck["sizes"] == {"different": 1, "commonest": {"48x48": 42}}
    assert (affectnet["formats"], affectnet["modes"], affectnet["grey"]["pictures"]) == ({"JPEG": 48}, {"RGB": 48}, 0)
    assert affectnet["sizes"]["different"] > 5
    assert sum(ck["brightness"]["pictures"]) == 42


def test_duplicates_across_splits_are_found(report: dict) -> None:
    exact, near = report["duplicates"]["exact"], report["duplicates"]["near"]
    assert exact["clusters"] == 1
    assert exact["shared_by_splits"]["train"]["test"] == exact["shared_by_splits"]["test"]["train"] == 1
    assert exact["shared_by_sources"]["raf-db"] == {"raf-db": 1, "ck+": 0, "affectnet": 0}
    assert near["shared_by_splits"]["test"]["train"] >= 2
    found = next(sentence for sentence in report["findings"] if "of test are in train" in sentence)
    assert "1 of them pixel for pixel" in found


def test_the_list_of_duplicates_names_both(written: Path) -> None:
    with (written / "duplicates.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pair = [row for row in rows if row["origin"] in (TRAIN.format(3), TEST.format(2))]
    assert [row["split"] for row in pair] == ["train", "test"]
    assert len({(row["cluster"], row["same_pixels"]) for row in pair}) == 1
    assert all(row["splits_differ"] == "1" for row in pair)
    assert all(row["labels_differ"] == str(int(pair[0]["emotion"] != pair[1]["emotion"])) for row in pair)


def test_people_and_groups(report: dict) -> None:
    assert report["sources"]["ck+"]["subjects"] == {"number": 2, "in_several_splits": 0}
    groups = report["sources"]["raf-db"]["groups"]
    assert groups
    assert all(sum(values.values()) <= report["sources"]["raf-db"]["pictures"] for values in groups.values())


def test_findings_say_what_is_rare_and_missing(report: dict, faulty: dict[str, Path]) -> None:
    findings = "\n".join(report["findings"])
    assert "neutral is missing from what has no split." in findings
    assert "42 pictures have no split" in findings
    assert f"{faulty['affectnet']} itself gives no emotion to 6 pictures: 2 " in findings


def test_every_picture_of_the_page_is_there_and_whole(written: Path) -> None:
    names = {path.stem for path in written.glob("*.png")}
    assert {"counts", "counts-ck", "samples-raf-db", "samples-affectnet", "mean-faces", "sizes", "brightness"} <= names
    assert {"duplicates-exact", "duplicates-near", "duplicates-splits"} <= names
    for path in written.glob("*.png"):
        assert np.asarray(Image.open(path).convert("L")).std() > 1
    page = (written / "index.html").read_text("utf-8")
    assert page.count("<img") == len(names)
    assert "http" not in page.split("<body>")[1].split("<footer>")[0]
    assert not list(written.glob("*.part"))


def test_the_same_in_several_processes(written: Path, faulty: dict[str, Path], tmp_path: Path) -> None:
    assert inspect(*faulty.values(), "--out", tmp_path, "--processes", 2, "--distance", 20).exit_code == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {p.name: p.read_bytes() for p in written.iterdir()}


def test_strict_stops_at_the_first(faulty: dict[str, Path], tmp_path: Path) -> None:
    result = inspect(faulty["raf"], "--strict", "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "train_00007_aligned.jpg: no picture" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_a_table_without_out(faulty: dict[str, Path]) -> None:
    result = inspect(faulty["ck"], "--processes", 1)
    assert result.exit_code == 0
    assert "All pictures are grey." in result.stdout
    assert "ck+ no split" in result.stdout
    lines = [line for line in result.stdout.splitlines() if line.startswith("ck+ no split")]
    assert lines[0].split()[3:] == ["6", "6", "6", "6", "6", "0", "6", "6", "42"]


def test_labels_that_contradict_each_other(tmp_path: Path) -> None:
    tree = write_fer2013_folders(tmp_path / "fer", 2)
    shutil.copy(next((tree / "train" / "happy").iterdir()), tree / "train" / "sad" / "Training_9.jpg")
    report = reported(tree, "--processes", 1, "--distance", 0, "--out", tmp_path / "out")
    assert report["duplicates"]["exact"]["labels_differ"] == 1
    assert "1 group of duplicates carries different labels; in 1 the pixels are the same." in report["findings"][0]
    assert (tmp_path / "out" / "duplicates-labels.png").exists()


def test_two_paths_with_one_source_are_told_apart(tmp_path: Path) -> None:
    table, tree = write_fer2013_csv(tmp_path / "a", 2), write_fer2013_folders(tmp_path / "b", 2, seed=5)
    report = reported(table, tree, "--processes", 1)
    assert list(report["sources"]) == ["fer2013", "fer2013 2"]
    assert report["sources"]["fer2013 2"]["path"] == str(tree)
    again = reported(table, table, "--processes", 1)
    assert again["duplicates"]["exact"]["shared_by_sources"]["fer2013"]["fer2013 2"] == again["pictures"] // 2


def test_grey_pictures_stored_in_colour(tmp_path: Path) -> None:
    tree = write_fer2013_folders(tmp_path, 1)
    for path in tree.rglob("*.jpg"):
        Image.open(path).convert("RGB").save(path.with_suffix(".png"))
        path.unlink()
    report = reported(tree, "--processes", 1)
    assert report["all"]["grey"]["by_channels"] == {"3": report["pictures"]}
    assert "All pictures are grey, though stored with several channels." in report["findings"]


def test_a_prepared_dataset_and_its_copies(tmp_path: Path) -> None:
    dataset = write_prepared(tmp_path, train=3, val=1, test=1)
    rows = dataset.table.to_pylist()
    write_manifest(tmp_path, [*rows, *({**row, "copy": 1} for row in rows[:8])], dataset.about)
    report = reported(tmp_path, "--processes", 1, "--distance", 0)
    assert report["pictures"] == 48
    assert report["all"]["augmented"] == 8
    assert report["duplicates"]["exact"]["clusters"] == 0
    assert set(report["sources"]) == {"affectnet", "ck+"}
    assert "8 pictures are augmented; duplicates are looked for among originals only." in report["findings"]


def test_a_prepared_dataset_by_its_scheme(tmp_path: Path) -> None:
    write_prepared(tmp_path, train=1, val=1, test=1)
    assert reported(f"avfer:{tmp_path}", "--processes", 1) == reported(tmp_path, "--processes", 1)
    assert inspect("avfer:").exit_code == 2
    result = inspect(f"avfer:{tmp_path / 'none'}")
    assert (result.exit_code, "Traceback" in result.output) == (3, False)
    assert "is no prepared dataset" in result.stderr


def test_people_in_several_splits(tmp_path: Path) -> None:
    write_prepared(tmp_path, train=4, val=2, test=1)
    report = reported(tmp_path, "--processes", 1)
    assert report["sources"]["ck+"]["subjects"] == {"number": 2, "in_several_splits": 1}
    assert "1 of the 2 people of ck+ is in several splits." in report["findings"]


def test_a_prepared_dataset_that_lost_a_picture(tmp_path: Path) -> None:
    dataset = write_prepared(tmp_path, train=1, val=1, test=1)
    dataset.paths[0].unlink()
    report = reported(tmp_path, "--processes", 1)
    assert report["paths"][0]["wrong"] == {"no such file": 1}
    assert report["pictures"] == 23


@pytest.mark.parametrize(("column", "value"), [("emotion", "joy"), ("split", "dev")])
def test_a_prepared_dataset_that_was_altered(tmp_path: Path, column: str, value: str) -> None:
    dataset = write_prepared(tmp_path, train=1, val=1, test=1)
    write_manifest(tmp_path, [{**row, column: value} for row in dataset.table.to_pylist()], dataset.about)
    result = inspect(tmp_path)
    assert (result.exit_code, "Traceback" in result.output) == (3, False)
    assert f"unknown {column}: {value}" in result.stderr


def test_a_broken_manifest(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b"PAR1 no more")
    result = inspect(tmp_path)
    assert (result.exit_code, "Traceback" in result.output) == (3, False)


def test_a_ferplus_pack_gets_a_page_too(tmp_path: Path) -> None:
    pack = write_ferplus(tmp_path / "v.npz")
    result = inspect(f"ferplus:{pack}", "--out", tmp_path / "out", "--processes", 1)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert sum(report["all"]["counts"]["train"].values()) == 24
    assert sum(report["all"]["counts"]["val"].values()) == 16


def test_one_single_picture(tmp_path: Path) -> None:
    tree = write_fer2013_folders(tmp_path / "fer", 1)
    kept = next((tree / "train" / "happy").iterdir())
    for path in tree.rglob("*.jpg"):
        if path != kept:
            path.unlink()
    report = reported(tree, "--processes", 1, "--out", tmp_path / "out")
    assert report["pictures"] == 1
    assert report["duplicates"]["near"]["clusters"] == 0
    assert (tmp_path / "out" / "index.html").stat().st_size > 10_000


def test_one_black_picture_of_one_pixel(tmp_path: Path) -> None:
    tree = write_fer2013_folders(tmp_path / "fer", 1)
    for path in tree.rglob("*.jpg"):
        Image.new("L", (1, 1)).save(path)
    report = reported(tree, "--processes", 1, "--out", tmp_path / "out")
    assert report["all"]["std"] == [0, 0, 0]
    assert f"{report['pictures']} pictures are of one colour, or nearly so." in report["findings"]


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    tree = write_fer2013_folders(tmp_path / "fer", 1)
    for path in tree.rglob("*.jpg"):
        path.write_bytes(b"")
    result = inspect(tree, "--out", tmp_path / "out", "--processes", 1)
    assert (result.exit_code, "Traceback" in result.output) == (3, False)
    assert f"there is no picture to look at in {tree} (14 empty file)" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("none",), 3, "there is no none"),
        ((".", "faces:p.npz"), 2, "inspect it alone and without --out"),
        (("faces:p.npz", "--out", "x"), 2, "inspect it alone and without --out"),
        (("fer2014:x",), 2, "did you mean fer2013:x?"),
        (("ck+:",), 2, "names no dataset"),
        ((), 2, "Missing argument"),
        ((".", "--distance", "48"), 2, "0<=x<=47"),
    ],
)
def test_errors_are_one_clear_line(arguments: tuple[str, ...], status: int, message: str) -> None:
    result = inspect(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    result = inspect(tmp_path)
    assert (result.exit_code, "Traceback" in result.output) == (3, False)
    assert str(tmp_path) in result.stderr


def test_a_folder_with_other_things_stays_as_it_is(tmp_path: Path) -> None:
    tree, out = write_fer2013_folders(tmp_path / "fer", 1), tmp_path / "site"
    out.mkdir()
    for others in (["index.html"], ["report.json", "counts.png"]):
        for name in others:
            (out / name).write_text("mine")
        result = inspect(tree, "--processes", 1, "--out", out)
        assert (result.exit_code, "Traceback" in result.output) == (3, False)
        assert f"{out} holds other things ({min(others)}): name a new or empty folder with --out" in result.stderr
        assert {path.name: path.read_text() for path in out.iterdir()} == dict.fromkeys(others, "mine")
        for name in others:
            (out / name).unlink()


def test_an_inspection_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    two, out = write_fer2013_folders(tmp_path / "fer", 1), tmp_path / "out"
    raf = write_raf_db(tmp_path / "raf", 1)
    assert inspect(two, raf, "--processes", 1, "--out", out).exit_code == 0
    assert (out / "counts-raf-db.png").exists()
    assert inspect(two, "--processes", 1, "--out", out).exit_code == 0
    assert inspect(two, "--processes", 1, "--out", tmp_path / "new").exit_code == 0
    assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "new").iterdir()}
    (out / "notes.txt").write_text("mine")
    assert "holds other things (notes.txt)" in inspect(two, "--processes", 1, "--out", out).stderr


def test_sums_of_any_picture_are_those_of_its_pixels() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (1500, 1001, 3), np.uint8)  # more than one block
    for picture in (pixels, pixels[:1, :1], np.full((2000, 1100, 3), 255, np.uint8), np.repeat(pixels[..., :1], 3, axis=2)):
        data = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
        (seen,) = observe([ObservationRequest(Sample(data, "anger", "train", "raf-db", "a"), shown=False)])
        values = picture.reshape(-1, 3).astype(np.int64)
        assert (seen.totals, seen.squares) == (tuple(values.sum(axis=0)), tuple((values**2).sum(axis=0)))
        assert seen.grey == (np.ptp(values, axis=1).max() == 0)


def test_a_pair_of_grey_channels_is_not_grey_in_any_block() -> None:
    picture = np.full((1500, 1001, 3), 90, np.uint8)
    picture[-1, -1, 2] = 92
    data = cv2.imencode(".png", picture)[1].tobytes()
    (seen,) = observe([ObservationRequest(Sample(data, "anger", "train", "raf-db", "a"), shown=False)])
    assert (seen.grey, seen.nearly_grey) == (False, True)


def test_a_large_picture_takes_little_more_memory_than_its_pixels() -> None:
    """Peaks of numpy's own memory: 12 bytes a pixel for sums of squares are not among them."""
    picture = ObservationRequest(
        Sample(cv2.imencode(".png", np.zeros((3000, 4000, 3), np.uint8))[1].tobytes(), "anger", "", "ck+", "a"), False
    )
    tracemalloc.start()
    observe([picture])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 4000 * 3000 * 3


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tree = write_fer2013_folders(tmp_path / "fer", 1)
    result = inspect(tree, "--processes", 1, "--out", tmp_path / "file" / "out")
    assert (result.exit_code, "Traceback" in result.output) == (3, False)
    assert "cannot look into" in result.stderr


def test_face_packs_are_counted_as_before(tmp_path: Path) -> None:
    assert reported(write_faces(tmp_path / "f.npz"))["train"]["pictures"] == 6


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    tree = write_fer2013_folders(tmp_path / "fer", 2)
    first, second = sorted((tree / "train" / "happy").iterdir())
    first.rename(first.with_name("Training_\udcff.jpg"))
    shutil.copy(second, second.with_name("Training_\udcfe<b>.jpg"))
    result = inspect(tree, "--processes", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "<b>" not in (tmp_path / "out" / "index.html").read_text("utf-8")
    (tmp_path / "out" / "duplicates.csv").read_text("utf-8")


def test_sums_are_exact_where_floats_are_not() -> None:
    stats = PictureStatistics()
    stats.pixels = 10**12
    stats.totals = [200 * 10**12 + 1] * 3  # one pixel of a million million is brighter by 1
    stats.squares = [200**2 * 10**12 + 401] * 3
    assert stats.deviation() == pytest.approx([1e-6 / 255] * 3, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=24))
def test_repeats_are_those_of_pair_by_pair(pictures: list[tuple[int, int]]) -> None:
    cluster, label = (np.array([p[i] for p in pictures], np.int64) for i in (0, 1))
    repeats = DuplicateClusters.of(cluster)
    pairs = [(a, b) for a in range(len(pictures)) for b in range(len(pictures)) if a != b and cluster[a] == cluster[b]]
    assert sorted(repeats.members.tolist()) == sorted({a for a, _ in pairs})
    assert len(repeats) == len({cluster[a] for a, _ in pairs})
    for here in range(3):
        for there in range(3):
            linked = [(a, b) for a, b in pairs if label[a] == here and label[b] == there]
            assert repeats.shared(label, 3)[here, there] == len({cluster[a] for a, _ in linked})
            if here != there:
                assert repeats.met(label, here, there) == len({a for a, _ in linked})
    assert {tuple(repeats.of_cluster(c)) for c in range(len(repeats))} == {
        tuple(np.flatnonzero(cluster == value)) for value in {cluster[a] for a, _ in pairs}
    }


def test_exact_repeats_compare_whole_digests() -> None:
    digests = np.zeros((4, 32), np.uint8)
    digests[1, 31] = digests[3, 0] = 1
    assert DuplicateClusters.exact(digests).members.tolist() == [0, 2]
    assert len(DuplicateClusters.exact(digests[:0])) == 0


def test_what_is_shown_of_a_group_has_one_of_each_kind() -> None:
    labels, splits = np.array([0] * 9 + [1]), np.array([0] * 8 + [1, 0])
    assert varied(np.arange(10), [labels, splits], 4).tolist() == [0, 8, 9, 1]


def test_prepared_rows_keep_their_splits(tmp_path: Path) -> None:
    write_prepared(tmp_path, train=2, val=1, test=1)
    counts = reported(tmp_path, "--processes", 1)["all"]["counts"]
    expected = {name: sum(Prepared.open(tmp_path).column("split") == name) for name in ("train", "val", "test")}
    assert {split: sum(by.values()) for split, by in counts.items()} == expected
