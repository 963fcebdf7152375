"""OpenCV's face detector as a model of ours: it finds what cv2.dnn finds, and a broken file is one clear line."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.cbook import get_sample_data
from skimage.data import astronaut

from ferstream.training.cli import main
from ferstream.training.detector.face_pack import FacePack
from ferstream.training.opencv_ssd.caffe import NetParameter
from ferstream.training.opencv_ssd.importer import import_opencv_ssd
from ferstream.training.opencv_ssd.tensorflow import GraphDef, TensorFlowSsd
from ferstream.workers.models.card import CARD, ONNX, SAFETENSORS, ModelCard, ModelError
from ferstream.workers.models.detector import Boxes, Detector
from ferstream.workers.models.nets.anchors import anchor_boxes
from ferstream.workers.models.registry import open_detector
from ferstream.workers.models.runtimes.torch_runtime import build_net
from tests.support.caffe_ssd import prototxt, write_caffe
from tests.support.training_packs import real_pack, shared_models
from tests.support.video_files import shared_video

THRESHOLD = 0.3
#: A detection at the threshold may fall on either side of it.
NEAR = 0.01
RUNTIMES = pytest.mark.parametrize("runtime", ["torch", "openvino"])


@pytest.fixture(scope="module")
def files() -> tuple[Path, Path]:
    return shared_models() / "opencv_face_detector_uint8.pb", shared_models() / "opencv_face_detector.pbtxt"


@pytest.fixture(scope="module")
def folder(files, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "opencv-ssd"
    import_opencv_ssd(*files, folder)
    return folder


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Portraits, val pictures of the pack, frames of a video, and close-ups, on which boxes leave the frame."""
    hopper = cv2.imread(get_sample_data("grace_hopper.jpg", asfileobj=False), cv2.IMREAD_COLOR_RGB)
    found = [astronaut(), hopper]
    val = FacePack.open((real_pack("faces_trainval_0.npz"),), "val")
    found += [val.picture(int(i)) for i in np.linspace(0, len(val) - 1, 24)]
    for i in range(len(val)):
        for left, top, right, bottom in val.boxes(i).astype(int):
            if min(right - left, bottom - top) > 120 and len(found) < 50:
                found.append(np.ascontiguousarray(val.picture(i)[max(0, top) : bottom, max(0, left) : right]))
    capture = cv2.VideoCapture(str(shared_video("two_people_head_pose.mp4")))
    for number in range(200):
        more, frame = capture.read()
        if more and number % 25 == 0:
            found.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    capture.release()
    return found


def opencv(files: tuple[Path, Path]):
    """The detector as OpenCV's samples use it, on an RGB picture: boxes clipped to it, those outside it left out."""
    net = cv2.dnn.readNetFromTensorflow(str(files[0]), str(files[1]))

    def find(picture: np.ndarray) -> Boxes:
        height, width = picture.shape[:2]
        bgr = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (300, 300))
        net.setInput(cv2.dnn.blobFromImage(bgr, 1.0, (300, 300), (104, 177, 123)))
        rows = net.forward()[0, 0]  # (200, 7): picture, class, score, box in 0..1
        rows = rows[rows[:, 2] >= THRESHOLD - NEAR]
        xyxy = np.clip(rows[:, 3:7] * [width, height, width, height], 0, [width, height, width, height])
        inside = (xyxy[:, 2:] - xyxy[:, :2] >= 1).all(axis=1)
        return Boxes(xyxy[inside], rows[inside, 2], np.zeros((int(inside.sum()), 5, 2), np.float32))

    return find


