"""A mask and a region are black in every picture that leaves the camera's machine, and the rest of it is as it was."""

import threading
from contextlib import closing

import av
import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from ferstream.producer.blackout import Blackout
from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.config.cameras_file import read_cameras_file
from ferstream.producer.encoder import JpegEncoder, scaled_size
from ferstream.producer.errors import ConfigError
from ferstream.producer.sources.factory import source_for
from tests.producer.test_fleet import at_work, frames_in
from tests.support.video_files import HALF_TURN, QUARTER_TURN, make_video, turn_video, wait_until

LEFT = ((0.1, 0.1), (0.45, 0.15), (0.4, 0.9), (0.12, 0.8))
DIAMOND = ((0.5, 0.02), (0.97, 0.5), (0.5, 0.98), (0.03, 0.5))
RED = (220, 60, 40)
#: A star in one stroke: its edges enclose its middle twice.
STAR = ((0.5, 0.05), (0.78, 0.92), (0.03, 0.38), (0.97, 0.38), (0.22, 0.92))


def red(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), RED, np.uint8)


def touched(polygon, width: int, height: int) -> np.ndarray:
    """Pixels of which the polygon covers a part, by 8x8 samples a pixel. (height, width) bool"""
    fine = np.zeros((height * 8, width * 8), np.uint8)
    cv2.fillPoly(fine, [np.round(np.array(polygon) * (width * 8, height * 8) - 0.5).astype(np.int32)], 1)
    return fine.reshape(height, 8, width, 8).any(axis=(1, 3))


def near(pixels: np.ndarray, by: int) -> np.ndarray:
    return cv2.dilate(pixels.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)).astype(bool)


@pytest.mark.parametrize("size", [(1280, 720), (641, 363), (64, 64), (33, 21)])
@pytest.mark.parametrize("polygon", [LEFT, DIAMOND, ((0, 0), (1, 0), (1, 1), (0, 1)), ((0.2, 0.2), (0.8, 0.2), (0.5, 0.201))])
def test_no_pixel_that_is_touched_is_left_and_few_more_go(size, polygon):
    inside, outside = touched(polygon, *size), touched(polygon, *size) == 0
    black = Blackout((polygon,), None).kept(*size) == 0
    assert black[inside].all()
    assert not black[~near(inside, 3)].any()
    kept = Blackout((), polygon).kept(*size) == 255
    assert not kept[outside].any()
    assert kept[~near(outside, 4) & ~near(np.pad(np.zeros_like(outside)[1:-1, 1:-1], 1, constant_values=True), 4)].all()


def test_edges_that_cross_leave_no_hole():
    assert Blackout((STAR,), None).kept(400, 400)[200, 200] == 0


def test_polygons_and_a_region_together():
    kept = Blackout((LEFT, ((0.8, 0.4), (0.9, 0.4), (0.9, 0.6))), DIAMOND).kept(400, 400)
    at = {place: kept[place] for place in ((200, 100), (180, 350), (20, 380), (200, 240))}
    assert at == {(200, 100): 0, (180, 350): 0, (20, 380): 0, (200, 240): 255}


