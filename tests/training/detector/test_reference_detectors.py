"""The detectors of other hands, on a real face."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from skimage import data

from ferstream.training.cli import main
from ferstream.training.detector.reference_detectors import REFERENCES, open_reference
from ferstream.workers.models.card import ModelError
from ferstream.workers.models.nets.anchors import overlaps
from tests.support.training_packs import real_pack, shared_models

FACE = np.array([[175, 60, 270, 175]], np.float32)


@pytest.fixture
def models(monkeypatch):
    monkeypatch.setenv("FER_DATA_DIR", str(shared_models().parent))


@pytest.mark.parametrize("name", REFERENCES)
def test_they_find_the_astronaut(models, name):
    reference = open_reference(name)
    found = reference.find(data.astronaut(), reference.score_threshold)
    assert len(found.scores) == 1
    assert overlaps(found.xyxy, FACE)[0, 0] > 0.5
    assert len(reference.find(data.astronaut(), 0.999999).scores) == 0, "the least score counts"


def test_yunet_knows_where_the_eyes_are(models):
    right, left, nose, *_ = open_reference("yunet").find(data.astronaut(), 0.6).landmarks[0]
    assert right[0] < nose[0] < left[0]
    assert max(right[1], left[1]) < nose[1]


@pytest.mark.parametrize("name", REFERENCES)
def test_files_that_are_not_there_say_where_to_put_them(monkeypatch, tmp_path, name):
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path))
    with pytest.raises(ModelError, match="set FER_DATA_DIR to the folder"):
        open_reference(name)


def test_files_that_are_no_nets_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path))
    for file in ("yunet_n_dynamic.onnx", "opencv_face_detector_uint8.pb", "opencv_face_detector.pbtxt"):
        (tmp_path / file).write_bytes(b"nothing")
    for name in REFERENCES:
        with pytest.raises(ModelError, match="is no"):
            open_reference(name)


def with_every_third_of_val(pack, path):
    """A copy of a pack that leaves the others to train."""
    with np.load(pack) as file:
        arrays = dict(file)
    val = np.flatnonzero(arrays["split"] == b"val")
    arrays["split"][np.delete(val, slice(None, None, 3))] = b"train"
    np.savez(path, **arrays)
    return path


@pytest.mark.slow
def test_all_are_measured_on_the_same_pictures(models, tmp_path):
    pack = with_every_third_of_val(real_pack("faces_trainval_1.npz"), tmp_path / "faces.npz")
    arguments = [
        "detector",
        "evaluate",
        "--data",
        str(pack),
        "--reference",
        "opencv-ssd",
        "--reference",
        "yunet",
        "--device",
        "cpu",
    ]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    ours, opencv, yunet = json.loads(result.stdout)["detectors"].values()
    assert ours["n"] == opencv["n"] == yunet["n"] > 60
    assert opencv["ap50_side24"] > 0.7
    assert yunet["ap50_side24"] > 0.9
    for figure in ("ap50", "ap50_side24", "ap50_side48"):
        assert ours[figure] > opencv[figure], "ours is ahead of OpenCV's SSD in every column"
