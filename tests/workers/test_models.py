"""The packaged models on real faces, in both runtimes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from skimage import data

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.models.card import ONNX, PACKAGED, ModelCard, ModelError
from ferstream.workers.models.nets.anchors import anchor_boxes, decode_boxes, encode_boxes, overlaps
from ferstream.workers.models.registry import choose_runtime, open_classifier, open_detector
from ferstream.workers.models.runtimes.runtime import OomRetry, OutOfMemory
from ferstream.workers.settings import default_threads, usable_cores
from tests.support.patience import PROCESS_S
from tests.support.video_files import shared_video


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return data.astronaut()


@pytest.fixture(scope="module")
def detector():
    return open_detector(None, "cpu", "openvino")


@pytest.fixture(scope="module")
def classifier():
    return open_classifier(None, "cpu", "openvino")


def test_the_astronaut_has_one_face_where_it_is(detector, astronaut):
    boxes = detector([astronaut])[0]
    assert len(boxes.scores) == 1
    assert overlaps(boxes.xyxy, np.array([[175, 60, 270, 175]], np.float32))[0, 0] > 0.6


def test_pictures_of_all_sizes_in_one_batch_come_back_in_order(detector, astronaut):
    tall = np.zeros((900, 400, 3), np.uint8)
    tall[600:856, 100:356] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    wide = np.zeros((300, 1200, 3), np.uint8)
    tiny = np.zeros((1, 1, 3), np.uint8)
    found = detector([tall, wide, astronaut, tiny])
    assert [len(boxes.scores) for boxes in found] == [1, 0, 1, 0]
    assert found[0].xyxy[0, 1] > 600
    alone = detector([tall])[0]
    np.testing.assert_allclose(alone.xyxy, found[0].xyxy, atol=0.5)


def test_colours_travel_in_the_order_the_card_says(detector, classifier, astronaut):
    """The golden picture: another channel order or mean gives other figures."""
    box = detector([astronaut])[0].xyxy[0]
    crop = square_crop(astronaut, box, classifier.card.input_size, classifier.card.margin)
    probabilities = classifier(crop[None])[0]
    assert classifier.card.labels == EMOTIONS
    assert EMOTIONS[int(probabilities.argmax())] == "happiness"
    assert probabilities.max() > 0.8
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_torch_and_openvino_agree_on_every_face_of_two_people():
    """Same frames, each runtime from pixels to emotions: as many faces, the same top class, probabilities within 0.03."""
    capture = cv2.VideoCapture(str(shared_video("two_people_head_pose.mp4")))
    ours = (open_detector(None, "cpu", "openvino"), open_classifier(None, "cpu", "openvino"))
    theirs = (open_detector(None, "cpu", "torch"), open_classifier(None, "cpu", "torch"))
    faces = 0
    while True:
        more, picture = capture.read()
        if not more:
            break
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        answers = []
        for detect, classify in (ours, theirs):
            boxes = detect([picture])[0]
            crops = [square_crop(picture, box, classify.card.input_size, classify.card.margin) for box in boxes.xyxy]
            answers.append((boxes.xyxy, classify(np.stack(crops)) if crops else np.zeros((0, 8), np.float32)))
        np.testing.assert_allclose(answers[0][0], answers[1][0], atol=1.0)
        np.testing.assert_array_equal(answers[0][1].argmax(1), answers[1][1].argmax(1))
        np.testing.assert_allclose(answers[0][1], answers[1][1], atol=0.03)
        faces += len(answers[0][0])
    capture.release()
    assert faces > 100


def test_bfloat16_changes_a_probability_by_little(astronaut):
    crops = np.stack([square_crop(astronaut, np.array([178, 52, 270, 172], np.float32), 48, m / 10) for m in range(8)])
    exact = open_classifier(None, "cpu", "openvino")(crops)
    fast = open_classifier(None, "cpu", "openvino", precision="bf16")(crops)
    np.testing.assert_allclose(exact, fast, atol=0.08)


@pytest.mark.parametrize("device", ["gpu", "CUDA", "mps", "cpu:0", "cuda:", "cuda:x", "cuda:-1", " cpu", ""])
def test_a_device_that_is_none_is_refused(device):
    with pytest.raises(ModelError, match=rf"^'{device}' is no device: use auto, cpu, cuda or cuda:N$"):
        choose_runtime(device, "auto")


def test_the_default_threads_are_the_cores_where_the_system_has_no_affinity(monkeypatch):
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == os.cpu_count()
    assert 1 <= default_threads() <= 8


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKAGED["classifier"], tmp_path / "model"))


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_altered_weights_are_refused(copy, runtime):
    for file in copy.glob("*.*"):
        if file.suffix != ".json":
            spoil(file)
    with pytest.raises(ModelError, match="was altered"):
        open_classifier(copy, "cpu", runtime)


def test_missing_weights_say_what_to_do(copy):
    (copy / ONNX).unlink()
    with pytest.raises(ModelError, match=r"is missing .* reinstall"):
        open_classifier(copy, "cpu", "openvino")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"task": "detector", "levels": [[8, [10]]]}, "holds a detector"),
        ({"labels": list(reversed(EMOTIONS))}, "in this order"),
        ({"colour_order": "RGB"}, r"unknown fields colour_order; did you mean colour\?"),
    ],
)
def test_a_wrong_card_is_refused(copy, change, says):
    card = copy / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(ModelError, match=says):
        open_classifier(copy, "cpu", "openvino")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"resize": "strech"}, "resize"),
        ({"colour": "bgr"}, "colour"),
        ({"score_threshold": float("nan")}, "score_threshold"),
        ({"temperature": -1}, "temperature"),
        ({"std": [1, 1]}, "std"),
        ({"levels": [1, 2]}, "levels"),
        ({"levels": []}, "levels"),
        ({"input_size": 0}, "input_size"),
        ({"mean": [0.5, 0.5, float("inf")]}, "mean"),
        ({"name": None}, "name"),
        ({"levels": [[8, [[10, "a"]], 4]]}, "levels"),
    ],
)
def test_a_card_with_values_that_nobody_can_serve_is_refused(tmp_path, change, says):
    raw = json.loads((PACKAGED["detector"] / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(raw | change))
    with pytest.raises(ModelError, match=f"no value that can be served: {says}$"):
        ModelCard.read(tmp_path)


def test_a_detector_of_an_older_form_is_refused(tmp_path):
    """It answers scores where logits are read: every anchor would be a face."""
    folder = Path(shutil.copytree(PACKAGED["detector"], tmp_path / "old"))
    model = onnx.load(folder / ONNX)
    for names in (model.graph.output, *(node.output for node in model.graph.node)):
        for place, name in enumerate(names):
            if getattr(name, "name", name) == "logits":
                if isinstance(name, str):
                    names[place] = "scores"
                else:
                    name.name = "scores"
    onnx.save(model, folder / ONNX)
    card = json.loads((folder / "card.json").read_text())
    card["sha256"][ONNX] = hashlib.sha256((folder / ONNX).read_bytes()).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="made by an older ferstream"):
        open_detector(folder, "cpu", "openvino")


def test_a_card_that_is_no_json_is_refused(copy):
    (copy / "card.json").write_text("{")
    with pytest.raises(ModelError, match="is no model card"):
        ModelCard.read(copy)


def test_the_packaged_files_are_small_enough_to_keep():
    for folder in PACKAGED.values():
        for file in folder.iterdir():
            assert file.stat().st_size < 25_000_000
    assert sum(file.stat().st_size for file in PACKAGED["detector"].glob("*.safetensors")) < 3_000_000


def test_boxes_come_back_from_their_offsets():
    anchors = anchor_boxes(128, 192, ((8, (10, 16)), (64, (128,))))
    assert len(anchors) == 16 * 24 * 2 + 2 * 3
    boxes = np.random.default_rng(0).uniform(0, 60, (len(anchors), 2)).astype(np.float32)
    boxes = np.concatenate([boxes, boxes + 30], axis=1)
    np.testing.assert_allclose(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, atol=1e-2)


def test_out_of_memory_halves_the_batch_and_goes_on():
    calls = []

    def model(batch):
        calls.append(len(batch))
        if len(batch) > 3:
            raise OutOfMemory("full")
        return [item * 2 for item in batch]

    halved = []
    retry = OomRetry("classifier", 16, lambda: halved.append(1))
    assert retry(model, list(range(20))) == [item * 2 for item in range(20)]
    assert calls[:3] == [16, 8, 4]
    assert set(calls[3:]) == {2}
    assert retry.limit == 2
    assert len(halved) == 3
    with pytest.raises(OutOfMemory):
        OomRetry("classifier", 1)(lambda batch: (_ for _ in ()).throw(OutOfMemory("full")), [1])


def test_a_signal_is_heard_after_models_have_gone():
    """OpenVINO changes the thread's signal stack; Python's handlers run on it, whatever models came and went."""
    script = (
        "import gc, os, signal, numpy as np\n"
        "from ferstream.workers.models.registry import open_classifier\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('heard', flush=True))\n"
        "models = [open_classifier(None, 'cpu', 'openvino') for _ in range(2)]\n"
        "for model in models: model(np.zeros((1, 48, 48, 3), np.uint8))\n"
        "del model\n"
        "while models: models.pop(0); gc.collect()\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert (said.returncode, said.stdout) == (0, "heard\n"), said.stderr
