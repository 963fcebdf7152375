"""Drawn videos: frame for frame the source, at its times, in its shape, with its sound; and faces that nobody knows any more."""

import json
from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from ferstream.consumer.report.draw_video import draw_video
from ferstream.consumer.report.drawing import BLOCKS, draw_face, hide_face, label_of
from ferstream.consumer.report.hidden_faces import BRIDGED_S, HiddenFaces
from ferstream.consumer.report.marks import FrameMarks, MarkedFace
from ferstream.consumer.report.video_reader import VideoError
from ferstream.workers.models.registry import open_detector
from tests.support.paths import DATA
from tests.support.portrait_clips import make_clip, portraits
from tests.support.video_files import skip_or_fail

FACE = MarkedFace((100.0, 80.0, 180.0, 200.0), 3, "happiness", 0.96)


def marks_file(path, frames, faces=()):
    lines = [json.dumps([number, number / 10, faces]) for number in frames]
    path.write_text("\n".join(lines) + "\n")
    return path


def frames_of(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def sound_of(path):
    with av.open(str(path)) as container:
        return container.streams.audio[0].codec_context.name, [packet.pts for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ntsc.mp4", {}),
        ("uneven.mkv", {"ticks": [0, 40, 41, 300, 333, 1000, 1001, 1040, 2000, 2040, 2041, 5000]}),
        ("ten_bit.mkv", {"pix_fmt": "yuv420p10le", "codec": "libx265"}),
        ("late.mkv", {"ticks": range(1500, 2700, 100)}),
        ("odd.mkv", {"size": (321, 181), "pix_fmt": "yuv444p"}),
    ],
)
def test_frame_n_is_frame_n_of_the_source(tmp_path, name, kind):
    clip = make_clip(tmp_path / name, **kind)
    assert draw_video(str(clip), marks_file(tmp_path / "marks", range(12)), tmp_path / "drawn.mp4") == 12
    source, drawn = frames_of(clip), frames_of(tmp_path / "drawn.mp4")
    assert [frame.time for frame in drawn] == pytest.approx([frame.time for frame in source], abs=1e-4)
    for was, now in zip(source, drawn, strict=True):
        size = (was.height, was.width)
        difference = np.abs(was.to_ndarray(format="gray").astype(int) - now.to_ndarray(format="gray")[: size[0], : size[1]])
        assert difference.mean() < 4


def test_what_was_found_is_drawn_on_its_own_frame(tmp_path):
    clip, marks = make_clip(tmp_path / "a.mp4"), tmp_path / "marks"
    marks.write_text("\n".join(json.dumps([n, n / 30, [[FACE.box, 3, "anger", 0.9, True]] if n == 7 else []]) for n in range(12)))
    draw_video(str(clip), marks, tmp_path / "drawn.mp4")
    changed = [
        np.abs(was.to_ndarray(format="bgr24").astype(int) - now.to_ndarray(format="bgr24")).max() > 120
        for was, now in zip(frames_of(clip), frames_of(tmp_path / "drawn.mp4"), strict=True)
    ]
    assert changed == [n == 7 for n in range(12)]


