"""Published datasets become one, balanced and without leaks, in the same bytes however often the work is interrupted."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from click.testing import CliRunner

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.cli import main
from ferstream.training.dataset.augment.augment import AugmentError, AugmentSettings, augment
from ferstream.training.dataset.augment.augmentation import Ranges, augmented
from ferstream.training.dataset.augment.balance import balanced
from ferstream.training.dataset.prepare.dataset_writer import OutputError
from ferstream.training.dataset.prepare.disk_space import DiskNeed
from ferstream.training.dataset.prepare.jpeg_store import NoRoomError, encode, link, store
from ferstream.training.dataset.prepare.manifest import Prepared
from ferstream.training.dataset.prepare.near_duplicates import near_duplicates
from ferstream.training.dataset.prepare.prepare import PrepareError, PrepareSettings, prepare
from ferstream.training.dataset.prepare.prepared_pictures import is_bare
from ferstream.training.dataset.prepare.splits import Candidates, SplitError, published_splits, study_splits
from ferstream.training.sources.catalogue import parse
from ferstream.training.sources.sample import SourceError
from tests.support import dataset_trees as trees
from tests.support.patience import PROCESS_S

#: Drawn faces of one emotion are near each other, as photographs are not.
SETTINGS = PrepareSettings(per_class=6, distance=8)
#: All pictures are one: there is nothing to hold out, which is known once all are made.
ALL_ALIKE = PrepareSettings(per_class=1, distance=256)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FER-2013, CK+48, AffectNet as first given out, and RAF-DB."""
    root = tmp_path_factory.mktemp("sources")
    trees.write_fer2013_csv(root / "fer")
    trees.write_ck_plus(root / "ck", per_class=30, seed=1)
    trees.write_affectnet(root / "affectnet", per_class=16, seed=2)
    trees.write_raf_db(root / "raf", seed=3)
    return root


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return run(sources(root), tmp_path_factory.mktemp("made") / "avfer")


def sources(root: Path) -> list[str]:
    return [f"fer2013:{root / 'fer'}", str(root / "ck" / "CK+48"), f"affectnet:{root / 'affectnet'}", f"raf-db:{root / 'raf'}"]


def run(
    names: list[str], folder: Path, settings: PrepareSettings = SETTINGS, processes: int = 1, *, strict: bool = False
) -> Prepared:
    return prepare([parse(name) for name in names], folder, settings, processes, strict=strict)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_no_leaks(prepared: Prepared, distance: int) -> None:
    splits = prepared.column("split").tolist()
    hashes = np.array([np.frombuffer(value, np.uint8) for value in prepared.column("phash")])
    subjects = prepared.column("subject").tolist()
    named = [row for row, subject in enumerate(subjects) if subject]
    clusters = near_duplicates(hashes, distance).tolist()
    for groups in ({(clusters[i], splits[i]) for i in range(len(splits))}, {(subjects[i], splits[i]) for i in named}):
        assert len({group for group, _ in groups}) == len(groups), "a group is in one split"


# What is made


def test_validation_and_test_are_balanced_and_the_rest_is_to_train_on(made: Prepared, root: Path) -> None:
    for split in ("val", "test"):
        part = made.of_split(split)
        assert np.bincount(part.labels, minlength=8).tolist() == [6] * 8
        assert set(part.column("source")) == {"affectnet"}
    with (root / "affectnet" / "validation.csv").open(encoding="utf-8") as file:
        published = {row["subDirectory_filePath"] for row in csv.DictReader(file)}
    drawn = {origin.removeprefix("Manually_Annotated_Images/") for origin in made.of_split("test").column("origin")}
    assert drawn <= published, "its published validation pictures come first"
    assert set(made.of_split("train").column("source")) == {"fer2013", "ck+", "affectnet", "raf-db"}
    assert_no_leaks(made, SETTINGS.distance)


