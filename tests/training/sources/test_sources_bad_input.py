"""Whatever a dataset's files hold, a reader goes on and counts it, stops with one line, or stops with the path in --strict."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.sources.affectnet_npy import label_in
from ferstream.training.sources.catalogue import Named, samples
from ferstream.training.sources.folder import LEAVES
from ferstream.training.sources.pictures import PictureError, face_of
from ferstream.training.sources.sample import Account, Sample, SourceError
from tests.support import dataset_trees as trees
from tests.support.training_packs import write_ferplus

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PIXELS = " ".join(["7"] * 2304)
VOTES_HEAD = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
AFFECTNET_HEAD = ",".join(trees.AFFECTNET_HEADER)


def read(path: Path, scheme: str = "") -> tuple[list[Sample], Account]:
    account = Account()
    return list(samples(Named(scheme, path), account)), account


def survives(path: Path, scheme: str) -> None:
    """Reads what there is; the only thing that may be raised is a SourceError of one line that can be written."""
    account, said = Account(), ""
    try:
        for sample in samples(Named(scheme, path), account):
            check(sample)
    except SourceError as error:
        said = str(error)
    assert "\n" not in said
    json.dumps([said, account.left_out, account.wrong], ensure_ascii=False).encode()


def check(sample: Sample) -> None:
    assert sample.emotion in EMOTIONS
    assert sample.split in ("train", "val", "test", "")
    sample.origin.encode()
    if sample.votes is not None:
        assert sum(sample.votes) == pytest.approx(1)
        assert min(sample.votes) >= 0
    try:
        face_of(sample)
    except PictureError as error:
        str(error).encode()


def strict(path: Path, said: str, scheme: str = "") -> None:
    """With --strict the first thing that is wrong ends it, and names the path."""
    with pytest.raises(SourceError, match=said) as caught:
        list(samples(Named(scheme, path), Account(strict=True)))
    assert str(path) in str(caught.value)


# --- tables ---

CELL = st.one_of(
    st.sampled_from(
        ["", "0", "3", "8", "10", "-1", "1e99", "nan", "NULL", PIXELS, PIXELS[:-2], "Training", "PublicTest", "x\0y"]
    ),
    st.text(max_size=12),
)
LINE = st.one_of(st.lists(CELL, max_size=11).map(",".join), st.text(max_size=40), st.just('"' + "9" * 200), st.just("\0" * 30))


def header_of(columns: str):
    names = columns.split(",")
    return st.one_of(
        st.just(columns),
        st.just(columns),
        st.permutations(names).map(",".join),
        st.just(",".join(names[1:])),
        st.text(max_size=20),
    )


def write(path: Path, lines: list[str]) -> None:
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))


@given(header_of("emotion,pixels,Usage"), st.lists(LINE, max_size=6))
@QUICK
def test_any_table_of_fer2013(tmp_path, header, lines):
    write(tmp_path / "fer2013.csv", [header, f"3,{PIXELS},Training", *lines])
    survives(tmp_path / "fer2013.csv", "fer2013")
    survives(tmp_path, "fer2013")


@given(header_of(VOTES_HEAD), st.lists(LINE, max_size=6), st.lists(LINE, max_size=4))
@QUICK
def test_any_tables_of_ferplus(tmp_path, header, votes, faces):
    write(tmp_path / "fer2013.csv", ["emotion,pixels,Usage", f"3,{PIXELS},Training", *faces, f"3,{PIXELS},Training"])
    write(
        tmp_path / "fer2013new.csv", [header, "Training,a.png,1,2,0,0,0,0,0,0,7,0", *votes, "Training,a.png,1,2,0,0,0,0,0,0,7,0"]
    )
    survives(tmp_path, "ferplus")


@given(header_of(AFFECTNET_HEAD), st.lists(LINE, max_size=6))
@QUICK
def test_any_table_of_affectnet(tmp_path, header, lines):
    (tmp_path / "1").mkdir(exist_ok=True)
    (tmp_path / "1" / "a.jpg").write_bytes(b"no picture")
    write(tmp_path / "training.csv", [header, "1/a.jpg,0,0,9,9,,3,0,0", *lines])
    survives(tmp_path, "affectnet")


@given(st.lists(st.one_of(LINE, st.sampled_from(["train_1.jpg 3", "test_1.jpg 9", "train_1.jpg x", "../../x 3"])), max_size=8))
@QUICK
def test_any_list_of_raf_db(tmp_path, lines):
    (tmp_path / "EmoLabel").mkdir(exist_ok=True)
    (tmp_path / "Image" / "aligned").mkdir(parents=True, exist_ok=True)
    (tmp_path / "Image" / "aligned" / "train_1_aligned.jpg").touch()
    write(tmp_path / "EmoLabel" / "list_patition_label.txt", lines)
    survives(tmp_path, "raf-db")


@given(st.binary(max_size=120))
@QUICK
def test_any_bytes_as_what_is_said_of_a_face(tmp_path, data):
    basic = tmp_path / "basic"
    for folder in ("EmoLabel", "Image/original", "Annotation/manual", "Annotation/boundingbox"):
        (basic / folder).mkdir(parents=True, exist_ok=True)
    (basic / "EmoLabel" / "list_patition_label.txt").write_text("train_1.jpg 3\n")
    (basic / "Image" / "original" / "train_1.jpg").write_bytes(data)
    (basic / "Annotation" / "manual" / "train_1_manu_attri.txt").write_bytes(b"1 2\n" * 5 + data)
    (basic / "Annotation" / "boundingbox" / "train_1_boundingbox.txt").write_bytes(data)
    survives(tmp_path, "raf-db")


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda tail: b"\x93NUMPY\x01\x00\x76\x00" + tail)))
@settings(QUICK, max_examples=200)
def test_any_bytes_as_a_label(tmp_path, data):
    (tmp_path / "0_exp.npy").write_bytes(data)
    assert len(label_in(tmp_path / "0_exp.npy")) < 1024


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 255)), max_size=6))
@settings(QUICK, max_examples=200)
def test_any_damage_to_a_label(tmp_path, damages):
    np.save(tmp_path / "0_exp.npy", np.array("3"))
    data = bytearray((tmp_path / "0_exp.npy").read_bytes())
    for place, value in damages:
        data[place] = value
    (tmp_path / "0_exp.npy").write_bytes(data)
    assert len(label_in(tmp_path / "0_exp.npy")) < 1024


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8), st.floats(0.1, 1))
@QUICK
def test_any_damage_to_a_pack(tmp_path, damages, share):
    data = bytearray(write_ferplus(tmp_path / "pack.npz", 4, 4).read_bytes())
    for place, value in damages:
        data[int(place * len(data))] = value
    (tmp_path / "pack.npz").write_bytes(data[: int(len(data) * share)])
    survives(tmp_path / "pack.npz", "ferplus")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "votes": st.sampled_from(
                [np.zeros((2, 10), np.int8), np.full((1, 10), np.nan), np.array("x"), np.zeros((2, 3), np.uint8)]
            ),
            "vote_columns": st.sampled_from([np.array(3), np.array(EMOTIONS, "S"), np.array([b"\xff"] * 10)]),
            "offsets": st.sampled_from([np.array([0, 5]), np.array([9.5, 1, 2]), np.array([99, -5, 3]), np.array([[0]])]),
            "images": st.sampled_from([np.zeros(3, np.float32), np.array("x"), np.zeros((3, 3), np.uint8)]),
            "name": st.sampled_from([np.array(["a"]), np.array(3), np.array([b"\xff", b"\n"]), np.array(["\ud800", "\n"])]),
            "split": st.sampled_from([np.array("train"), np.array(["x", "train"]), np.array([1.5, 2])]),
        },
    )
)
@QUICK
def test_any_arrays_in_a_pack(tmp_path, changed):
    write_ferplus(tmp_path / "whole.npz", 1, 1)
    with np.load(tmp_path / "whole.npz") as pack:
        np.savez(tmp_path / "pack.npz", **{**{name: pack[name] for name in pack.files}, **changed})
    survives(tmp_path / "pack.npz", "ferplus")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"7,{PIXELS},Training", "unknown label"),
        (f"happy,{PIXELS},Training", "unknown label"),
        (f"3,{PIXELS},Test", "unknown usage"),
        (f"3,{PIXELS} 7,Training", "pixels that are not 48x48 numbers from 0 to 255"),
        (f"3,{PIXELS[:-1]},Training", "pixels that are not 48x48 numbers from 0 to 255"),
        (f"3,{PIXELS[:-1]}256,Training", "pixels that are not 48x48 numbers from 0 to 255"),
        (f"3,{PIXELS[:-1]}4294967303,Training", "pixels that are not 48x48 numbers from 0 to 255"),
        (f"3,{PIXELS[:-1]}-7,Training", "pixels that are not 48x48 numbers from 0 to 255"),
        (f"3,{PIXELS[:-1]}x,Training", "pixels that are not 48x48 numbers from 0 to 255"),
        ("3,,Training", "pixels that are not 48x48 numbers from 0 to 255"),
        ("3,7", "row with too few or too many columns"),
        (f"3,{PIXELS},Training,9", "row with too few or too many columns"),
        ('3,"' + "7 " * 70_000, "row that is too long"),
        ("9" * 500_000, "row that is too long"),
        ("\0,\0,\0", "unknown label"),
    ],
)
def test_a_broken_row_of_fer2013_is_counted_and_the_rest_is_read(row, reason, tmp_path):
    table = tmp_path / "fer2013.csv"
    table.write_text(f"emotion,pixels,Usage\n3,{PIXELS},Training\n{row}\n0,{PIXELS},PrivateTest\n")
    found, account = read(table)
    assert [(s.emotion, s.origin) for s in found] == [("happiness", "fer2013.csv:2"), ("anger", "fer2013.csv:4")]
    assert account.wrong == {reason: 1}
    strict(table, f":3.*: {reason}")


@pytest.mark.parametrize(
    "row", [f'"3,{PIXELS},Training', f'3,"{PIXELS},Training', f'3,{PIXELS},"Training', f'3,{PIXELS}",Training']
)
def test_a_stray_quote_costs_its_own_row_of_fer2013(row, tmp_path):
    table = tmp_path / "fer2013.csv"
    rows = [f"3,{PIXELS},Training"] * 60
    rows[5] = rows[17] = row  # the second would close what the first opens
    rows[40] = row
    table.write_text("\n".join(["emotion,pixels,Usage", *rows]))
    found, account = read(table)
    assert len(found) == 57
    assert account.wrong.total() == 3
    strict(table, "fer2013.csv:7: ")


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013new.csv"])
def test_a_stray_quote_costs_its_own_row_of_ferplus(name, tmp_path):
    trees.write_ferplus_csv(tmp_path, 2)
    before, _ = read(tmp_path)
    lines = (tmp_path / name).read_text().splitlines()
    lines[3] = f'"{lines[3]}'
    (tmp_path / name).write_text("\n".join(lines))
    found, account = read(tmp_path)
    assert found == [s for s in before if s.origin != "fer2013new.csv:4"]
    assert account.wrong == {"row that cannot be read": 1, "row that only one of the two tables has": 1}


def test_a_stray_quote_costs_its_own_row_of_affectnet_and_pairs_are_read(tmp_path):
    trees.write_affectnet(tmp_path, 2, left_out=0)
    before, _ = read(tmp_path)
    lines = (tmp_path / "training.csv").read_text().splitlines()
    cells = lines[3].split(",")
    lines[1] = f'"{lines[1]}'
    lines[3] = ",".join([f'"{cells[0]}"', *cells[1:5], f'"{cells[5]}"', *cells[6:]])
    (tmp_path / "training.csv").write_text("\n".join(lines))
    found, account = read(tmp_path)
    assert found == before[1:]
    assert account.wrong == {"row that cannot be read": 1}


@given(st.lists(st.one_of(st.just(f"3,{PIXELS},Training"), st.text('37,"x\t\\ ', max_size=12)), max_size=12))
@QUICK
def test_every_row_of_a_table_is_read_or_counted(tmp_path, rows):
    write(tmp_path / "fer2013.csv", ["emotion,pixels,Usage", f"3,{PIXELS},Training", *rows])
    found, account = read(tmp_path, "fer2013")
    assert len(found) + account.wrong.total() == 1 + sum(row != "" for row in rows)


@pytest.mark.parametrize("text", ["", "\n\n", f"3,{PIXELS},Training\n", "emotion,pixels\n", "emotion;pixels;Usage\n", "\0\0\0"])
def test_a_table_of_fer2013_without_its_columns_says_which(text, tmp_path):
    (tmp_path / "fer2013.csv").write_text(text)
    with pytest.raises(SourceError, match=r"fer2013.csv lacks the columns .*Usage: it begins with"):
        read(tmp_path, "fer2013")


def test_a_table_in_another_encoding_says_which_columns_it_lacks(tmp_path):
    (tmp_path / "fer2013.csv").write_bytes("emotion,pixels,Usage\n".encode("utf-16"))
    with pytest.raises(SourceError, match="lacks the columns"):
        read(tmp_path, "fer2013")


def test_tables_of_ferplus_that_do_not_belong_together_are_noticed(tmp_path):
    trees.write_ferplus_csv(tmp_path, 2)
    lines = (tmp_path / "fer2013.csv").read_text().splitlines(keepends=True)
    (tmp_path / "fer2013.csv").write_text("".join([lines[0], *lines[:0:-1][:-3]]))
    _, account = read(tmp_path)
    assert account.wrong["usage that is unknown or not that of fer2013.csv"] > 0
    assert account.wrong["end of one of the two tables before the other's"] == 1


def test_a_row_that_one_table_of_ferplus_lacks_shifts_no_other(tmp_path):
    trees.write_ferplus_csv(tmp_path, 2)
    before, _ = read(tmp_path)
    table = tmp_path / "fer2013.csv"
    lines = table.read_text().splitlines(keepends=True)
    lines[1] = "broken\n"
    table.write_text("".join(lines))
    after, account = read(tmp_path)
    assert after == [s for s in before if s.origin != "fer2013new.csv:2"]
    assert account.wrong["row with too few or too many columns"] == 1


@pytest.mark.parametrize(
    "votes", ["x,0,0,0,0,0,0,0,0,0", "-1,5,0,0,0,0,0,0,0,0", "9e9,0,0,0,0,0,0,0,0,0", f"{'9' * 400},0,0,0,0,0,0,0,0,0"]
)
def test_votes_that_are_none_are_counted(votes, tmp_path):
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n{f'3,{PIXELS},Training' + chr(10)}{f'3,{PIXELS},Training'}\n")
    (tmp_path / "fer2013new.csv").write_text(f"{VOTES_HEAD}\nTraining,,{votes}\nTraining,,0,9,0,0,0,0,0,0,1,0\n")
    found, account = read(tmp_path)
    assert [s.emotion for s in found] == ["happiness"]
    assert account.wrong == {"votes that are no numbers": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{name},NULL,NULL,-1,-1,,3,0,0", "no box of a face"),
        ("{name},0,0,0,9,,3,0,0", "no box of a face"),
        ("{name},nan,0,9,9,,3,0,0", "no box of a face"),
        ("{name},0,0,9,9,,11,0,0", "unknown label"),
        ("{name},0,0,9,9,,,0,0", "unknown label"),
        ("1/missing.jpg,0,0,9,9,,3,0,0", "no such picture"),
        (",0,0,9,9,,3,0,0", "no such picture"),
        ("1,0,0,9,9,,3,0,0", "no such picture"),
        ("1/nul\0.jpg,0,0,9,9,,3,0,0", "no such picture"),
        ("../../../../../../etc/hostname,0,0,9,9,,3,0,0", LEAVES),
        ("/etc/hostname,0,0,9,9,,3,0,0", LEAVES),
        ("{name},0,0", "row with too few or too many columns"),
    ],
)
def test_a_broken_row_of_affectnet_is_counted_and_the_rest_is_read(row, reason, tmp_path):
    trees.write_affectnet(tmp_path, 1)
    before, _ = read(tmp_path)
    table = tmp_path / "training.csv"
    name = table.read_text().splitlines()[1].split(",")[0]
    with table.open("a") as file:
        file.write(row.format(name=name) + "\n")
    found, account = read(tmp_path)
    assert found == before
    assert account.wrong == {reason: 1}
    strict(tmp_path, reason)


def test_affectnet_without_pictures_says_where_it_looked(tmp_path):
    trees.write_affectnet(tmp_path, 1)
    (tmp_path / "Manually_Annotated_Images").rename(tmp_path / "Pictures")
    with pytest.raises(SourceError, match=r"no pictures of AffectNet in .*Manually_Annotated_Images, Manually_Annotated/"):
        read(tmp_path)


# --- arrays ---


class Caught:
    """Unpickled, it makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("how", ["object array", "plain pickle"])
