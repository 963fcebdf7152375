"""FaceRecognizer: pictures of one's own, in every form that people have them."""

import doctest
import gc
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

import ferstream.workers.faces.recognizer as module
from ferstream import FaceRecognizer, FerstreamError
from ferstream.streams.frames.reader import Entry
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.workers.faces.picture import PictureError, as_picture, decode_jpeg
from ferstream.workers.models.card import ModelError
from ferstream.workers.models.classifier import Classifier
from ferstream.workers.models.detector import Detector
from ferstream.workers.models.runtimes.runtime import OutOfMemory
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.pipeline import Pipeline
from ferstream.workers.pipeline.stage import Channel
from ferstream.workers.settings import WorkerSettings
from tests.support.fleet import frame, portrait_jpeg
from tests.support.patience import PROCESS_S


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return data.astronaut()


@pytest.fixture(scope="module")
def recognizer() -> FaceRecognizer:
    return FaceRecognizer.open(device="cpu", runtime="openvino", threads=2)


def test_the_docstrings_example_runs():
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(FaceRecognizer, "FaceRecognizer", module)
    assert len(example.examples) == 6
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0


def test_the_astronaut_is_happy_and_her_landmarks_are_where_they_should(recognizer, astronaut):
    [[face]] = recognizer(astronaut)
    assert face.emotion == "happiness"
    assert face.confidence > 0.8
    assert sum(face.probabilities) == pytest.approx(1, abs=1e-5)
    x0, y0, x1, y1 = face.box
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert all(x0 < x < x1 and y0 < y < y1 for x, y in face.landmarks)
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def forms(picture: np.ndarray, folder: Path) -> dict[str, object]:
    """The same picture in every form."""
    path = folder / "astronaut.png"
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    alpha = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    return {
        "array": picture,
        "list": [picture],
        "batch": picture[None],
        "generator": (each for each in [picture]),
        "path": path,
        "text": str(path),
        "paths": [path],
        "rgba": alpha,
        "view with negative strides": np.ascontiguousarray(picture[..., ::-1])[..., ::-1],
        "pillow": Image.fromarray(picture),
        "pillow rgba": Image.fromarray(alpha),
        "pillow file": Image.open(path),
    }


def test_every_form_of_a_picture_gives_the_same_answer(recognizer, astronaut, tmp_path):
    [[expected]] = recognizer(astronaut)
    for name, form in forms(astronaut, tmp_path).items():
        assert recognizer(form) == [[expected]], name


def test_grey_pictures_and_palettes_are_taken_too(recognizer, astronaut):
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    [[face]], [[same]], [[pillow]] = recognizer(grey), recognizer(grey[..., None]), recognizer(Image.fromarray(grey))
    assert face == same == pillow
    assert face.emotion == "happiness"
    [[palette]] = recognizer(Image.fromarray(astronaut).convert("P"))
    assert palette.emotion == "happiness"


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_of_grey_are_read_by_pillow_as_from_the_file(recognizer, astronaut, tmp_path, ending):
    path = tmp_path / f"deep.{ending}"
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY).astype(np.uint16)
    cv2.imwrite(str(path), grey * 256 + np.random.default_rng(0).integers(0, 256, grey.shape, np.uint16))
    with Image.open(path) as opened:
        assert opened.mode == "I;16"
        np.testing.assert_array_equal(as_picture(opened), as_picture(path))
        assert [face.emotion for face in recognizer(opened)[0]] == ["happiness"]


def test_a_file_is_turned_as_its_exif_says_and_a_picture_of_pillow_is_not(recognizer, astronaut, tmp_path):
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(astronaut)))
    exif = lying.getexif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    lying.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    [[turned]], [[upright]] = recognizer(tmp_path / "lying.jpg"), recognizer(astronaut)
    assert turned.box == pytest.approx(upright.box, abs=3)
    with Image.open(tmp_path / "lying.jpg") as opened:
        as_it_lies = recognizer(opened)[0]
    assert all(face.box != pytest.approx(upright.box, abs=3) for face in as_it_lies)


