"""As many of every class: which originals, and how many copies of each."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferstream.training.dataset.augment.augment import AugmentSettings, augment, pieces_of
from ferstream.training.dataset.augment.balance import balanced
from ferstream.training.dataset.prepare.dataset_writer import CHUNK
from ferstream.training.dataset.prepare.manifest import Prepared, write_manifest
from tests.support.prepared_dataset import write_prepared


@given(st.lists(st.integers(0, 7), max_size=60), st.integers(1, 40), st.integers(0, 5))
def test_every_class_that_is_there_gives_exactly_the_target(labels: list[int], target: int, seed: int) -> None:
    values = np.array(labels, np.int64)
    rows, copies = balanced(values, target, seed)
    assert dict(zip(*np.unique(values[rows], return_counts=True), strict=True)) == dict.fromkeys(set(labels), target)
    pairs = list(zip(rows.tolist(), copies.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    for row in set(rows.tolist()):
        numbers = copies[rows == row].tolist()
        assert numbers == list(range(len(numbers))), "an original comes before its copies, and no number is left out"
    for label in set(labels):
        members = np.flatnonzero(values == label)
        times = np.array([(rows == row).sum() for row in members])
        assert times.max() - times.min() <= 1
        assert len(members) > target or times.min() >= 1, "no original is dropped while there is room"


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=40), st.integers(1, 40))
def test_no_two_copies_of_a_file_have_one_number(samples: list[tuple[int, str]], target: int) -> None:
    labels, digests = np.array([label for label, _ in samples], np.int64), [digest for _, digest in samples]
    rows, copies = balanced(labels, target, 0, digests)
    plain_rows, plain = balanced(labels, target, 0)
    assert rows.tolist() == plain_rows.tolist()
    assert (copies == 0).tolist() == (plain == 0).tolist(), "originals are the same ones"
    for digest in set(digests):
        numbers = copies[(copies > 0) & (np.array(digests)[rows] == digest)].tolist()
        assert numbers == list(range(1, len(numbers) + 1)), "in the order of the rows, so that it is the same offline"
    pairs = list(zip(rows.tolist(), copies.tolist(), strict=True))
    assert pairs == sorted(pairs)


def test_files_of_one_row_each_are_numbered_as_ever() -> None:
    labels = np.array([0, 0, 0, 1], np.int64)
    with_digests = balanced(labels, 7, 0, ["a", "b", "c", "d"])
    assert all(np.array_equal(a, b) for a, b in zip(balanced(labels, 7, 0), with_digests, strict=True))


def test_who_is_copied_once_more_is_drawn() -> None:
    labels = np.zeros(40, np.int64)
    chosen = [balanced(labels, 50, seed) for seed in range(3)]
    extra = [set(rows[copies == 1].tolist()) for rows, copies in chosen]
    assert [len(rows) for rows in extra] == [10, 10, 10]
    assert extra[0] != extra[1] != extra[2]
    again = balanced(labels, 50, 0)
    assert all(np.array_equal(a, b) for a, b in zip(chosen[0], again, strict=True))


def test_an_over_full_class_is_drawn_from_evenly() -> None:
    labels = np.zeros(20, np.int64)
    times = np.zeros(20)
    for seed in range(400):
        rows, copies = balanced(labels, 5, seed)
        assert not copies.any()
        times[rows] += 1
    assert times.min() > 60  # 100 each on average
    assert times.max() < 140


def test_a_class_does_not_depend_on_the_others() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 1], np.int64)
    rows, copies = balanced(labels, 5, 0)
    alone_rows, alone_copies = balanced(labels[:3], 5, 0)
    assert rows[rows < 3].tolist() == alone_rows.tolist()
    assert copies[rows < 3].tolist() == alone_copies.tolist()


@pytest.mark.parametrize("target", [1, 20_000])
def test_nothing_gives_nothing(target: int) -> None:
    rows, copies = balanced(np.zeros(0, np.int64), target, 0)
    assert (len(rows), len(copies)) == (0, 0)


def test_written_copies_of_one_file_all_differ(tmp_path: Path) -> None:
    dataset = write_prepared(tmp_path / "prepared", train=2, val=1, test=1)
    rows = dataset.table.to_pylist()
    train = [row for row in rows if row["split"] == "train"]
    again = [row | {"origin": f"again {place}"} for place, row in enumerate(train)]  # the same file, under another emotion too
    again[0]["emotion"] = next(row["emotion"] for row in train if row["emotion"] != train[0]["emotion"])
    write_manifest(dataset.folder, [*rows, *again], dataset.about)
    made = augment(dataset.folder, tmp_path / "balanced", AugmentSettings(target=12), 1)
    digests = made.column("sha256")[made.column("copy") > 0]
    assert len(digests) > 50
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_copies_of_one_picture_are_spread_over_parts(tmp_path: Path, processes: int) -> None:
    dataset = write_prepared(tmp_path / "prepared", train=1, val=1, test=1)
    one = [row for row in dataset.table.to_pylist() if row["split"] == "train"][:1]
    write_manifest(dataset.folder, one, dataset.about)
    settings = AugmentSettings(target=3 * CHUNK + 7)
    pieces = list(pieces_of(Prepared.open(dataset.folder), settings))
    assert [sum(len(copies) for _, copies in piece) for piece in pieces] == [CHUNK, CHUNK, CHUNK, 7]
    made = augment(dataset.folder, tmp_path / "balanced", settings, processes)
    assert made.column("copy").tolist() == list(range(3 * CHUNK + 7))
