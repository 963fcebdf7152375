"""Every layout is recognised, and read whole: emotions, splits, people, boxes, votes and groups as published."""

import os
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.classifier.ferplus_pack import FerPlus
from ferstream.training.common.packs import Pack
from ferstream.training.sources import affectnet, fer2013, raf_db
from ferstream.training.sources.catalogue import Named, layout_of, parse, samples
from ferstream.training.sources.pictures import face_of
from ferstream.training.sources.sample import Account, Sample, SourceError
from tests.support import dataset_trees as trees
from tests.support.training_packs import real_pack, write_ferplus, write_pack

SEVEN = set(EMOTIONS) - {"contempt"}
TREES = {
    "write_fer2013_csv": ("FER-2013 as a table", "fer2013", SEVEN, {"train", "val", "test"}),
    "write_fer2013_folders": ("FER-2013 as folders", "fer2013", SEVEN, {"train", "test"}),
    "write_ferplus_csv": ("FER+ as tables", "ferplus", set(EMOTIONS), {"train", "val", "test"}),
    "write_ck_plus": ("CK+48", "ck+", set(EMOTIONS) - {"neutral"}, {""}),
    "write_affectnet": ("AffectNet with tables", "affectnet", set(EMOTIONS), {"train", "val"}),
    "write_affectnet_npy": ("AffectNet with arrays", "affectnet", set(EMOTIONS), {"train", "val"}),
    "write_raf_db": ("RAF-DB as published", "raf-db", SEVEN, {"train", "test"}),
    "write_raf_db_folders": ("RAF-DB as folders", "raf-db", SEVEN, {"train", "test"}),
}


def read(path: Path, scheme: str = "", account: Account | None = None) -> list[Sample]:
    return list(samples(Named(scheme, path), account or Account(strict=True)))


@pytest.mark.parametrize("write", TREES)
def test_each_layout_is_recognised_and_read_whole(write, tmp_path):
    path = getattr(trees, write)(tmp_path, 4)
    layout, source, emotions, splits = TREES[write]
    found = read(path)
    assert layout_of(Named("", path)).name == layout
    assert layout_of(Named(source, path)).name == layout
    assert {s.source for s in found} == {source}
    assert {s.split for s in found} == splits
    assert Counter(s.emotion for s in found if s.split in ("train", "")) == dict.fromkeys(emotions, 4)
    assert len({s.origin for s in found}) == len(found)
    assert all(face_of(s).pixels.shape[2] == 3 for s in found)


@pytest.mark.parametrize("write", TREES)
def test_the_order_is_always_the_same(write, tmp_path):
    path = getattr(trees, write)(tmp_path, 2)
    assert read(path) == read(path)


def test_a_row_of_fer2013_is_its_pixels(tmp_path):
    face = np.random.default_rng(0).integers(0, 256, (48, 48)).astype(np.uint8)
    table = tmp_path / "fer2013.csv"
    table.write_text(f"emotion,pixels,Usage\n3,{' '.join(map(str, face.ravel()))},PublicTest\n")
    (found,) = read(table)
    picture = face_of(found)
    np.testing.assert_array_equal(picture.pixels[..., 0], face)
    assert (found.emotion, found.split, found.origin) == ("happiness", "val", "fer2013.csv:2")
    assert (picture.format, picture.mode, picture.grey) == ("PNG", "L", True)


def test_columns_of_fer2013_may_stand_in_another_order(tmp_path):
    table = tmp_path / "icml_face_data.csv"
    table.write_text(f"emotion, Usage, pixels\n6,Training,{' '.join(['7'] * 2304)}\n\n")
    assert [(s.emotion, s.split) for s in read(table)] == [("neutral", "train")]


def test_the_table_of_fer2013_is_read_as_it_is_needed(tmp_path):
    table = trees.write_fer2013_csv(tmp_path, 1)
    with table.open("a") as file:
        file.write("an end that is no row\n")
    found = samples(parse(str(table)), Account(strict=True))
    assert next(found).origin == "fer2013.csv:2"
    with pytest.raises(SourceError, match=r"fer2013.csv:23: row with too few or too many columns"):
        list(found)


def test_a_table_of_fer2013_may_quote(tmp_path):
    table = tmp_path / "fer2013.csv"
    table.write_text(f'"emotion","pixels","Usage"\n3,"{" ".join(["7"] * 2304)}","PrivateTest"\n')
    assert [(s.emotion, s.split) for s in read(table)] == [("happiness", "test")]