def test_pictures_are_rgb_jpeg_and_grey_keeps_its_values(made: Prepared, root: Path) -> None:
    with (root / "fer" / "fer2013.csv").open(encoding="utf-8") as file:
        lines = file.read().splitlines()
    seen = Counter()
    for row, path in zip(made.table.to_pylist(), made.paths, strict=True):
        data = path.read_bytes()
        height, width, colours, sampling = simplejpeg.decode_jpeg_header(data)
        assert (height, width, colours) == (row["height"], row["width"], "YCbCr")
        assert sampling == ("420" if row["source"] == "raf-db" else "444"), "RAF-DB's are taken as they are"
        assert max(height, width) <= 256
        pixels = simplejpeg.decode_jpeg(data, "RGB")
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["grey"] == (row["source"] in ("fer2013", "ck+"))
        if row["grey"]:
            assert np.array_equal(pixels[..., 0], pixels[..., 1])
            assert np.array_equal(pixels[..., 1], pixels[..., 2])
        if row["source"] == "fer2013":
            original = np.array(lines[int(row["origin"].rpartition(":")[2]) - 1].split(",")[1].split(), int).reshape(48, 48)
            assert np.abs(pixels[..., 0] - original).max() <= 2
        seen[row["source"]] += 1
    assert seen["fer2013"] > 50