def test_no_pickle_is_loaded(how, tmp_path):
    trees.write_affectnet_npy(tmp_path, 1)
    path, trap = tmp_path / "train_set" / "annotations" / "0_exp.npy", tmp_path / "caught"
    if how == "object array":
        np.save(path, np.array([Caught(str(trap))], object), allow_pickle=True)
    else:
        path.write_bytes(pickle.dumps(Caught(str(trap))))
    found, account = read(tmp_path)
    assert not trap.exists()
    assert account.wrong == {"label that is missing or cannot be read": 1}
    assert "0.jpg" not in {s.picture.name for s in found}


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (np.array("happy"), "unknown label"),
        (np.array(11), "unknown label"),
        (np.array(2.5), "unknown label"),
        (np.array([1, 2]), "label that is missing or cannot be read"),
        (np.array([]), "label that is missing or cannot be read"),
        (np.array(True), "label that is missing or cannot be read"),
        (np.zeros((1, 1000)), "label that is missing or cannot be read"),
        (np.array([(1, 2)], [("a", int), ("b", int)]), "label that is missing or cannot be read"),
    ],
)
def test_an_array_that_is_no_label_is_counted(label, reason, tmp_path):
    trees.write_affectnet_npy(tmp_path, 1)
    np.save(tmp_path / "train_set" / "annotations" / "0_exp.npy", label)
    found, account = read(tmp_path)
    assert len(found) == 15
    assert account.wrong == {reason: 1}
    strict(tmp_path, reason)