@pytest.mark.parametrize(
    "names",
    [
        {"train": "train", "test": "test"},
        {"Train": "train", "Validation": "val", "TEST": "test"},
        {"train": "train", "val": "val", "test": "test"},
        {"Training": "train", "PublicTest": "val", "PrivateTest": "test"},
        {"training": "train", "publictest": "val", "privatetest": "test"},
    ],
)
@pytest.mark.parametrize("scheme", ["", "fer2013"])
def test_folders_of_fer2013_are_named_as_splits_or_as_usages(names, scheme, tmp_path):
    trees.write_fer2013_folders(tmp_path / "as written", 1)
    for name in names:
        shutil.copytree(tmp_path / "as written" / "train", tmp_path / "set" / name)
    found = read(tmp_path / "set", scheme)
    assert Counter(s.split for s in found) == dict.fromkeys(names.values(), 7)
    assert {Path(s.origin).parts[0]: s.split for s in found} == names


def test_ferplus_leaves_out_what_is_no_emotion_and_gives_votes(tmp_path):
    account = Account(strict=True)
    found = read(trees.write_ferplus_csv(tmp_path, 4), "ferplus", account)
    assert account.left_out == {"unknown": 3, "not a face": 3}
    for sample in found:
        assert sum(sample.votes) == pytest.approx(1)
        assert EMOTIONS[int(np.argmax(sample.votes))] == sample.emotion


def test_ties_of_ferplus_go_to_the_first_column_as_in_the_pack(tmp_path):
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n0,{' '.join(['7'] * 2304)},Training\n")
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    (tmp_path / "fer2013new.csv").write_text(f"{head}\nTraining,fer0000000.png,0,0,0,4,4,0,0,0,2,0\n")
    (found,) = read(tmp_path)
    assert found.emotion == "sadness"
    assert found.votes[EMOTIONS.index("anger")] == 0.5


def test_a_ferplus_pack_is_read_as_training_reads_it(tmp_path):
    path = write_ferplus(tmp_path / "pack.npz")
    found = read(path)
    places, labels = FerPlus.open(path, "all").labelled("argmax8")
    assert [s.emotion for s in found] == [EMOTIONS[i] for i in labels]
    assert Counter(s.split for s in found) == {"train": 24, "val": 16}
    assert found[0].origin == "picture 0"
    pack = Pack(path, ())
    for place, sample in zip(places, found, strict=True):
        np.testing.assert_array_equal(face_of(sample).pixels, pack.picture(int(place)))


def test_faces_of_a_pack_without_votes_for_emotions_are_left_out(tmp_path):
    columns = np.array((*EMOTIONS, "unknown", "not_face"), "S")
    votes = np.zeros((3, 10), np.uint8)
    votes[0, 8], votes[1, 9], votes[2, 0] = 9, 10, 5
    path = write_pack(tmp_path / "p.npz", [np.zeros((8, 8), np.uint8)] * 3, ["train"] * 3, votes=votes, vote_columns=columns)
    account = Account()
    assert [s.emotion for s in read(path, "ferplus", account)] == ["anger"]
    assert account.left_out == {"unknown": 1, "not a face": 1}


def test_the_real_pack_is_read():
    account = Account(strict=True)
    found = read(real_pack("ferplus_trainval.npz"), "ferplus", account)
    assert Counter(s.split for s in found) == {"train": 28559, "val": 3579}
    assert account.left_out == {"not a face": 2}


def test_ck_plus_names_people(tmp_path):
    trees.write_ck_plus(tmp_path, 6, neutral=True)
    found = read(tmp_path)  # the folder above will do
    assert {s.subject for s in found} == {"S010", "S011"}
    assert {s.emotion for s in found} == set(EMOTIONS)
    assert found[0].origin == "CK+48/anger/S010_001_00000015.png"


def test_affectnet_cuts_the_face_and_leaves_out_what_is_none(tmp_path):
    account = Account(strict=True)
    found = read(trees.write_affectnet(tmp_path, 2, left_out=2), "affectnet", account)
    assert account.left_out == {"none": 4, "uncertain": 4, "no face": 4}
    assert {s.split for s in found} == {"train", "val"}
    for sample in found:
        left, top, right, bottom = sample.box
        assert face_of(sample).pixels.shape == (bottom - top, right - left, 3)


