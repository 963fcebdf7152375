"""Nothing of others is lost, and what cannot work is said at once: folders, manifests, splits, processes."""

import json
import os
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from click.testing import CliRunner

from ferstream.training.cli import main
from ferstream.training.dataset.prepare import prepared_pictures
from ferstream.training.dataset.prepare.dataset_writer import OutputError, open_folder
from ferstream.training.dataset.prepare.manifest import SCHEMA, Prepared, PreparedError, write_manifest
from ferstream.training.dataset.prepare.part_files import count_parts
from ferstream.training.dataset.prepare.prepare import PrepareError, PrepareSettings, prepare
from ferstream.training.dataset.prepare.splits import Candidates, SplitError, published_splits, study_splits
from ferstream.training.sources import catalogue
from ferstream.training.sources.catalogue import parse
from ferstream.training.sources.pixels import with_equal_channels
from ferstream.training.sources.sample import Account
from tests.support import dataset_trees as trees
from tests.support.patience import PROCESS_S
from tests.support.prepared_dataset import write_prepared
from tests.support.training_packs import real_pack

PUBLISHED = PrepareSettings("published", distance=8)
#: All pictures are one: there is nothing to hold out, which is known once all are made.
ALL_ALIKE = PrepareSettings(held_out=("ck+",), per_class=1, distance=256)


@pytest.fixture(scope="module")
def ck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.write_ck_plus(tmp_path_factory.mktemp("ck"), per_class=6)


def run(source: Path, out: Path, settings: PrepareSettings = PUBLISHED, *, strict: bool = False) -> Prepared:
    return prepare([parse(f"ck+:{source}")], out, settings, 1, strict=strict)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Folders