def assert_paired(ours: Boxes, theirs: Boxes, pixels: float = 1.0, score: float = 1e-2) -> int:
    """Each detection over the threshold has one of its own on the other side; returns how many there are."""
    for a, b in ((ours, theirs), (theirs, ours)):
        sure = a.scores >= THRESHOLD
        distance = np.abs(a.xyxy[sure, None] - b.xyxy[None]).max(axis=2) + 100 * np.abs(a.scores[sure, None] - b.scores[None])
        partner = distance.argmin(axis=1) if len(b.scores) else np.zeros(int(sure.sum()), int)
        assert len(b.scores) or not sure.any()
        assert len(set(partner.tolist())) == sure.sum()
        np.testing.assert_allclose(a.xyxy[sure], b.xyxy[partner], atol=pixels)
        np.testing.assert_allclose(a.scores[sure], b.scores[partner], atol=score)
    return int(sure.sum())


def found_by(detector: Detector, pictures: list[np.ndarray]) -> list[Boxes]:
    return [detector([picture], score_threshold=THRESHOLD - NEAR)[0] for picture in pictures]


@RUNTIMES
def test_it_finds_what_opencv_finds(files, folder, pictures, runtime):
    find = opencv(files)
    ours = found_by(open_detector(folder, "cpu", runtime), pictures)
    faces = sum(assert_paired(boxes, find(picture)) for boxes, picture in zip(ours, pictures, strict=True))
    assert faces > 60


def test_torch_and_openvino_agree(folder, pictures):
    torch, openvino = (found_by(open_detector(folder, "cpu", runtime), pictures) for runtime in ("torch", "openvino"))
    for a, b in zip(torch, openvino, strict=True):
        assert_paired(a, b, pixels=0.1, score=1e-3)


@RUNTIMES
def test_a_batch_finds_what_single_pictures_give(folder, pictures, runtime):
    detector = open_detector(folder, "cpu", runtime)
    batch = detector(pictures[:12], score_threshold=THRESHOLD - NEAR)
    for together, alone in zip(batch, found_by(detector, pictures[:12]), strict=True):
        assert_paired(together, alone, pixels=0.1, score=1e-3)


def test_the_card_says_how_pictures_are_prepared(folder):
    card = ModelCard.read(folder)
    assert (card.name, card.architecture, card.input_size) == ("opencv-ssd-300", "opencv_ssd", 300)
    assert (card.resize, card.colour) == ("stretch", "BGR")
    np.testing.assert_allclose(np.array(card.mean) * 255, [104, 177, 123])
    np.testing.assert_allclose(np.array(card.std) * 255, 1)
    assert (card.score_threshold, card.iou_threshold) == (0.5, 0.45)
    assert card.limits
    assert "not known" in card.data[0]["licence"]
    assert "--out" in card.retrain
    anchors = anchor_boxes(300, 300, card.levels)
    assert len(anchors) == 38 * 38 * 4 + (19 * 19 + 10 * 10 + 5 * 5) * 6 + 2 * 5 * 5 * 4
    np.testing.assert_allclose(anchors[:2], [[4, 4, 30, 30], [4, 4, 42.4264, 42.4264]])
    np.testing.assert_allclose(anchors[6], [12, 4, 42.4264, 21.2132])  # second column, third shape


def test_the_last_maps_shrink_where_the_description_says_so(files, tmp_path, pictures):
    nodes = files[1].read_text().split("node {")
    shrinking = [
        node.replace("SAME", "VALID") if '"conv8_2_h/Conv2D"\n  op' in node or '"conv9_2_h/Conv2D"\n  op' in node else node
        for node in nodes
    ]
    assert sum(a != b for a, b in zip(nodes, shrinking, strict=True)) == 2
    description = tmp_path / "shrinking.pbtxt"
    description.write_text("node {".join(shrinking))
    card = import_opencv_ssd(files[0], description, tmp_path / "model")
    assert [cells for _, _, cells in card.levels] == [38, 19, 10, 5, 3, 1]
    find = opencv((files[0], description))
    ours = found_by(open_detector(tmp_path / "model", "cpu", "openvino"), pictures[:12])
    assert sum(assert_paired(boxes, find(picture)) for boxes, picture in zip(ours, pictures, strict=False)) > 5