def test_many_pictures_of_all_sizes_come_back_in_order(recognizer, astronaut):
    """More than a batch of pictures, and more than a batch of faces."""
    two = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    small = cv2.resize(astronaut, (200, 200), interpolation=cv2.INTER_AREA)
    empty = np.zeros((60, 90, 3), np.uint8)
    pictures = [two, empty, astronaut, small, np.zeros((1, 1, 3), np.uint8)] * 9
    found = recognizer(pictures)
    assert [len(faces) for faces in found] == [2, 0, 1, 1, 0] * 9
    assert {face.emotion for faces in found for face in faces} == {"happiness"}
    alone = recognizer(astronaut)[0][0]
    assert found[2][0].box == pytest.approx(alone.box, abs=0.5)
    assert found[2][0].probabilities == pytest.approx(alone.probabilities, abs=1e-3)


@pytest.mark.parametrize("none", [[], (), np.zeros((0, 10, 10, 3), np.uint8)])
def test_no_pictures_no_answers(recognizer, none):
    assert recognizer(none) == []


@pytest.mark.parametrize(
    ("given", "reason", "says"),
    [
        ("no-such-file.jpg", "unreadable", r"cannot read no-such-file\.jpg: No such file"),
        (Path(__file__).parent, "unreadable", "Is a directory"),
        ("", "unreadable", "picture 0 is an empty path"),
        ("a\0b.jpg", "unreadable", r"cannot read a\\x00b\.jpg: no file can have this name"),
        ("\ud800.jpg", "unreadable", "no file can have this name"),
        (Image.new("F", (4, 4)), "not-a-picture", "picture 0 has Pillow's mode F, of no known range: scale it to 8 bits"),
        (Image.new("I", (4, 4)), "not-a-picture", "picture 0 has Pillow's mode I"),
        (__file__, "bad-picture", "is no picture that OpenCV reads"),
        (np.zeros((4, 4, 3), np.float32), "not-a-picture", r"picture 0 has pixels of float32: they must be uint8"),
        (np.zeros((4, 4, 3), bool), "not-a-picture", "pixels of bool"),
        (np.zeros((4, 4, 2), np.uint8), "not-a-picture", r"shape \(4, 4, 2\): it must be \(height, width, 3\)"),
        (np.zeros(4, np.uint8), "not-a-picture", r"shape \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), "empty", "picture 0 has no pixels"),
        (b"\xff\xd8", "not-a-picture", "picture 0 is of type bytes: give a path"),
        (None, "not-a-picture", "picture 0 is of type NoneType: give a path"),
        (7, "not-a-picture", "picture 0 is of type int"),
        ([np.zeros((4, 4, 3), np.uint8), {}], "not-a-picture", "picture 1 is of type dict"),
        ([[1, 2], [3]], "not-a-picture", "picture 0 is of type list"),
        (np.zeros((2, 4, 4, 5), np.uint8), "not-a-picture", r"picture 0 has the shape \(4, 4, 5\)"),
    ],
)
def test_what_is_no_picture_is_one_clear_line(recognizer, given, reason, says):
    with pytest.raises(PictureError, match=says) as raised:
        recognizer(given)
    assert raised.value.reason == reason
    assert isinstance(raised.value, FerstreamError)
    assert "\n" not in str(raised.value)


def test_a_picture_of_pillow_that_is_cut_short_says_so(recognizer, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:4000])
    with Image.open(tmp_path / "cut.jpg") as opened, pytest.raises(PictureError, match="picture 0: JpegImageFile cannot be read"):
        recognizer(opened)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no model in"):
        FaceRecognizer.open(device="cpu", detector=tmp_path)


class OtherRuntime:
    """The packaged net's runtime with less: without landmarks, or with memory for small batches only."""

    def __init__(self, model, *, landmarks: bool = True, memory: int = 1000, device: str | None = None) -> None:
        self._runtime, self._parts, self._memory = model._runtime, None if landmarks else 2, memory
        self.device, self.library, self.precision = device or model.device, model.library, model.precision
        self.batches: list[int] = []
        self.threads: set[str] = set()

    def __call__(self, batch):
        if len(batch) > self._memory:
            raise OutOfMemory("full")
        self.batches.append(len(batch))
        self.threads.add(threading.current_thread().name)
        return self._runtime(batch)[: self._parts]


