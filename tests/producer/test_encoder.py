"""Colours survive the way from a decoder's planes to JPEG, whatever range and matrix they came in."""

import av
import numpy as np
import pytest
import simplejpeg

from ferstream.producer.encoder import EncodeError, JpegEncoder, scaled_size

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 50, 120), (20, 200, 220)]


def bars(width: int = 640, height: int = 360) -> np.ndarray:
    picture = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(COLOURS):
        picture[:, number * width // 8 : (number + 1) * width // 8] = colour
    return picture


def farthest(jpeg: bytes) -> int:
    """The largest error of any channel in the middle of any bar."""
    got = simplejpeg.decode_jpeg(jpeg).astype(int)
    height, width = got.shape[:2]
    return max(np.abs(got[height // 2, int((n + 0.5) * width / 8)] - colour).max() for n, colour in enumerate(COLOURS))


@pytest.mark.parametrize("max_side", [640, 333, 100])
@pytest.mark.parametrize("matrix", ["ITU601", "ITU709"])
@pytest.mark.parametrize(
    ("pixels", "range_"), [("yuv420p", "MPEG"), ("yuv420p", "JPEG"), ("yuvj420p", "JPEG"), ("yuv444p", "MPEG"), ("nv12", "MPEG")]
)
def test_colours(pixels, range_, matrix, max_side):
    source = av.VideoFrame.from_ndarray(bars(), "rgb24")
    frame = source.reformat(format=pixels, dst_colorspace=matrix, src_color_range="JPEG", dst_color_range=range_)
    encoded = JpegEncoder(max_side, 95).encode(frame)
    assert (encoded.width, encoded.height) == (640, 360)  # as captured, whatever is written
    assert simplejpeg.decode_jpeg_header(encoded.jpeg)[:2] == scaled_size(640, 360, max_side)[::-1]
    assert farthest(encoded.jpeg) <= 8


def test_hd_without_a_word_is_bt709():
    source = av.VideoFrame.from_ndarray(bars(1280, 720), "rgb24")
    frame = source.reformat(format="yuv420p", dst_colorspace="ITU709", src_color_range="JPEG", dst_color_range="MPEG")
    frame.colorspace = 2  # unspecified
    assert farthest(JpegEncoder(1280, 95).encode(frame).jpeg) <= 8


@pytest.mark.parametrize("size", [(641, 363), (7, 5), (1, 1)])
def test_odd_sizes(size):
    frame = av.VideoFrame.from_ndarray(bars(*size), "rgb24").reformat(format="yuv420p")
    encoded = JpegEncoder(1280, 85).encode(frame)
    assert simplejpeg.decode_jpeg(encoded.jpeg).shape == (size[1], size[0], 3)


def test_nothing_but_the_picture_is_encoded():
    """What lies in memory behind an odd number of lines or columns would show in the last ones."""
    black = av.VideoFrame.from_ndarray(np.zeros((366, 666, 3), np.uint8), "rgb24").reformat(format="yuv420p")
    encoder = JpegEncoder(333, 90)
    for number in range(20):
        noise = [np.random.default_rng(number).integers(0, 255, (183 + rows, 333), np.uint8) for rows in range(3)]
        del noise  # its memory is free for the next plane
        assert simplejpeg.decode_jpeg(encoder.encode(black).jpeg).max() <= 2


def test_arrays_are_blue_green_red():
    encoded = JpegEncoder(320, 95).encode(np.ascontiguousarray(bars()[..., ::-1]))
    assert farthest(encoded.jpeg) <= 8
    assert simplejpeg.decode_jpeg_header(encoded.jpeg)[:2] == (180, 320)


def test_checksum_tells_pictures_apart():
    encoder, other = JpegEncoder(640, 85), bars()
    other[80:120, 100:140] = 77
    assert encoder.encode(bars()).checksum == encoder.encode(bars()).checksum != encoder.encode(other).checksum


def test_what_is_no_picture():
    with pytest.raises(EncodeError):
        JpegEncoder(640, 85).encode(np.zeros((0, 3, 3), np.uint8))