def test_a_header_that_claims_terabytes_is_no_label(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999,), }".ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    assert label_in(tmp_path / "a.npy") == ""


def test_a_missing_array_and_classes_that_show_no_emotion(tmp_path):
    trees.write_affectnet_npy(tmp_path, 1)
    annotations = tmp_path / "train_set" / "annotations"
    (annotations / "0_exp.npy").unlink()
    np.save(annotations / "1_exp.npy", np.array("8"))
    found, account = read(tmp_path)
    assert len(found) == 14
    assert account.wrong == {"label that is missing or cannot be read": 1}
    assert account.left_out == {"none": 1}


# --- folders ---


def test_folders_of_no_emotion_and_missing_ones_are_counted(tmp_path):
    trees.write_fer2013_folders(tmp_path, 2)
    (tmp_path / "train" / "angry").rename(tmp_path / "train" / "hungry")
    found, account = read(tmp_path)
    assert account.wrong == {"unknown label": 1, "missing folder": 1}
    assert {s.emotion for s in found if s.split == "train"} == set(EMOTIONS) - {"anger", "contempt"}
    strict(tmp_path, "train/hungry: unknown label")


@pytest.mark.parametrize(
    ("writer", "split", "other"),
    [
        ("write_fer2013_folders", "test", "private_test"),
        ("write_fer2013_folders", "test", "holdout"),
        ("write_raf_db_folders", "DATASET/test", "DATASET/val"),
        ("write_affectnet_npy", "val_set", "test_set"),
    ],
)
def test_splits_of_another_name_and_missing_ones_are_counted(writer, split, other, tmp_path):
    getattr(trees, writer)(tmp_path, 4)
    whole, _ = read(tmp_path)
    (tmp_path / split).rename(tmp_path / other)
    found, account = read(tmp_path)
    assert found == [s for s in whole if s.split == "train"]
    assert account.wrong == {"unknown split": 1, "missing folder": 1}
    strict(tmp_path, f"{other}: unknown split")
    shutil.rmtree(tmp_path / other)
    _, account = read(tmp_path)
    assert account.wrong == {"missing folder": 1}
    strict(tmp_path, f"{split}: missing folder")