def test_a_detector_without_landmarks_gives_faces_without_landmarks_and_pose(recognizer, astronaut):
    plain = Detector(OtherRuntime(recognizer.detector, landmarks=False), recognizer.detector.card)
    [[face]] = FaceRecognizer(plain, recognizer.classifier)(astronaut)
    assert (face.landmarks, face.pose) == (None, None)
    assert face.emotion == "happiness"


def test_a_device_with_little_memory_gets_smaller_batches(recognizer, astronaut):
    runtime = OtherRuntime(recognizer.detector, memory=3)
    small = FaceRecognizer(Detector(runtime, recognizer.detector.card), recognizer.classifier)
    assert [len(faces) for faces in small([astronaut] * 10)] == [1] * 10
    assert max(runtime.batches) <= 3


def test_a_gpu_gets_whole_batches(recognizer, astronaut):
    """One device computes one batch after the other, so that smaller ones side by side would only cost more."""
    finds, names = (OtherRuntime(model, device="cuda:0") for model in (recognizer.detector, recognizer.classifier))
    models = Detector(finds, recognizer.detector.card), Classifier(names, recognizer.classifier.card)
    assert len(FaceRecognizer(*models, threads=8)([astronaut] * 17)) == 17
    assert (finds.batches, names.batches) == ([8, 8, 1], [17])


def test_its_threads_are_kept_from_call_to_call_and_go_with_it(recognizer, astronaut):
    runtime = OtherRuntime(recognizer.detector)
    several = FaceRecognizer(Detector(runtime, recognizer.detector.card), recognizer.classifier, threads=2)
    for _ in range(4):
        several([astronaut] * 4)
    assert runtime.batches == [2] * 8
    assert runtime.threads <= {"ferstream-faces_0", "ferstream-faces_1"}
    ours = [thread for thread in threading.enumerate() if thread in several._pool._threads]
    assert 1 <= len(ours) <= 2
    del several
    gc.collect()
    for thread in ours:
        thread.join(5)
    assert not any(thread.is_alive() for thread in ours)


def test_a_program_whose_threads_all_begin_at_once_ends():
    """Nothing waits for ever: neither in OpenVINO's first look at an array, nor for the threads when the interpreter leaves."""
    script = (
        "import sys\nsys.setswitchinterval(1e-6)\n"
        "import numpy as np\nfrom ferstream import FaceRecognizer\n"
        "recognizer = FaceRecognizer.open(device='cpu', runtime='openvino', threads=4)\n"
        "print(recognizer(np.zeros((8, 64, 64, 3), np.uint8)))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert (said.returncode, said.stdout) == (0, f"{[[]] * 8}\n"), said.stderr


def test_several_threads_may_use_one_recognizer(recognizer, astronaut):
    expected, answers = recognizer([astronaut] * 3), []
    threads = [threading.Thread(target=lambda: answers.append(recognizer([astronaut] * 3))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 4


def test_a_worker_says_the_same_of_the_same_pixels(recognizer):
    jpeg = portrait_jpeg()
    [faces] = recognizer(decode_jpeg(jpeg, 10**8))
    finished: Channel[FrameTask] = Channel(8)
    settings = WorkerSettings(redis_url="redis://unused", threads=1)
    pipeline = Pipeline(settings, recognizer.detector, recognizer.classifier, ServerClock(), finished, lambda camera: camera)
    pipeline.start()
    pipeline.put(FrameTask(Entry(0, "1-0", {}, 1, False), frame(1, jpeg, ServerClock().now(), width=512, height=512)))
    pipeline.finish(30)
    (task,) = finished.get_batch(8)
    assert task.faces == faces
    assert all(face.landmarks and face.pose for face in faces)


def test_neither_torch_nor_redis_nor_pillow_is_loaded(astronaut, tmp_path):
    cv2.imwrite(str(tmp_path / "astronaut.png"), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    script = (
        "import sys\nfrom ferstream import FaceRecognizer\n"
        "[[face]] = FaceRecognizer.open(device='cpu', runtime='openvino')(sys.argv[1])\n"
        "print(face.emotion, [name for name in ('torch', 'timm', 'redis', 'PIL', 'prometheus_client') if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "astronaut.png")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert (said.returncode, said.stdout) == (0, "happiness []\n"), said.stderr