@pytest.mark.parametrize("place", affectnet.PICTURE_PLACES)
@pytest.mark.parametrize("tables", affectnet.TABLE_PLACES)
def test_affectnet_is_found_in_the_usual_places(place, tables, tmp_path):
    trees.write_affectnet(tmp_path / "as written", 1)
    for folder in (tmp_path / "AffectNet" / place, tmp_path / "AffectNet" / tables):
        folder.mkdir(parents=True, exist_ok=True)
    for path in (tmp_path / "as written" / "Manually_Annotated_Images").iterdir():
        path.rename(tmp_path / "AffectNet" / place / path.name)
    for name in affectnet.TABLES:
        (tmp_path / "as written" / name).rename(tmp_path / "AffectNet" / tables / name)
    assert len(read(tmp_path / "AffectNet", "affectnet")) == 16


def test_one_table_of_affectnet_may_be_read_alone(tmp_path):
    assert {s.split for s in read(trees.write_affectnet(tmp_path, 2) / "validation.csv")} == {"val"}


def test_a_table_of_affectnet_may_lack_its_header(tmp_path):
    trees.write_affectnet(tmp_path, 2)
    table = tmp_path / "validation.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[1:]))
    found = read(table)
    assert len(found) == 8
    assert found[0].box[2] > found[0].box[0] >= 0


def test_what_was_annotated_automatically_is_not_read(tmp_path):
    trees.write_affectnet(tmp_path, 1)
    (tmp_path / "training.csv").rename(tmp_path / "automatically_annotated.csv")
    with pytest.raises(SourceError, match="labelled by a net"):
        read(tmp_path / "automatically_annotated.csv", "affectnet")
    account = Account()
    assert {s.split for s in read(tmp_path, "affectnet", account)} == {"val"}
    assert account.wrong == {"missing table": 1}


@pytest.mark.parametrize("label", [np.array("3"), np.array(["3"]), np.array(3), np.array([[3.0]]), np.array(b"3"), np.int64(3)])
def test_the_arrays_of_affectnet_hold_text_or_numbers(label, tmp_path):
    trees.write_affectnet_npy(tmp_path, 1)
    np.save(tmp_path / "train_set" / "annotations" / "0_exp.npy", label)
    assert next(s for s in read(tmp_path) if s.picture.name == "0.jpg").emotion == "surprise"


@pytest.mark.parametrize(("name", "split"), [("train_set", "train"), ("val_set", "val"), ("faces", "")])
@pytest.mark.parametrize("scheme", ["", "affectnet"])
def test_a_set_of_affectnet_may_be_named_itself(name, split, scheme, tmp_path, monkeypatch):
    trees.write_affectnet_npy(tmp_path / "as written", 2)
    (tmp_path / "as written" / "train_set").rename(tmp_path / name)
    found = read(tmp_path / name, scheme)
    assert Counter((s.emotion, s.split) for s in found) == {(emotion, split): 2 for emotion in EMOTIONS}
    assert found[0].origin == "images/0.jpg"
    monkeypatch.chdir(tmp_path / name)
    assert {s.split for s in read(Path(), scheme)} == {split}


def test_a_set_of_affectnet_keeps_its_split_behind_a_link(tmp_path):
    trees.write_affectnet_npy(tmp_path / "disk", 1)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "val_set")
    (tmp_path / "disk" / "train_set").rename(tmp_path / "disk" / "faces")
    (tmp_path / "train_set").symlink_to(tmp_path / "disk" / "faces")
    assert {s.split for s in read(tmp_path / "link")} == {"val"}
    assert {s.split for s in read(tmp_path / "train_set")} == {"train"}


@pytest.mark.parametrize(("gone", "split"), [("train_set", "val"), ("val_set", "train")])
def test_one_set_of_affectnet_may_be_all_there_is(gone, split, tmp_path):
    trees.write_affectnet_npy(tmp_path, 1)
    shutil.rmtree(tmp_path / gone)
    account = Account()
    assert {s.split for s in read(tmp_path, "", account)} == {split}
    assert account.wrong == {"missing folder": 1}