def test_a_jpeg_that_is_nothing_but_pixels_is_taken_as_it_is(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "raf"
    shutil.copytree(root / "raf", folder)
    faces = sorted(folder.rglob("*_aligned.jpg"))
    bare = [path.read_bytes() for path in faces]
    assert all(is_bare(data) for data in bare)
    comment = bare[0][:20] + b"\xff\xfe\x00\x08secret" + bare[0][20:]
    faces[0].write_bytes(comment)
    progressive = cv2.imencode(".jpg", cv2.imread(str(faces[1])), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    faces[1].write_bytes(progressive)
    grey = cv2.imencode(".jpg", cv2.imread(str(faces[2]), cv2.IMREAD_GRAYSCALE))[1].tobytes()
    faces[2].write_bytes(grey)
    trailing = bare[3] + b"more \xff\xd9"
    faces[3].write_bytes(trailing)
    assert not any(is_bare(data) for data in (comment, progressive, grey, trailing, b"", bare[0][:-2], bare[0][:30]))
    prepared = run([f"raf-db:{folder}"], tmp_path / "avfer", PrepareSettings("published", distance=8))
    files = {
        row["origin"].rpartition("/")[2]: path.read_bytes()
        for row, path in zip(prepared.table.to_pylist(), prepared.paths, strict=True)
    }
    anew = {path.name for path, data in zip(faces, bare, strict=True) if path.name in files and files[path.name] != data}
    assert anew == {path.name for path in faces[:4]} & set(files)
    assert len(anew) > 2
    assert not any(b"secret" in data for data in files.values())
    for data in files.values():
        assert simplejpeg.decode_jpeg(data).shape == (100, 100, 3)
        assert simplejpeg.decode_jpeg_header(data)[2] == "YCbCr"


def test_large_faces_are_made_smaller(root: Path, tmp_path: Path) -> None:
    small = run(sources(root)[3:], tmp_path / "small", PrepareSettings("published", distance=8, largest_side=40))
    assert set(small.column("width")) == {40}
    assert {simplejpeg.decode_jpeg_header(path.read_bytes())[:2] for path in small.paths} == {(40, 40)}


def test_what_is_said_of_a_dataset_names_no_path_of_this_machine(made: Prepared, root: Path) -> None:
    text = (made.folder / "dataset.json").read_text()
    assert str(root) not in text
    about = json.loads(text)
    assert about["sources"][2] == {"scheme": "affectnet", "name": "affectnet"}
    assert about["left_out"] == {"no face": 2, "none": 2, "uncertain": 2}
    assert about["splits"]["val"] == dict.fromkeys(EMOTIONS, 6)
    assert sum(map(sum, (row.values() for row in about["by_source"].values()))) == len(made)


def test_the_same_seed_gives_the_same_bytes_in_any_number_of_processes(made: Prepared, root: Path, tmp_path: Path) -> None:
    run(sources(root), tmp_path / "two", processes=2)
    assert contents(tmp_path / "two") == contents(made.folder)
    other = run(sources(root), tmp_path / "other", PrepareSettings(per_class=6, distance=8, seed=1))
    assert set(other.of_split("val").column("origin")) != set(made.of_split("val").column("origin"))


# Splits


def test_near_duplicates_of_held_out_pictures_are_removed(root: Path, tmp_path: Path) -> None:
    """The held-out source's validation pictures come again, saved anew, in another source that trains."""
    folder = tmp_path / "CK+48"
    for name in ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise", "neutral"):
        (folder / name).mkdir(parents=True)
    with (root / "affectnet" / "validation.csv").open(encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if int(row["expression"]) > 7:
                continue
            x, y, side = (int(row[name]) for name in ("face_x", "face_y", "face_width"))
            picture = cv2.imread(str(root / "affectnet" / "Manually_Annotated_Images" / row["subDirectory_filePath"]))
            face = cv2.resize(picture[y : y + side, x : x + side], (100, 100), interpolation=cv2.INTER_AREA)
            path = folder / "happy" / f"S{number:03}_001_00000001.png"
            cv2.imwrite(str(path), cv2.imdecode(cv2.imencode(".jpg", face)[1], cv2.IMREAD_COLOR))
    settings = PrepareSettings(per_class=8, distance=20)
    prepared = run([sources(root)[2], str(folder)], tmp_path / "avfer", settings)
    assert_no_leaks(prepared, 20)
    assert prepared.about["removed"]["near duplicate of a held-out picture"] >= 64
    assert set(prepared.of_split("test").column("source")) == {"affectnet"}
    assert len(prepared.of_split("test")) == 64


def test_published_splits_are_kept_and_missing_ones_are_made(root: Path, tmp_path: Path) -> None:
    prepared = run(sources(root)[:2], tmp_path / "avfer", PrepareSettings("published", distance=8))
    fer, ck = (prepared.table.filter(np.asarray(prepared.column("source") == name)) for name in ("fer2013", "ck+"))
    assert Counter(fer["split"].to_pylist()) == {"train": 56, "val": 14, "test": 14}
    shares = Counter(ck["split"].to_pylist())
    assert shares == {"train": 168, "val": 21, "test": 21}, "people of ten, eight and one and one"
    assert_no_leaks(prepared, 8)


def candidates(seed: int, count: int = 900) -> Candidates:
    """Two sources; of the second, people have some pictures each, and a few pictures are there more than once."""
    random = np.random.default_rng(seed)
    names = np.array(["one", "two"], object)[random.integers(0, 2, count)]
    return Candidates(
        labels=random.choice(8, count, p=[0.05, 0.05, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1]),
        sources=names,
        published=np.array(["train", "val", "test", ""], object)[random.integers(0, 4, count)],
        clusters=np.where(random.random(count) < 0.3, random.integers(0, 40, count), np.arange(count) + 40),
        people=np.where(names == "two", random.integers(0, 60, count), -1),
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mode", ["study", "published"])
def test_nobody_and_no_picture_is_in_two_splits(seed: int, mode: str) -> None:
    data = candidates(seed)
    drawn = [study_splits(data, ["one", "two"], 3, seed) if mode == "study" else published_splits(data, seed) for _ in range(2)]
    splits = drawn[0].splits
    assert np.array_equal(splits, drawn[1].splits)
    assert sum(drawn[0].removed.values()) == (splits == "").sum()
    for groups in (data.clusters, data.people):
        kept = (groups >= 0) & (splits != "")
        pairs = set(zip(groups[kept].tolist(), splits[kept].tolist(), strict=True))
        assert len(pairs) == len({group for group, _ in pairs})
    if mode == "study":
        for split in ("val", "test"):
            assert np.bincount(data.labels[splits == split], minlength=8).tolist() == [3] * 8
            assert len(set(data.clusters[splits == split].tolist())) == 24, "of near duplicates one is held out"


def test_a_source_without_splits_gets_them_by_class() -> None:
    labels = np.repeat(np.arange(8), 50)
    count = len(labels)
    names = np.full(count, "one", object)
    data = Candidates(labels, names, np.full(count, "", object), np.arange(count), np.full(count, -1))
    splits = published_splits(data, 0).splits
    for split, share in (("test", 5), ("val", 5), ("train", 40)):
        assert np.bincount(labels[splits == split], minlength=8).tolist() == [share] * 8
    assert not np.array_equal(splits, published_splits(data, 1).splits)


def test_a_number_that_would_do_is_named_and_does() -> None:
    data = candidates(0)
    with pytest.raises(SplitError, match=r"too few pictures .* --per-class (\d+) would do") as error:
        study_splits(data, ["one"], 500, 0)
    number = int(str(error.value).split("--per-class ")[1].split()[0])
    assert number > 3
    study_splits(data, ["one"], number, 0)
    with pytest.raises(SplitError, match="too few"):
        study_splits(data, ["one"], number + 1, 0)


def test_what_cannot_be_held_out_is_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SplitError, match=r"no source affectnet to hold out; there are ck\+, fer2013"):
        run(sources(root)[:2], tmp_path / "avfer")
    with pytest.raises(SplitError, match=r"fer2013 has no contempt to hold out, which another source has"):
        run(sources(root)[:2], tmp_path / "avfer", PrepareSettings(held_out=("fer2013",), per_class=1, distance=8))
    only = run(sources(root)[:1], tmp_path / "avfer", PrepareSettings(held_out=("fer2013",), per_class=1, distance=8))
    assert "contempt" not in only.of_split("val").column("emotion"), "nobody has it, so nobody misses it"


# Interruptions, and folders that are something else


def command(*arguments: str, before: str = "pass") -> list[str]:
    script = f"import sys; {before}; from ferstream.training.cli import main; main()"
    return [sys.executable, "-c", script, "dataset", *arguments]


def prepare_command(root: Path, out: Path, *more: str, before: str = "pass") -> list[str]:
    options = ["--per-class", "6", "--distance", "8", "--processes", "1", "--out", str(out), *more]
    return command("prepare", *sources(root), *options, before=before)


def killed_with_parts(arguments: list[str], out: Path, parts: int) -> dict[Path, int]:
    """The pictures, and when they were written, of a run that is killed as soon as so many parts are there."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while len(list(out.glob(".parts/[0-9a-f]*"))) < parts:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not (out / "manifest.parquet").exists()
    first = {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    assert first
    return first


def test_a_killed_run_goes_on_to_the_same_bytes(made: Prepared, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "avfer"
    first = killed_with_parts(prepare_command(root, out), out, 2)
    broken = sorted(first)[0]
    broken.write_bytes(b"")  # as a machine that lost its power leaves it
    run(sources(root), out)
    assert contents(out) == contents(made.folder)
    kept = [path for path, at in first.items() if path.exists() and path.stat().st_mtime_ns == at]
    assert len(kept) > len(first) // 2, "what was there is not written again"


def test_a_full_disk_is_one_clear_line_and_the_run_goes_on_later(made: Prepared, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "avfer"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))"
    for processes in ("1", "2"):
        done = subprocess.run(
            prepare_command(root, out, "--processes", processes, before=limit),
            capture_output=True,
            text=True,
            check=False,
            timeout=PROCESS_S,
        )
        assert done.returncode == 3
        assert "Traceback" not in done.stderr
        assert f"Error: there is no more room in {out}" in done.stderr
        assert "are still needed. So it is a quota, a limit on the size of files (ulimit -f)" in done.stderr
        assert "it goes on where it stopped" in done.stderr
        assert not (out / "manifest.parquet").exists()
        assert all(path.read_bytes().endswith(b"\xff\xd9") for path in out.rglob("*.jpg")), "none is half-written"
    assert len(list(out.rglob("*.jpg"))) > 20
    run(sources(root), out)
    assert contents(out) == contents(made.folder)


def in_small_disk(folder: Path, size: str, *commands: list[str]) -> list[subprocess.CompletedProcess[str]]:
    """Run commands while a disk of `size` is mounted on `folder`, for them alone."""
    folder.mkdir()
    names = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "PYTHONPATH": os.pathsep.join(sys.path)}
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unprivileged mounts (unshare -rm)")
    script = (
        "import json, subprocess, sys\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={sys.argv[1]}', 'none', sys.argv[2]], check=True)\n"
        "for command in json.loads(sys.argv[3]):\n"
        "    done = subprocess.run(command, capture_output=True, text=True)\n"
        "    print(json.dumps([done.returncode, done.stdout, done.stderr]))\n"
    )
    inside = ["unshare", "-rm", sys.executable, "-c", script, size, str(folder), json.dumps(commands)]
    said = subprocess.run(inside, capture_output=True, text=True, check=True, env=names, timeout=PROCESS_S).stdout
    return [subprocess.CompletedProcess([], *json.loads(line)) for line in said.splitlines()]


def test_a_small_disk_is_refused_before_anything_is_written(root: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    refused, left = in_small_disk(disk, "1m", prepare_command(root, disk / "avfer"), ["find", str(disk), "-type", "f"])
    assert refused.returncode == 3
    assert "needs about" in refused.stderr
    assert "name another --out" in refused.stderr
    assert left.stdout.split() == [str(disk / "avfer" / ".parts" / "made-by-fer-train")]


def test_a_disk_that_fills_up_in_the_middle(made: Prepared, root: Path, tmp_path: Path) -> None:
    """Somebody else takes the room while the pictures are written: afterwards the same command goes on."""
    disk, ballast = tmp_path / "disk", tmp_path / "disk" / "ballast"
    fill = (
        "from ferstream.training.dataset.prepare.disk_space import DiskNeed; from pathlib import Path; check = DiskNeed.check;"
        f"DiskNeed.check = lambda need, folder: (check(need, folder), Path({str(ballast)!r}).write_bytes(bytes(9_000_000)))"
    )
    out = disk / "avfer"
    full, freed, again, listed = in_small_disk(
        disk, "12m", prepare_command(root, out, before=fill), ["rm", str(ballast)], prepare_command(root, out),
        [sys.executable, "-c", f"import pathlib, shutil; shutil.copytree({str(out)!r}, {str(tmp_path / 'copy')!r})"],
    )  # fmt: skip
    assert full.returncode == 3, full.stderr
    assert "there is no more room in" in full.stderr
    assert "still needed. Free " in full.stderr
    assert (freed.returncode, again.returncode, listed.returncode) == (0, 0, 0), again.stderr
    assert contents(tmp_path / "copy") == contents(made.folder)


def test_an_impossible_need_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoRoomError, match=r"needs about 1,000,000,000\.0 MB and its disk has .* free: free .* MB"):
        DiskNeed(1, 10**15).check(tmp_path)


def test_a_finished_dataset_is_left_as_it_is(made: Prepared, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "avfer"
    shutil.copytree(made.folder, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    run(sources(root), out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    with pytest.raises(OutputError, match="made otherwise: name another --out"):
        run(sources(root), out, PrepareSettings(per_class=5, distance=8))
    with pytest.raises(OutputError, match="made otherwise"):
        run(sources(root)[1:], out)
    (out / ".parts").mkdir()
    (out / ".parts" / "made-by-fer-train").write_bytes(b"")
    folder = out / "images" / "affectnet" / "ab"
    folder.mkdir(exist_ok=True)
    (folder / f"{'c' * 20}.jpg").write_bytes(b"")
    (folder / f".{'c' * 20}.jpg.17").write_bytes(b"")
    run(sources(root), out)
    assert contents(out) == contents(made.folder), "a run that was stopped while it tidied up is brought to its end"


def test_other_settings_go_on_with_unfinished_work(made: Prepared, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "avfer"
    with pytest.raises(SplitError):
        run(sources(root), out, ALL_ALIKE)
    pictures = {path.name: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    run(sources(root), out)
    assert contents(out) == contents(made.folder)
    assert all(pictures[path.name] == path.stat().st_mtime_ns for path in out.rglob("*.jpg"))


def test_a_folder_with_something_else_in_it_is_left_alone(root: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match=r"holds other things \(thesis.tex\)"):
        run(sources(root), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot"):
        run(sources(root), tmp_path / "file" / "avfer")


def test_broken_pictures_are_counted_or_stop(tmp_path: Path) -> None:
    folder = trees.write_ck_plus(tmp_path / "ck", per_class=6)
    picture = sorted(folder.rglob("*.png"))[0]
    picture.write_bytes(picture.read_bytes()[:200])
    settings = PrepareSettings("published", distance=8)
    prepared = run([str(folder)], tmp_path / "avfer", settings)
    assert len(prepared) == 7 * 6 - 1
    assert sum(prepared.about["wrong"].values()) == 1
    with pytest.raises(SourceError, match=picture.name):
        run([str(folder)], tmp_path / "strict", settings, strict=True)
    for path in folder.rglob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(PrepareError, match="no picture of"):
        run([str(folder)], tmp_path / "none", settings)


def test_a_picture_that_was_changed_is_made_anew(tmp_path: Path) -> None:
    folder = trees.write_ck_plus(tmp_path / "ck", per_class=6)
    with pytest.raises(SplitError):
        run([str(folder)], tmp_path / "avfer", replace(ALL_ALIKE, held_out=("ck+",)))
    changed = sorted(folder.rglob("*.png"))[3]
    cv2.imwrite(str(changed), np.full((48, 48), 9, np.uint8))
    prepared = run([str(folder)], tmp_path / "avfer", PrepareSettings("published", distance=0))
    (row,) = [row for row in prepared.table.to_pylist() if row["origin"].endswith(changed.name) and row["emotion"] == "anger"]
    assert np.abs(simplejpeg.decode_jpeg((prepared.folder / row["path"]).read_bytes())[..., 0].astype(int) - 9).max() <= 1


def test_a_leftover_link_of_a_killed_run_is_not_written_through(tmp_path: Path) -> None:
    original = tmp_path / "original.jpg"
    original.write_bytes(b"whole")
    stored = link(tmp_path / "out", "fer2013", hashlib.sha256(b"whole").hexdigest(), original)
    assert (tmp_path / "out" / stored.path).samefile(original)
    other = tmp_path / "out" / store(tmp_path / "out", "fer2013", b"another").path
    other.unlink()
    other.with_name(f".{other.name}.{os.getpid()}").hardlink_to(original)
    store(tmp_path / "out", "fer2013", b"another")
    assert other.read_bytes() == b"another"
    assert original.read_bytes() == b"whole"


# Augmentation


@pytest.fixture(scope="module")
def balanced_set(made: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return augment(made.folder, tmp_path_factory.mktemp("augmented") / "avfer", AugmentSettings(60), 1)


def test_training_is_balanced_and_the_other_splits_stay(made: Prepared, balanced_set: Prepared) -> None:
    train = balanced_set.of_split("train")
    assert np.bincount(train.labels, minlength=8).tolist() == [60] * 8
    before = np.bincount(made.of_split("train").labels, minlength=8)
    assert before.min() < 60 < before.max(), "some are made more, some less"
    originals = np.bincount(train.labels[train.column("copy") == 0], minlength=8)
    assert originals.tolist() == np.minimum(before, 60).tolist()
    for split in ("val", "test"):
        assert balanced_set.of_split(split).table.equals(made.of_split(split).table)
    for row, path in zip(balanced_set.table.to_pylist(), balanced_set.paths, strict=True):
        assert row["copy"] > 0 or path.samefile(made.folder / row["path"])


def test_written_copies_are_those_made_on_the_fly(made: Prepared, balanced_set: Prepared) -> None:
    train = made.of_split("train")
    rows, copies = balanced(train.labels, 60, 0, train.column("sha256"))
    written = balanced_set.of_split("train").table.to_pylist()
    assert len(written) == len(rows)
    paths, digests = train.paths, train.column("sha256")
    for row, copy, found in zip(rows.tolist(), copies.tolist(), written, strict=True):
        assert (found["copy"], found["origin"]) == (copy, train.column("origin")[row])
        if copy:
            pixels = augmented(simplejpeg.decode_jpeg(paths[row].read_bytes()), digests[row], copy, 0, Ranges())
            data = (balanced_set.folder / found["path"]).read_bytes()
            assert data == encode(pixels, grey=found["grey"])
            assert found["sha256"] == hashlib.sha256(data).hexdigest()
            assert found["phash"] is None


def test_augmenting_is_the_same_in_any_number_of_processes_and_after_a_stop(
    made: Prepared, balanced_set: Prepared, tmp_path: Path
) -> None:
    augment(made.folder, tmp_path / "two", AugmentSettings(60), 2)
    assert contents(tmp_path / "two") == contents(balanced_set.folder)
    out = tmp_path / "stopped"
    arguments = command("augment", str(made.folder), "--out", str(out), "--target", "60")
    killed_with_parts([*arguments, "--processes", "1"], out, 1)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))"
    full = command(*arguments[4:], before=limit)
    done = subprocess.run(full, capture_output=True, text=True, check=False, timeout=PROCESS_S)
    assert done.returncode == 3
    assert "there is no more room" in done.stderr
    augment(made.folder, out, AugmentSettings(60), 1)
    assert contents(tmp_path / "stopped") == contents(balanced_set.folder)


def test_what_cannot_be_augmented_is_said(made: Prepared, balanced_set: Prepared, tmp_path: Path) -> None:
    with pytest.raises(AugmentError, match="augmented already"):
        augment(balanced_set.folder, tmp_path / "again", AugmentSettings(60), 1)
    with pytest.raises(AugmentError, match="is the dataset itself"):
        augment(made.folder, made.folder, AugmentSettings(60), 1)
    with pytest.raises(OutputError, match="made otherwise"):
        augment(made.folder, balanced_set.folder, AugmentSettings(61), 1)


def test_commands(root: Path, tmp_path: Path) -> None:
    out, more = str(tmp_path / "avfer"), str(tmp_path / "more")
    options = ["--splits", "published", "--distance", "8", "--processes", "1"]
    done = CliRunner().invoke(main, ["dataset", "prepare", sources(root)[3], "--out", out, *options])
    assert done.exit_code == 0, done.output
    assert "samples                train           val          test" in done.output
    options = ["--target", "9", "--zoom", "0", "--rotation", "0", "--shift", "0", "--brightness", "1", "1", "--no-flip", "--json"]
    done = CliRunner().invoke(main, ["dataset", "augment", out, "--out", more, *options, "--processes", "1"])
    assert done.exit_code == 0, done.output
    about = json.loads(done.stdout)
    assert about["splits"]["train"]["anger"] == 9
    assert about["settings"]["ranges"] == {"rotation": 0, "shift": 0, "zoom": 0, "brightness": [1, 1], "flip": False}
    wrong = CliRunner().invoke(main, ["dataset", "prepare", str(tmp_path / "none"), "--out", str(tmp_path / "x")])
    assert wrong.exit_code == 3
    assert "there is no" in wrong.output
    wrong = CliRunner().invoke(main, ["dataset", "augment", str(tmp_path), "--out", more])
    assert "is no prepared dataset" in wrong.output