@pytest.mark.parametrize("half", [False, True])
def test_caffes_form_becomes_the_same_net(files, folder, tmp_path, pictures, half):
    source = TensorFlowSsd(files[0], files[0].read_bytes(), files[1], files[1].read_text())
    card = import_opencv_ssd(*write_caffe(tmp_path, source, half=half), tmp_path / "model")
    np.testing.assert_allclose(anchor_boxes(300, 300, card.levels), anchor_boxes(300, 300, ModelCard.read(folder).levels))
    assert card.iou_threshold == 0.45
    ours, theirs = (found_by(open_detector(path, "cpu", "openvino"), pictures[:16]) for path in (tmp_path / "model", folder))
    assert sum(assert_paired(a, b) for a, b in zip(ours, theirs, strict=True)) > 8


def test_a_detector_of_another_kind_is_refused(folder, tmp_path):
    card = json.loads((folder / CARD).read_text()) | {"architecture": "retinaface"}
    (tmp_path / CARD).write_text(json.dumps(card))
    with pytest.raises(ModelError, match="'retinaface'; known are ssd, opencv_ssd"):
        build_net(ModelCard.read(tmp_path))


class Broken:
    """The published files, to be spoilt in a folder of their own."""

    def __init__(self, files: tuple[Path, Path], folder: Path) -> None:
        self.data, self.text = files[0].read_bytes(), files[1].read_text()
        self.weights, self.description, self.folder = folder / "net.pb", folder / "net.pbtxt", folder

    def says(self, match: str, data: bytes | None = None, text: str | None = None) -> None:
        self.weights.write_bytes(self.data if data is None else data)
        self.description.write_text(self.text if text is None else text)
        self.refused(match, self.weights, self.description)

    def refused(self, match: str, weights: Path, description: Path) -> None:
        with pytest.raises(ModelError, match=match) as caught:
            import_opencv_ssd(weights, description, self.folder / "model")
        assert "\n" not in str(caught.value)
        assert str(self.folder) in str(caught.value)
        assert not (self.folder / "model").exists()


@pytest.fixture
def broken(files, tmp_path) -> Broken:
    return Broken(files, tmp_path)


@pytest.mark.parametrize("part", [0, 1e-5, 0.3, 0.5, 0.999])
def test_weights_that_are_cut_off(broken, part):
    broken.says(r"net\.pb (is cut off|lacks|is no TensorFlow graph|is text)", data=broken.data[: int(len(broken.data) * part)])


@pytest.mark.parametrize("part", [0.1, 0.5, 0.97])
def test_a_description_that_is_cut_off(broken, part):
    broken.says(r"net\.pbtxt (is cut off|lacks)", text=broken.text[: int(len(broken.text) * part)])


def test_files_that_are_not_there(broken):
    broken.refused("cannot read .*net.pb: No such file", broken.weights, broken.description)
    broken.weights.write_bytes(broken.data)
    broken.refused("cannot read .*net.pbtxt: No such file", broken.weights, broken.description)


def test_swapped_files(broken):
    broken.weights.write_bytes(broken.data)
    broken.description.write_text(broken.text)
    broken.refused("name the weights first", broken.description, broken.weights)
    broken.refused("is text, not weights", broken.description, broken.description)
    broken.refused("is no text: name the .pbtxt", broken.weights, broken.weights)


def test_files_of_other_nets(broken):
    yunet = (shared_models() / "yunet_n_dynamic.onnx").read_bytes()
    broken.says("net.pb", data=yunet)
    broken.says("net.pb", data=cv2.imencode(".png", astronaut())[1].tobytes())
    broken.says("describes no net", text="hello {\n}\n")
    broken.says("net.pbtxt lacks the node", text=broken.text.replace("conv9_2_mbox_conf", "conv9_2_other"))
    broken.says("net.pb lacks the constant conv8_1_h/bias", data=broken.data.replace(b"conv8_1_h/bias", b"conv8_1_h/baas"))
    broken.says("net.pb holds no Caffe layers", text=prototxt())