@pytest.mark.parametrize("name", ["images/holiday/beach.jpg", ".parts/mine.txt", "dataset.json", "dataset.json.part"])
def test_a_folder_that_we_did_not_make_is_left_alone(ck: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "mine"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    with pytest.raises(OutputError, match="holds other things"):
        run(ck, out)
    assert files(out) == {out / name: b"mine"}


@pytest.mark.parametrize("name", ["images", ".parts"])
def test_nothing_is_written_or_removed_through_a_link(ck: Path, tmp_path: Path, name: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    precious = elsewhere / "ck+" / "ab" / f"{'c' * 20}.jpg"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    (elsewhere / "made-by-fer-train").write_text("")
    out.mkdir()
    (out / name).symlink_to(elsewhere)
    with pytest.raises(OutputError, match="symbolic link"):
        run(ck, out)
    assert precious.read_text() == "mine"


def test_only_pictures_named_as_ours_are_tidied(ck: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    with pytest.raises(SplitError):
        run(ck, out, ALL_ALIKE)
    ours = [out / "images" / "ck+" / "ab" / name for name in (f"{'c' * 20}.jpg", f".{'c' * 20}.jpg.17")]
    theirs = [
        out / "images" / name
        for name in (
            "holiday/beach.jpg",
            "ck+/beach.jpg",
            "ck+/ab/beach.jpg",
            f"raf-db/ab/{'c' * 20}.jpg",
            "ck+/holiday/beach.jpg",
        )
    ]
    elsewhere.mkdir()
    linked = elsewhere / f"{'c' * 20}.jpg"
    for path in (*ours, *theirs, linked):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("stray")
    shutil.rmtree(out / "images" / "ck+" / "cd", ignore_errors=True)
    (out / "images" / "ck+" / "cd").symlink_to(elsewhere)
    run(ck, out)
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in (*theirs, linked))


def test_two_runs_do_not_share_a_folder(ck: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with open_folder(out), pytest.raises(OutputError, match="another run is writing to"):
        run(ck, out)
    assert not list(out.rglob("*.jpg"))
    run(ck, out)
    with pytest.raises(OutputError, match="has just finished"), open_folder(out):
        pass


def test_a_finished_dataset_is_looked_at(ck: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "ck", tmp_path / "out"
    shutil.copytree(ck, source)
    broken = sorted(source.rglob("*.png"))[0]
    broken.write_bytes(broken.read_bytes()[:200])
    command = ["dataset", "prepare", f"ck+:{source}", "--out", str(out), "--splits", "published", "--processes", "1", "--json"]
    for said in ("", f"{out} is complete: nothing to do"):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        assert said in done.stderr
        assert json.loads(done.stdout)["made_by"] == "prepare"
    strict = CliRunner().invoke(main, [*command, "--strict"])
    assert strict.exit_code == 3
    settings = PrepareSettings("published")
    with pytest.raises(PrepareError, match="made without --strict: 1 x"):
        prepare([parse(f"ck+:{source}")], out, settings, 1, strict=True)
    picture = sorted(source.rglob("*.png"))[3]
    state = picture.stat()
    os.utime(picture, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    with pytest.raises(OutputError, match="made otherwise"):
        run(source, out, settings)
    os.utime(picture, ns=(state.st_atime_ns, state.st_mtime_ns))
    made = run(source, out, settings)
    made.paths[0].unlink()
    with pytest.raises(OutputError, match="lacks 1 of its pictures"):
        run(source, out, settings)


def test_no_room_for_the_manifest_says_what_to_do(ck: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(SplitError):
        run(ck, out, ALL_ALIKE)
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); from ferstream.training.cli import main;"
        f"main(['dataset', 'prepare', 'ck+:{ck}', '--out', {str(out)!r}, '--splits', 'published', '--processes', '1'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=PROCESS_S)
    assert done.returncode == 3
    assert f"there is no more room in {out}" in done.stderr
    assert "limit on the size of files (ulimit -f)" in done.stderr
    assert "free 0" not in done.stderr.lower()


def test_only_parts_of_this_run_count_as_done(ck: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(SplitError):
        run(ck, out, ALL_ALIKE)
    found = list(catalogue.samples(parse(f"ck+:{ck}"), Account()))
    same, other = (prepared_pictures.digest_of(prepared_pictures.Piece(out, side, found)) for side in (256, 40))
    assert count_parts(out, [same]) == 1
    assert count_parts(out, [other]) == 0


# Manifests


def write_altered(folder: Path, about: object = None, **changes: object) -> Path:
    prepared = write_prepared(folder, train=1, val=1, test=1)
    rows = prepared.table.to_pylist()
    rows[0] |= changes
    write_manifest(folder, rows, prepared.about if about is None else about)
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "../../../evil"}, {"source": ".."}, {"source": ""}, {"source": "a/b"}, {"source": None},
        {"path": "/etc/passwd"}, {"path": "images/../../secret.jpg"}, {"path": "secret.jpg"}, {"path": "images"}, {"path": None},
        {"path": "images/..\n/secret.jpg/.."}, {"emotion": "joy"}, {"emotion": None}, {"split": "dev"}, {"split": ""},
        {"sha256": "zz"}, {"sha256": "A" * 64}, {"groups": "{"}, {"groups": "[]"}, {"groups": '{"age": 3}'},
        {"groups": "[" * 9999}, {"copy": None}, {"votes": [1.0]}, {"votes": [0.0] * 8},
        {"votes": [float("nan")] * 8}, {"votes": [None] * 8},
        {"about": []}, {"about": "text"},
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_that_is_altered_is_refused_in_one_line(tmp_path: Path, changes: dict[str, object]) -> None:
    folder = write_altered(tmp_path / "set", **changes)
    with pytest.raises(PreparedError) as error:
        Prepared.open(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    assert "prepare" in str(error.value)
    done = CliRunner().invoke(main, ["dataset", "augment", str(folder), "--out", str(tmp_path / "out"), "--target", "2"])
    assert done.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_sound_manifest_is_read(tmp_path: Path) -> None:
    folder = write_altered(tmp_path / "set", groups=None, votes=[0.5, 0.5] + [0.0] * 6)
    assert len(Prepared.open(folder)) == 24
    write_manifest(folder, SCHEMA.empty_table(), {})
    assert len(Prepared.open(folder)) == 0


# Splits


def candidates(labels: np.ndarray, people: np.ndarray, published: str = "") -> Candidates:
    count = len(labels)
    return Candidates(labels, np.full(count, "ck+", object), np.full(count, published, object), np.arange(count), people)


@pytest.mark.parametrize("seed", range(4))
def test_few_people_are_held_out_and_the_others_are_to_train_on(seed: int) -> None:
    """Ten people with three pictures of each of seven emotions."""
    data = candidates(np.tile(np.repeat(np.arange(7), 3), 10), np.repeat(np.arange(10), 21))
    made = study_splits(data, ["ck+"], 2, seed)
    assert [int((made.splits == split).sum()) for split in ("train", "val", "test")] == [168, 14, 14]
    assert made.removed == {"shows somebody who is held out": 14}


def test_a_draw_that_leaves_nothing_to_train_on_is_refused() -> None:
    data = candidates(np.tile(np.arange(7), 2), np.repeat(np.arange(2), 7))
    with pytest.raises(SplitError, match="and train on others: not even --per-class 1 would do"):
        study_splits(data, ["ck+"], 1, 0)
    once = candidates(np.concatenate([np.tile(np.arange(6), 9), np.full(2, 6)]), np.full(56, -1))
    with pytest.raises(SplitError, match="not even"):
        study_splits(once, ["ck+"], 1, 0)


@pytest.mark.parametrize(("people", "held_out"), [(1, 0), (2, 1), (3, 2), (5, 2), (12, 3)])
def test_a_source_of_few_people_keeps_some_to_train_on(people: int, held_out: int) -> None:
    data = candidates(np.tile(np.arange(7), people), np.repeat(np.arange(people), 7))
    splits = published_splits(data, 0).splits
    assert len(set(data.people[splits != "train"].tolist())) == held_out
    assert (splits == "train").any()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (PrepareSettings(), "no source affectnet to hold out; there are ck\\+"),
        (PrepareSettings(held_out=("CKplus",), per_class=4), "ck\\+ has 6 of anger, for --per-class 2 at most"),
        (PrepareSettings(held_out=("ck+",), per_class=3), "for --per-class 2 at most"),
    ],
)
def test_what_cannot_be_split_is_said_before_a_picture_is_read(
    ck: Path, tmp_path: Path, settings: PrepareSettings, said: str
) -> None:
    with pytest.raises(SplitError, match=said):
        run(ck, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_held_out_sources_have_several_spellings(ck: Path, tmp_path: Path) -> None:
    two = [str(ck), f"raf-db:{trees.write_raf_db(tmp_path / 'raf', per_class=6)}"]
    made = prepare(
        [parse(name) for name in two[1:]], tmp_path / "out", PrepareSettings(held_out=("RAFDB",), per_class=1, distance=2), 1
    )
    assert made.about["settings"]["held_out"] == ["raf-db"]


# Real faces


def test_faces_of_the_pack_are_grey_and_keep_their_values() -> None:
    """Their WebP's channels differ by rounding."""
    pack = real_pack("ferplus_trainval.npz")
    found = list(islice(catalogue.samples(parse(f"ferplus:{pack}"), Account()), 200))
    rounded = 0
    for sample in found:
        source = prepared_pictures.face_of(sample).pixels
        ready = prepared_pictures.ready(sample, 256)
        written = simplejpeg.decode_jpeg(prepared_pictures.file_of(sample, ready))
        assert ready.grey
        assert np.ptp(written, axis=2).max() == 0
        assert np.abs(written.astype(int) - source).max() <= 4
        rounded += np.ptp(source, axis=2).max() > 0
    assert rounded > 150


def test_colour_is_no_rounding() -> None:
    grey = np.full((8, 8, 3), 90, np.uint8)
    assert with_equal_channels(grey) is grey
    for value, is_grey in ((92, True), (93, False)):
        pixels = grey.copy()
        pixels[5, 5, 1] = value
        made = with_equal_channels(pixels)
        assert (made is not None) == is_grey
        assert made is None or np.ptp(made, axis=2).max() == 0


# Processes


def children(process: int) -> set[int]:
    """Every process below one."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found, before = {process}, set()
    while found != before:
        before, found = found, found | {pid for pid, parent in parents.items() if parent in found}
    return found - {process}


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_no_process_outlives_the_first(tmp_path: Path, end: str) -> None:
    script = (
        "import sys, time; from ferstream.training.common.parallel import in_order\n"
        "if __name__ == '__main__':\n    for done in in_order(time.sleep, [0.01] * 20 + [60] * 9, 2): print('done', flush=True)\n"
    )
    path = tmp_path / "work.py"
    path.write_text(script)
    names = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=names)
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"
    below = children(process.pid)
    assert len(below) >= 4, "two that work, what starts them, and what cleans up"
    getattr(process, end)()
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 30
    while any(map(running, below)):
        assert time.monotonic() < until
        time.sleep(0.05)
