"""When a preview is due, what it is made of, and that nobody is recognised in a blurred one."""

import cv2
import numpy as np
import pytest
import simplejpeg
from skimage import data

from ferstream.streams.frames.previews import EVERY_S, Watch
from ferstream.streams.frames.reader import Entry
from ferstream.workers.models.detector import NO_BOXES, Boxes
from ferstream.workers.models.registry import open_detector
from ferstream.workers.pipeline.face_blur import BLOCKS, KEPT_S, FaceBlur
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.preview_maker import MAX_OWN_BYTES, PreviewMaker, scaled
from ferstream.workers.pipeline.preview_pace import BURST_S, FIRST_COST_S, SHARE, PreviewPace
from ferstream.workers.pipeline.watched_cameras import WatchedCameras
from tests.support.fleet import frame, portrait_jpeg

PORTRAIT = data.astronaut()


class Clock:
    def __init__(self):
        self.at = 0.0

    def now(self):
        return self.at

    __call__ = now


@pytest.mark.parametrize("rate", [10, 25, 30, 60])
def test_a_camera_has_ten_turns_a_second_at_most_and_no_fewer_if_it_can(rate):
    pace = PreviewPace()
    turns = [pace.turn("door", n / rate + 0.02 * (n % 2), 1, waiting=False) for n in range(rate * 10)]
    assert 95 <= turns.count("now") <= 101
    assert turns.count("no time") == 0


def test_while_frames_wait_previews_take_a_share_of_the_time_and_every_camera_gets_its_own():
    clock = Clock()
    pace, cost_s, made = PreviewPace(clock, lambda: 2 * clock.at), 0.004, dict.fromkeys(range(16), 0)
    for step in range(600):
        clock.at = step / 10
        for camera in made:
            if pace.turn(str(camera), clock.at + camera / 1000, 16, waiting=True) == "now":
                pace.took(cost_s)
                made[camera] += 1
    share = cost_s * sum(made.values()) / (clock.at * 2)
    assert 0.8 * SHARE < share < 1.2 * SHARE
    assert max(made.values()) - min(made.values()) <= 1


def test_frames_that_waited_for_long_have_no_more_turns_than_there_is_time_for():
    clock = Clock()
    pace, cost_s, made = PreviewPace(clock, clock), 10 * FIRST_COST_S, []
    for step in range(2000):
        clock.at = step / 100
        if pace.turn("door", clock.at * 10, 1, waiting=True) == "now":  # ten times as fast as they were captured
            pace.took(cost_s)
            made.append(clock.at)
    assert 0.8 * SHARE < cost_s * sum(at >= 10 for at in made) / 10 < 1.2 * SHARE


def test_a_burst_does_not_count_as_waiting():
    clock = Clock()
    pace = PreviewPace(clock, clock)
    pace.took(1000 * FIRST_COST_S)
    turns = []
    for step in range(100):
        clock.at = step * EVERY_S
        turns.append(pace.turn("door", clock.at, 100, waiting=step % int(BURST_S / EVERY_S) != 0))
    assert set(turns) == {"now"}


def test_a_clock_that_was_set_back_ends_no_previews():
    pace = PreviewPace()
    assert [pace.turn("door", at, 1, waiting=False) for at in (1000.0, 999.9, 10.0)] == ["now", "too soon", "now"]


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (37, 4001), (641, 640), (2000, 3), (321, 1)])
def test_a_picture_is_scaled_to_the_longer_side(size):
    picture = cv2.resize(PORTRAIT, size[::-1], interpolation=cv2.INTER_AREA)
    small = scaled(picture, 320)
    assert max(small.shape[:2]) == 320
    assert scaled(small, 320) is small
    if min(size) > 320:
        best = cv2.resize(picture, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - best).mean() < 6


def faces_of(*boxes):
    return Boxes(np.array(boxes, np.float32), np.ones(len(boxes), np.float32), np.zeros((len(boxes), 5, 2), np.float32))