def test_pixels_keep_their_shape(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", aspect=Fraction(2))
    draw_video(str(clip), marks_file(tmp_path / "marks", range(12)), tmp_path / "drawn.mp4")
    with av.open(str(tmp_path / "drawn.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == 2


@pytest.mark.parametrize(("suffix", "codec", "kept"), [("mp4", "aac", True), ("mkv", "pcm_s16le", False)])
def test_the_sound_is_that_of_the_source(tmp_path, suffix, codec, kept):
    clip = make_clip(tmp_path / f"a.{suffix}", frames=30, sound=codec)
    draw_video(str(clip), marks_file(tmp_path / "marks", range(30)), tmp_path / "drawn.mp4")
    name, stamps = sound_of(tmp_path / "drawn.mp4")
    assert name == "aac"
    assert all(earlier < later for earlier, later in pairwise(stamps))
    if kept:
        assert stamps == sound_of(clip)[1]
    else:
        assert stamps[-1] / 48000 == pytest.approx(1.0, abs=0.1)


def test_a_part_of_a_video_begins_at_0(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=30, rate=Fraction(30), sound="aac")
    marks = marks_file(tmp_path / "marks", range(10, 20, 2))
    assert draw_video(str(clip), marks, tmp_path / "drawn.mp4", every=2, to_end=False) == 5
    assert [frame.time for frame in frames_of(tmp_path / "drawn.mp4")] == pytest.approx([n / 15 for n in range(5)], abs=1e-4)
    assert sound_of(tmp_path / "drawn.mp4")[1][-1] / 48000 < 0.4


def test_a_video_that_is_gone_leaves_nothing(tmp_path):
    with pytest.raises(VideoError, match="cannot open"):
        draw_video(str(tmp_path / "none.mp4"), marks_file(tmp_path / "marks", [0]), tmp_path / "drawn.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["marks"]


def test_a_label_stays_in_the_picture():
    assert label_of(FACE) == "3 happiness 96%"
    assert label_of(MarkedFace((0.0, 0.0, 1.0, 1.0), None, "unknown", None)) == "unknown"
    for box in ((0.0, 0.0, 30.0, 30.0), (600.0, 330.0, 640.0, 360.0), (-5.0, -5.0, 700.0, 400.0)):
        picture = np.zeros((360, 640, 3), np.uint8)
        draw_face(picture, MarkedFace(box, 12, "happiness", 0.5))
        assert (picture == (66, 228, 240)).all(axis=2).sum() > 300


@pytest.fixture(scope="module")
def found():
    """A picture of two faces, and our detector's boxes."""
    picture = portraits(1, (1280, 720))[0]
    detector = open_detector(None, "cpu", "openvino", 1)
    boxes = detector([picture[..., ::-1]])[0].xyxy
    assert len(boxes) == 2
    return picture, boxes, detector


def hidden(picture, boxes):
    copy = picture.copy()
    for box in boxes:
        hide_face(copy, tuple(float(value) for value in box))
    return copy


def test_no_detector_finds_a_hidden_face(found):
    picture, boxes, detector = found
    assert len(detector([hidden(picture, boxes)[..., ::-1]], 0.3)[0].xyxy) == 0


def test_another_detector_finds_no_hidden_face(found):
    picture, boxes, _ = found
    weights = DATA / "models" / "yunet_n_dynamic.onnx"
    if not weights.exists():
        skip_or_fail(f"no {weights}")
    yunet = cv2.FaceDetectorYN.create(str(weights), "", (1280, 720), 0.5)
    assert len(yunet.detect(picture)[1]) == 2
    assert yunet.detect(hidden(picture, boxes))[1] is None


def test_a_hidden_face_is_a_few_blocks(found):
    picture, boxes, _ = found
    for across, along in blocks_over(hidden(picture, boxes), boxes):
        assert 2 <= across <= BLOCKS
        assert 2 <= along <= BLOCKS


def blocks_over(picture, boxes):
    """Of each box, how many blocks lie across it and along it."""
    for x1, y1, x2, y2 in boxes.astype(int):
        part = picture[y1:y2, x1:x2].astype(int)
        across = 1 + int((np.abs(np.diff(part, axis=1)).sum(axis=2) > 0).any(axis=0).sum())
        along = 1 + int((np.abs(np.diff(part, axis=0)).sum(axis=2) > 0).any(axis=1).sum())
        yield across, along


def test_a_face_stays_hidden_where_it_was_lost():
    box, later = (0.0, 0.0, 10.0, 10.0), (10.0, 0.0, 20.0, 10.0)
    seen = {2: box, 6: later}
    frames = [FrameMarks(n, n / 10, (MarkedFace(seen[n], 1, "neutral", 0.9),) if n in seen else ()) for n in range(20)]
    hidden_faces = HiddenFaces(iter(frames))
    boxes = [hidden_faces.at(n, n / 10) for n in range(20)]
    assert boxes[0] == [box], "before it is first found"
    assert [pytest.approx(value) for value in boxes[4][0]] == [5.0, 0.0, 15.0, 10.0], "between two finds"
    assert boxes[6] == [later]
    assert boxes[6 + int(BRIDGED_S * 10)] == [later], "after it was last found"
    assert boxes[6 + int(BRIDGED_S * 10) + 1] == []
