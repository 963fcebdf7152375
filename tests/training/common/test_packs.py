"""Packs that are missing, broken or of another kind: one clear error each."""

from pathlib import Path

import numpy as np
import pytest

from ferstream.training.classifier.ferplus_pack import FerPlus
from ferstream.training.common.packs import Pack, PackError
from ferstream.training.detector.face_pack import FacePack
from tests.support.training_packs import write_faces, write_ferplus, write_pack


def test_pictures_come_back(tmp_path: Path) -> None:
    pictures = [np.full((20, 30, 3), (10, 200, 60), np.uint8)]  # BGR
    pack = Pack(write_pack(tmp_path / "p.npz", pictures, ["train"]), ())
    assert len(pack) == 1
    np.testing.assert_allclose(pack.picture(0)[5, 5], [60, 200, 10], atol=3)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"there is no pack .*none\.npz"):
        Pack(tmp_path / "none.npz", ())


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04 cut short"], ids=["empty", "text", "cut"])
def test_broken_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p.npz").write_bytes(data)
    with pytest.raises(PackError, match="cannot read the pack"):
        Pack(tmp_path / "p.npz", ())


def test_truncated_file(tmp_path: Path) -> None:
    path = write_faces(tmp_path / "p.npz")
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(PackError, match="cannot read the pack"):
        Pack(path, ())


def test_a_single_array_is_no_pack(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.zeros(3))
    with pytest.raises(PackError, match="holds one array"):
        Pack(tmp_path / "p.npy", ())


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", images=np.array([{}], object))
    with pytest.raises(PackError, match="cannot read the pack"):
        Pack(tmp_path / "p.npz", ())


def test_missing_array(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="lacks box_offsets, boxes_xyxy"):
        FacePack.open((write_ferplus(tmp_path / "p.npz"),), "train")


@pytest.mark.parametrize("box", [[10, 10, 10, 20], [10, 10, 5, 20], [float("nan"), 0, 1, 1], [0, 0, float("inf"), 1]])
def test_a_box_that_is_none(tmp_path: Path, box: list[float]) -> None:
    boxes = np.array([[0, 0, 5, 5], box], np.float32)
    pictures = [np.zeros((20, 30, 3), np.uint8)] * 2
    path = write_pack(tmp_path / "p.npz", pictures, ["train"] * 2, boxes_xyxy=boxes, box_offsets=np.array([0, 1, 2]))
    with pytest.raises(PackError, match="a box of picture 1 has no side or is not a number"):
        FacePack.open((path,), "train")


def test_boxes_that_are_not_those_of_the_pictures(tmp_path: Path) -> None:
    boxes, offsets = np.array([[0, 0, 5, 5]], np.float32), np.array([0, 1, 2])
    path = write_pack(tmp_path / "p.npz", [np.zeros((20, 30, 3), np.uint8)], ["train"], boxes_xyxy=boxes, box_offsets=offsets)
    with pytest.raises(PackError, match="do not fit 1 pictures"):
        FacePack.open((path,), "train")


def test_sources_are_named_or_the_packs_own(tmp_path: Path) -> None:
    boxes, offsets = np.array([[0, 0, 5, 5]], np.float32), np.array([0, 1])
    bare = write_pack(tmp_path / "bare.npz", [np.zeros((20, 30, 3), np.uint8)], ["train"], boxes_xyxy=boxes, box_offsets=offsets)
    assert FacePack.open((write_faces(tmp_path / "f.npz"), bare), "train").sources() == {"coco", "bare.npz"}


def test_missing_split(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no split 'test'; it has train, val"):
        FerPlus.open(write_ferplus(tmp_path / "p.npz"), "test")


def test_all_takes_every_split(tmp_path: Path) -> None:
    assert len(FacePack.open((write_faces(tmp_path / "p.npz", 6, 3),), "all")) == 9


@pytest.mark.parametrize("damage", ["noise", "empty"])
def test_a_picture_that_cannot_be_decoded(tmp_path: Path, damage: str) -> None:
    pack = Pack(write_faces(tmp_path / "p.npz"), ())
    start, end = pack.arrays["offsets"][:2]
    if damage == "noise":
        pack.arrays["images"][start:end] = 7
    else:
        pack.arrays["offsets"][1] = start
    with pytest.raises(PackError, match="picture 0 cannot be decoded"):
        pack.picture(0)


def test_boxes_belong_to_their_picture_over_several_packs(tmp_path: Path) -> None:
    first, second = write_faces(tmp_path / "a.npz"), write_faces(tmp_path / "b.npz")
    faces = FacePack.open((first, second), "val")
    assert [len(faces.boxes(i)) for i in range(len(faces))] == [1, 1, 0, 1, 1, 0]
    left, top, right, bottom = faces.boxes(0)[0].astype(int)
    inside = faces.picture(0)[top:bottom, left:right].mean()
    assert inside > faces.picture(0).mean() + 50