def test_a_blurred_face_has_eight_blocks_at_most_and_the_detector_finds_it_no_more():
    detector = open_detector(None, "cpu", "auto", 1, "f32")
    (boxes,) = detector([PORTRAIT])
    assert len(boxes.xyxy) == 1
    blur = FaceBlur()
    blur.saw("door", 0.0, PORTRAIT, boxes)
    small = blur.blurred("door", scaled(PORTRAIT, 320))
    (nothing,) = detector([small])
    assert len(nothing.xyxy) == 0
    x0, y0, x1, y1 = (boxes.xyxy[0] * 320 / 512).astype(int)
    face = small[y0:y1, x0:x1]
    assert len(np.unique(face.reshape(-1, 3), axis=0)) <= BLOCKS * BLOCKS
    assert np.abs(np.diff(face.astype(int), axis=0)).any(axis=(1, 2)).sum() < BLOCKS
    assert np.abs(np.diff(face.astype(int), axis=1)).any(axis=(0, 2)).sum() < BLOCKS
    outside = scaled(PORTRAIT, 320)[200:, :]
    assert (small[200:, :] == outside).all()


def test_a_face_that_the_detector_misses_for_a_moment_stays_blurred_where_it_was():
    blur, before = FaceBlur(), PORTRAIT.copy()
    for step in range(100):
        blur.saw("door", step / 30, PORTRAIT, faces_of((200, 80, 250, 150), (-20, -20, 30, 30), (500, 500, 512, 512)))
    blur.saw("door", 3.4, PORTRAIT, NO_BOXES)
    assert (blur.blurred("door", PORTRAIT)[80:150, 200:250] != PORTRAIT[80:150, 200:250]).any()
    blur.saw("door", 3.4 + KEPT_S, PORTRAIT, NO_BOXES)
    assert (blur.blurred("door", PORTRAIT) == PORTRAIT).all()
    assert (before == PORTRAIT).all()
    for number in range(1000):
        blur.saw(f"camera-{number}", float(number), PORTRAIT, NO_BOXES)
    assert len(blur._found) < 100


class Watched(WatchedCameras):
    """Somebody looks at every camera."""

    def __init__(self, max_side):
        self._watches = {"test": Watch(max_side, 1e9)}


def preview_of(jpeg, max_side=640, blur=False, boxes=NO_BOXES):
    maker = PreviewMaker(Watched(max_side), Clock(), lambda: False, blur=blur)
    task = FrameTask(Entry(0, "1-1", {}), frame(7, jpeg, 5.0))
    maker.show(task, simplejpeg.decode_jpeg(jpeg), boxes)
    return task.preview


def test_a_frame_that_is_small_enough_is_shown_as_it_came():
    preview = preview_of(portrait_jpeg())
    assert preview.jpeg == portrait_jpeg()
    assert (preview.sequence, preview.captured_at, preview.width, preview.blurred) == (7, 5.0, 512, False)
    assert len(preview_of(portrait_jpeg(), max_side=320).jpeg) < len(portrait_jpeg()) / 2


@pytest.mark.parametrize("reason", ["it would be turned by its EXIF", "it is long", "it is blurred"])
def test_else_it_is_encoded_anew(reason):
    jpeg = portrait_jpeg()
    if reason == "it would be turned by its EXIF":
        jpeg = jpeg[:2] + b"\xff\xe1\x00\x10Exif\0\0MM\0*\0\0\0\x08" + jpeg[2:]
    elif reason == "it is long":
        jpeg = jpeg[:2] + (b"\xff\xfe\xff\xff" + b"x" * 65533) * 3 + jpeg[2:]
        assert len(jpeg) > MAX_OWN_BYTES
    preview = preview_of(jpeg, blur=reason == "it is blurred")
    assert preview.jpeg != jpeg
    assert len(preview.jpeg) < MAX_OWN_BYTES
    assert simplejpeg.decode_jpeg(preview.jpeg).shape == (512, 512, 3)