def test_images_with_annotations_of_another_kind_are_not_taken_for_affectnet(tmp_path):
    for name in ("images/1.jpg", "annotations/1.xml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with pytest.raises(SourceError, match=r"no images with annotations/N_exp.npy in it or in train_set or val_set"):
        read(tmp_path, "affectnet")


def test_raf_db_says_who_is_on_a_picture(tmp_path):
    trees.write_raf_db(tmp_path, 2)
    (tmp_path / "basic" / "Annotation" / "manual" / "train_00001_manu_attri.txt").write_text("1\t2\n" * 5 + "1\n2\n4\n")
    (tmp_path / "basic" / "Annotation" / "manual" / "train_00002_manu_attri.txt").unlink()
    found = read(tmp_path)
    assert found[0].origin == "basic/Image/aligned/train_00001_aligned.jpg"
    assert found[0].groups == {"gender": "female", "race": "Asian", "age": "70+"}
    assert found[1].groups == {}
    assert read(tmp_path / "basic") != []


def test_raf_db_without_aligned_faces_is_cut_from_its_photographs(tmp_path):
    trees.write_raf_db(tmp_path, 1)
    basic = tmp_path / "basic"
    (basic / "Annotation" / "boundingbox").mkdir()
    (basic / "Image" / "aligned").rename(basic / "Image" / "original")
    for path in (basic / "Image" / "original").iterdir():
        path.rename(path.with_name(path.name.replace("_aligned", "")))
        notes = basic / "Annotation" / "boundingbox" / f"{path.name.replace('_aligned.jpg', '')}_boundingbox.txt"
        notes.write_text("10.0 20.0 60.0 90.0 ")
    found = read(tmp_path)
    assert [face_of(s).pixels.shape for s in found] == [(70, 50, 3)] * 14


def test_folders_0_to_7_are_not_taken_for_raf_db(tmp_path):
    for name in range(8):
        folder = tmp_path / "train" / str(name)
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(SourceError, match="no folder train with folders 1 to 7"):
        read(tmp_path, "raf-db")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("fer2013:a/b.csv", Named("fer2013", Path("a/b.csv"))),
        ("ck+:x", Named("ck+", Path("x"))),
        ("ckplus:x", Named("ck+", Path("x"))),
        ("RAFDB:x", Named("raf-db", Path("x"))),
        ("raf-db:a:b", Named("raf-db", Path("a:b"))),
        ("some/where", Named("", Path("some/where"))),
        ("./a:b", Named("", Path("./a:b"))),
    ],
)
def test_datasets_are_named_by_scheme_and_path(text, named):
    assert parse(text) == named


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fer2031:x", "did you mean fer2013:x"),
        ("affecnet:x", "did you mean affectnet:x"),
        ("rafbd:x", "did you mean raf-db:x"),
        ("coco:x", "known are ferplus:PATH, fer2013:PATH, affectnet:PATH, raf-db:PATH, ck.:PATH, or PATH alone"),
        ("fer2013:", "names no dataset"),
        ("", "names no dataset"),
    ],
)
def test_a_wrong_name_says_what_is_known(text, said):
    with pytest.raises(SourceError, match=said):
        parse(text)


def test_a_path_without_a_layout_says_what_each_lacks(tmp_path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path)
    for layout, *_ in TREES.values():
        assert layout in str(caught.value)
    assert "no fer2013.csv" in str(caught.value)
    with pytest.raises(SourceError, match=r"no known layout. CK\+48: no folders anger"):
        read(tmp_path, "ck+")


@pytest.mark.parametrize("write", TREES)
def test_a_path_alone_says_what_it_is_taken_for(write, tmp_path, caplog):
    path = getattr(trees, write)(tmp_path, 1)
    layout, scheme, *_ = TREES[write]
    read(path)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"{path}: taken for {layout}, ")
    caplog.clear()
    read(path, scheme)
    assert not caplog.records


def test_a_path_that_is_not_there_says_so_at_once(tmp_path):
    with pytest.raises(SourceError, match=r"there is no .*nowhere"):
        samples(parse(f"{tmp_path}/nowhere"), Account())


def test_the_readers_say_so_too(tmp_path):
    for reader in (fer2013.read_table, raf_db.read_list, affectnet.read):
        with pytest.raises(SourceError):
            list(reader(tmp_path / "nowhere", Account()))


def test_a_dataset_with_nothing_to_use_is_an_error(tmp_path):
    for name in ("train/angry", "train/happy"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(SourceError, match="holds nothing that can be used"):
        read(tmp_path, account=Account())


def test_a_dataset_may_be_named_through_a_link(tmp_path):
    trees.write_ck_plus(tmp_path / "disk", 3)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "CK+48")
    assert len(read(tmp_path / "link")) == 21


def test_a_dataset_may_be_named_as_seen_from_here(tmp_path, monkeypatch):
    trees.write_affectnet(tmp_path / "set", 1)
    monkeypatch.chdir(tmp_path)
    assert read(Path("set"))[0].origin.startswith("Manually_Annotated_Images/")
    assert os.fspath(read(Path("set"))[0].picture).startswith("set/")