@given(
    st.lists(st.lists(st.tuples(*[st.floats(0, 1)] * 2), min_size=3, max_size=8), max_size=3),
    st.integers(1, 70),
    st.integers(1, 70),
)
def test_any_polygons_on_any_size(polygons, width, height):
    blackout = Blackout(tuple(map(tuple, polygons)), None)
    kept = blackout.kept(width, height)
    assert kept.shape == (height, width)
    assert not any(kept[touched(polygon, width, height)].any() for polygon in polygons)
    grey = np.full(((height + 1) // 2, (width + 1) // 2), 200, np.uint8)
    _, u, v = blackout.on_planes(np.full((height, width), 90, np.uint8), grey, grey)
    whole = np.repeat(np.repeat(u, 2, 0), 2, 1)[:height, :width]
    assert (whole[kept == 0] == 128).all()
    assert (u == v).all()
    assert (grey == 200).all()


def decoded(jpeg: bytes) -> np.ndarray:
    return simplejpeg.decode_jpeg(jpeg).astype(int)


@pytest.mark.parametrize("max_side", [640, 333])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv444p", "nv12", "rgb24", "gray", "array"])
@pytest.mark.parametrize("size", [(640, 360), (641, 363)])
def test_black_after_decoding(pixels, size, max_side):
    source = red(*size)
    picture = source[..., ::-1].copy() if pixels == "array" else av.VideoFrame.from_ndarray(source, "rgb24")
    if isinstance(picture, av.VideoFrame) and pixels != "rgb24":
        picture = picture.reformat(format=pixels)
    masked = JpegEncoder(max_side, 90, Blackout((LEFT,), DIAMOND)).encode(picture)
    plain = JpegEncoder(max_side, 90).encode(picture)
    assert (masked.width, masked.height, masked.checksum) == (plain.width, plain.height, plain.checksum)
    got, whole = decoded(masked.jpeg), decoded(plain.jpeg)
    width, height = scaled_size(*size, max_side)
    kept = Blackout((LEFT,), DIAMOND).kept(width, height) == 255
    # JPEG rings within its blocks of 16x16 and colours a pixel more, by what is beside an edge, not by what was under the mask.
    assert got[~near(kept, 18)].max() <= 2
    assert got[~kept].max() <= 110
    far = ~near(~kept, 18)
    assert np.abs(got[far] - whole[far]).max() <= 2


def test_what_a_mask_covers_is_not_in_the_jpeg():
    """Two pictures that differ under the mask only become the same bytes."""
    one, other = red(320, 240), red(320, 240)
    other[touched(LEFT, 320, 240)] = (10, 250, 90)
    encoder = JpegEncoder(200, 85, Blackout((LEFT,), None))
    for as_picture in (lambda rgb: av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="yuv420p"), lambda rgb: rgb):
        first, second = (encoder.encode(as_picture(rgb)) for rgb in (one, other))
        assert first.jpeg == second.jpeg
        assert first.checksum != second.checksum  # the camera moves


def test_the_decoder_keeps_its_own_picture():
    frame = av.VideoFrame.from_ndarray(red(320, 240), "rgb24").reformat(format="yuvj420p")
    before = frame.to_ndarray().copy()
    JpegEncoder(640, 85, Blackout((LEFT,), None)).encode(frame)
    assert (frame.to_ndarray() == before).all()


@pytest.mark.parametrize(("matrix", "shown_at"), [(QUARTER_TURN, (5, -5)), (HALF_TURN, (-5, -5))])
def test_a_video_that_lies_on_its_side_is_masked_as_it_is_seen(tmp_path, matrix, shown_at):
    """Its white patch is stored at the top left, and seen elsewhere."""
    video = turn_video(make_video(tmp_path / "a.mp4", frames=2, patch=True), matrix)
    with closing(source_for(CameraConfig("a", str(video)), threading.Event())) as source:
        source.open()
        frame = next(iter(source.frames())).picture
    top, bottom = (((0.6, y), (1, y), (1, y + 0.4), (0.6, y + 0.4)) for y in (0, 0.6))
    over, beside = (top, bottom) if shown_at[0] > 0 else (bottom, top)
    assert decoded(JpegEncoder(640, 95, Blackout((over,), None)).encode(frame).jpeg)[shown_at].max() <= 20
    assert decoded(JpegEncoder(640, 95, Blackout((beside,), None)).encode(frame).jpeg)[shown_at].min() >= 230


@pytest.mark.parametrize("kind", ["portraits", "folder"])
def test_a_camera_writes_masked_frames(redis_url, tmp_path, kind):
    cv2.imwrite(str(tmp_path / "a.png"), red(641, 363)[..., ::-1])
    url = "portraits:" if kind == "portraits" else str(tmp_path)
    right = ((0.5, 0), (1, 0), (1, 1), (0.5, 1))
    with at_work(redis_url, CameraConfig("p", url, CameraSettings(max_side=320, mask=(right,), loop=True))):
        wait_until(lambda: len(frames_in(redis_url)) >= 2, within_s=15, what="frames")
    for frame in frames_in(redis_url):
        got = decoded(frame.picture)
        assert got[:, 170:].max() <= 2
        assert got[:, :140].max() > 90


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ("mask: 3", "line 2: camera a: mask must be a list of polygons, not 3"),
        ("mask: [[0, 0], [1, 0], [1, 1]]", "camera a: mask must be a list of polygons, and this is one polygon: put it into"),
        ("mask: [[[0, 0], [1, 1.2], [0, 1]]]", "mask polygon 1 point 2 must be [x, y], two numbers from 0 to 1, not [1, 1.2]"),
        ("mask: [[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1]]]", "mask polygon 2 must have 3 to 64 points, not 2"),
        (
            "mask: [[[[0, 0], [1, 0], [1, 1]]]]",
            "mask polygon 1 must be one polygon, a list of points [x, y], and this is a list of",
        ),
        ("mask: [a]", "mask polygon 1 must be a list of points [x, y], not 'a'"),
        (f"mask: {[[[0, 0], [1, 0], [1, 1]]] * 33}", "mask must be at most 32 polygons, not 33"),
        (
            "region: [[[0, 0], [1, 0], [1, 1]]]",
            "region must be one polygon, a list of points [x, y], and this is a list of polygons",
        ),
        ("region: [[0, 0], [1, 0]]", "region must have 3 to 64 points, not 2"),
        ("region: []", "region must have 3 to 64 points, not 0"),
        (f"region: {[[0, 0]] * 65}", "region must have 3 to 64 points, not 65"),
        ("region: [[0, 0], [1, .nan], [1, 1]]", "region point 2 must be [x, y], two numbers from 0 to 1, not [1, nan]"),
        ("region: [[0, 0], [1, true], [1, 1]]", "region point 2 must be"),
        ("region: [[0, 0], [1, 0, 0], [1, 1]]", "region point 2 must be"),
        ("region: [[0, 0], 'rtsp://u:hunter2@h/x', [1, 1]]", "region point 2 must be"),
        ("region: {a: 1}", "region must be a list of points [x, y], not {'a': 1}"),
    ],
)
def test_mistakes_are_named(tmp_path, given_, told):
    (tmp_path / "cameras.yaml").write_text(f"cameras:\n  a: {{url: /x, {given_}}}\n")
    with pytest.raises(ConfigError) as caught:
        read_cameras_file(tmp_path / "cameras.yaml", CameraSettings())
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_mask_in_the_file(tmp_path):
    (tmp_path / "cameras.yaml").write_text(
        "cameras:\n  a:\n    url: /x\n    region: [[0, 0], [1, 0], [1, 1]]\n"
        "    mask:\n      - [[0.1, 0.1], [0.4, 0.1], [0.4, 0.3]]\n      - - [0, 0]\n        - [1, 0]\n        - [1, 0.5]\n"
    )
    (camera,) = read_cameras_file(tmp_path / "cameras.yaml", CameraSettings())
    assert camera.settings.region == ((0, 0), (1, 0), (1, 1))
    assert camera.settings.mask == (((0.1, 0.1), (0.4, 0.1), (0.4, 0.3)), ((0, 0), (1, 0), (1, 0.5)))