def test_a_folder_of_pictures_beside_the_splits_is_counted_and_one_of_notes_is_not(tmp_path):
    trees.write_fer2013_folders(tmp_path, 1)
    for name in ("more/1.jpg", "notes/read me.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    _, account = read(tmp_path)
    assert account.wrong == {"unknown split": 1}
    strict(tmp_path, "more: unknown split")


def test_pictures_outside_the_folders_of_classes_are_counted(tmp_path):
    trees.write_fer2013_folders(tmp_path, 1)
    for name in ("1.jpg", "train/2.JPG", "train/3.png", "train/labels.csv"):
        (tmp_path / name).touch()
    found, account = read(tmp_path)
    assert len(found) == 14
    assert account.wrong == {"picture outside the folders of classes": 3}


def test_what_is_no_picture_is_counted_and_litter_is_not(tmp_path):
    top = trees.write_ck_plus(tmp_path, 3)
    for name in ("notes.txt", "S010_001_00000015.txt", "no_person.png"):
        (top / "fear" / name).touch()
    for name in (".DS_Store", "Thumbs.db", "._S010_001_00000015.png"):
        (top / "fear" / name).touch()
    (top / "__MACOSX").mkdir()
    found, account = read(tmp_path)
    assert len(found) == 21
    assert account.wrong == {"no picture by its name": 2, "no person in its name (S010_004_00000017.png)": 1}


@pytest.mark.parametrize("how", ["picture", "circle", "folder", "split"])
def test_links_that_leave_the_folder_are_refused(how, tmp_path):
    trees.write_fer2013_folders(tmp_path / "set", 2)
    trees.write_fer2013_folders(tmp_path / "elsewhere", 1)
    train = tmp_path / "set" / "train"
    if how == "picture":
        (train / "angry" / "link.jpg").symlink_to(next((tmp_path / "elsewhere" / "train" / "angry").iterdir()))
    elif how == "circle":
        (train / "angry" / "link.jpg").symlink_to("link.jpg")
    elif how == "folder":
        (train / "Happiness").symlink_to(tmp_path / "elsewhere" / "train" / "happy")
    else:
        (tmp_path / "set" / "val").symlink_to(tmp_path / "elsewhere" / "train")
    found, account = read(tmp_path / "set")
    assert len(found) == 21
    assert account.wrong == {LEAVES: 7 if how == "split" else 1}
    strict(tmp_path / "set", LEAVES)


def test_links_within_the_folder_are_followed(tmp_path):
    trees.write_fer2013_folders(tmp_path, 2)
    target = next((tmp_path / "train" / "sad").iterdir())
    (tmp_path / "train" / "sad" / "again.jpg").symlink_to(target)
    found, account = read(tmp_path)
    assert len(found) == 22
    assert not account.wrong


def test_a_link_that_a_table_names_is_refused_where_it_leaves(tmp_path):
    trees.write_raf_db(tmp_path / "set", 1)
    aligned = tmp_path / "set" / "basic" / "Image" / "aligned"
    for name in ("train_00001_aligned.jpg", "train_00002_aligned.jpg"):
        (aligned / name).rename(tmp_path / name)
    (aligned / "train_00001_aligned.jpg").symlink_to(tmp_path / "train_00001_aligned.jpg")
    found, account = read(tmp_path / "set")
    assert len(found) == 12
    assert account.wrong == {LEAVES: 1, "no such picture": 1}


def test_names_that_are_not_utf8_are_read_counted_and_can_be_written(tmp_path):
    trees.write_fer2013_folders(tmp_path, 1)
    path = next((tmp_path / "train" / "sad").iterdir())
    path.rename(path.with_name(os.fsdecode(b"caf\xe9\n.jpg")))
    found, account = read(tmp_path)
    assert len(found) == 14
    assert account.wrong == {"name that is not UTF-8 (read all the same)": 1}
    (origin,) = [s.origin for s in found if "caf" in s.origin]
    assert origin == "train/sad/caf\\xe9\\x0a.jpg"
    assert pa.array([origin], pa.string()).to_pylist() == [json.loads(json.dumps(origin))]
    assert all(face_of(s).grey for s in found)


def test_names_that_are_not_utf8_in_a_table_find_their_files(tmp_path):
    trees.write_affectnet(tmp_path, 1)
    table = tmp_path / "training.csv"
    name = table.read_text().splitlines()[1].split(",")[0]
    odd = os.fsdecode(b"1/\xff.jpg")
    (tmp_path / "Manually_Annotated_Images" / "1").mkdir(exist_ok=True)
    (tmp_path / "Manually_Annotated_Images" / name).rename(tmp_path / "Manually_Annotated_Images" / odd)
    table.write_bytes(table.read_bytes().replace(name.encode(), b"1/\xff.jpg"))
    found, account = read(tmp_path)
    assert "Manually_Annotated_Images/1/\\xff.jpg" in {s.origin for s in found}
    assert account.wrong == {"name that is not UTF-8 (read all the same)": 1}


def test_raf_db_notes_that_cannot_be_read_cost_the_groups_only(tmp_path):
    trees.write_raf_db(tmp_path, 1)
    notes = tmp_path / "basic" / "Annotation" / "manual"
    (notes / "train_00001_manu_attri.txt").write_text("1\t2\n" * 5 + "1\n7\n0\n")
    (notes / "train_00002_manu_attri.txt").write_bytes(b"\xff\0")
    (notes / "train_00003_manu_attri.txt").write_text("1\t2\n" * 5 + "-1\n0\n0\n")
    found, account = read(tmp_path)
    assert len(found) == 14
    assert [s.groups for s in found[:3]] == [{}, {}, {}]
    assert account.wrong == {"groups that cannot be read": 3}


def test_only_the_first_few_of_a_kind_are_said(tmp_path, caplog):
    table = tmp_path / "fer2013.csv"
    table.write_text("emotion,pixels,Usage\n" + f"9,{PIXELS},Training\n" * 12 + f"3,{PIXELS},Training\n")
    _, account = read(table, "fer2013")
    assert account.wrong == {"unknown label": 12}
    assert len(caplog.records) == 5
    assert f"{table}:2" in caplog.text