def test_a_layer_of_another_shape(broken):
    graph = GraphDef.FromString(broken.data)
    constant = next(node for node in graph.node if node.name == "conv6_1_h/weights_quantized_const")
    tensor = next(attribute.value.tensor for attribute in constant.attr if attribute.key == "value")
    tensor.tensor_shape.dim[2].size //= 2
    broken.says("conv6_1_h/weights_quantized_const does not fill its shape", data=graph.SerializeToString())
    tensor.tensor_content = tensor.tensor_content[: len(tensor.tensor_content) // 2]
    broken.says(r"net.pb lacks a layer conv6_1_h of the shape \(128, 256, 1, 1\)", data=graph.SerializeToString())


def test_numbers_that_are_none(broken):
    graph = GraphDef.FromString(broken.data)
    constant = next(node for node in graph.node if node.name == "last_scale_h/add_quantized_max")
    tensor = next(attribute.value.tensor for attribute in constant.attr if attribute.key == "value")
    tensor.tensor_content = np.float32("nan").tobytes()
    broken.says("last.shift is not a number everywhere", data=graph.SerializeToString())


def test_prior_boxes_laid_out_otherwise(broken):
    clipped = broken.text.replace('key: "clip"\n    value {\n      b: false', 'key: "clip"\n    value {\n      b: true', 1)
    broken.says(r"net.pbtxt: its prior boxes are clipped \(True\)", text=clipped)
    broken.says("a prior box lacks its sizes or its step", text=broken.text.replace("i: 315", "i: 0"))


def test_broken_caffe_files(files, tmp_path, broken):
    source = TensorFlowSsd(files[0], broken.data, files[1], broken.text)
    weights, description = write_caffe(tmp_path, source, half=True)
    whole = weights.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 1000):
        weights.write_bytes(whole[:size])
        broken.refused("caffemodel (is cut off|lacks|holds no Caffe layers)", weights, description)
    net = NetParameter.FromString(whole)
    norm = next(layer for layer in net.layer if layer.name == "data_bn")
    norm.blobs[2].raw_data = np.zeros(1, "<f2").tobytes()
    weights.write_bytes(net.SerializeToString())
    broken.refused("data_bn was never trained", weights, description)
    norm.blobs[2].raw_data = b"1"
    weights.write_bytes(net.SerializeToString())
    broken.refused("blob 2 of the layer data_bn does not fill its shape", weights, description)
    weights.write_bytes(broken.data)
    broken.refused("(is cut off|holds no Caffe layers)", weights, description)
    weights.write_bytes(whole)
    description.write_text(description.read_text().replace("conv9_2_mbox_priorbox", "other"))
    broken.refused("lacks the layer conv9_2_mbox_priorbox", weights, description)


def test_the_command_says_where_the_model_is(files, tmp_path):
    out = tmp_path / "opencv"
    arguments = ["detector", "import-opencv-ssd", *map(str, files), "--out", str(out)]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    assert str(out) in shown.stdout
    said = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    assert said == {"name": "opencv-ssd-300", "model": str(out), "sha256": ModelCard.read(out).sha256}
    assert all(digest in shown.stdout for digest in said["sha256"].values())
    assert set(said["sha256"]) == {SAFETENSORS, ONNX}


def test_the_command_fails_with_one_line(files, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("dear")
    for arguments, message in (
        ((files[1], files[0], "--out", tmp_path / "out"), "name the weights first"),
        ((*files, "--out", tmp_path / "letters"), "holds other things than a model"),
        ((*files, "--out", tmp_path / "letters" / "letter.txt" / "out"), "cannot"),
    ):
        result = CliRunner().invoke(main, ["detector", "import-opencv-ssd", *map(str, arguments)])
        assert result.exit_code == 3, result.output
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "letters" / "letter.txt").read_text() == "dear"
