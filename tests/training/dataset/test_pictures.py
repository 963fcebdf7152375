"""Any picture becomes RGB pixels with the values it shows, or one countable reason."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ferstream.training.common.parallel import in_order
from ferstream.training.sources.pictures import DecodedPicture, PictureError, face_of, open_picture
from ferstream.training.sources.sample import Sample

RANDOM = np.random.default_rng(0)
COLOUR = np.kron(RANDOM.integers(0, 256, (4, 6, 3)), np.ones((8, 8, 1))).astype(np.uint8)
GREY = np.kron(RANDOM.integers(0, 256, (6, 6)), np.ones((8, 8))).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def rgb(kind: str = "PNG", **options) -> bytes:
    return encoded(Image.fromarray(COLOUR), kind, **options)


def test_colour_is_as_stored():
    picture = open_picture(rgb())
    assert (picture.format, picture.mode, picture.channels, picture.grey) == ("PNG", "RGB", 3, False)
    np.testing.assert_array_equal(picture.pixels, COLOUR)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "PPM"])
def test_grey_keeps_its_values_in_three_channels(kind):
    picture = open_picture(encoded(Image.fromarray(GREY), kind))
    assert picture.grey
    assert picture.channels == 1
    np.testing.assert_array_equal(picture.pixels, np.stack([GREY] * 3, axis=-1))


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1)])
@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_fast_way_through_a_jpeg_gives_what_pillow_gives(mode, channels, subsampling, progressive):
    data = encoded(Image.fromarray(COLOUR).convert(mode), "JPEG", quality=80, subsampling=subsampling, progressive=progressive)
    picture = open_picture(data)
    assert (picture.format, picture.mode, picture.channels) == ("JPEG", mode, channels)
    np.testing.assert_array_equal(picture.pixels, np.array(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_not_cut_off(kind):
    wide = np.array([[0, 128, 257, 32_768, 65_535]], np.uint16)
    picture = open_picture(encoded(Image.fromarray(wide), kind))
    assert picture.pixels[0, :, 0].tolist() == [0, 0, 1, 128, 255]
    assert picture.grey


def test_cmyk_becomes_rgb():
    data = encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG", quality=100)
    picture = open_picture(data)
    assert (picture.mode, picture.channels) == ("CMYK", 4)
    assert np.abs(picture.pixels.astype(int) - COLOUR).mean() < 8


def test_a_palette_is_looked_up():
    data = encoded(Image.fromarray(COLOUR).quantize(24), "PNG")
    picture = open_picture(data)
    assert picture.mode == "P"
    assert np.abs(picture.pixels.astype(int) - COLOUR).max() < 8


def test_one_bit_is_black_and_white():
    picture = open_picture(encoded(Image.fromarray(GREY).convert("1"), "PNG"))
    assert picture.mode == "1"
    assert set(np.unique(picture.pixels)) <= {0, 255}


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_black_and_the_rest_is_as_stored(mode):
    image = Image.fromarray(GREY).convert(mode)
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:10] = 0
    image.putalpha(Image.fromarray(alpha))
    picture = open_picture(encoded(image, "PNG"))
    assert not picture.pixels[:10].any()
    np.testing.assert_array_equal(picture.pixels[10:, :, 0], GREY[10:])


def test_a_transparent_palette_entry_is_black():
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture = open_picture(encoded(image, "PNG", transparency=1))
    assert picture.pixels.reshape(4, 3).tolist() == [[255, 0, 0], [0, 0, 0], [0, 0, 255], [9, 9, 9]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(kind, orientation):
    upright = np.zeros((32, 64), np.uint8)
    upright[:16, :16], upright[:16, 48:] = 255, 128
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
              6: np.rot90(upright), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1)}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif)
    shown = open_picture(data).pixels[..., 1]
    assert shown.shape == upright.shape
    assert np.abs(shown.astype(int) - upright).mean() < 4


def test_exif_that_cannot_be_read_leaves_the_picture_as_it_is():
    data = encoded(Image.fromarray(COLOUR), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert open_picture(data).pixels.shape == COLOUR.shape


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_a_picture_of_several_frames_is_refused(kind):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert reason_of(data) == "animated: only pictures of one frame are read"


def test_a_photograph_with_a_preview_is_one_picture():
    data = encoded(Image.fromarray(COLOUR), "MPO", save_all=True, append_images=[Image.fromarray(COLOUR[:8])])
    picture = open_picture(data)
    assert picture.format == "JPEG"
    assert picture.pixels.shape == COLOUR.shape


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_picture_is_none(kind, share):
    noise = Image.fromarray(RANDOM.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    data = encoded(noise, kind)
    assert reason_of(data[: int(len(data) * share)]) in {"truncated picture", "broken picture", "no picture"}


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"PK\x03\x04", b"\0" * 100])
def test_what_is_no_picture_says_so(data):
    assert reason_of(data) in {"no picture", "broken picture"}


def test_a_png_without_pixels_is_zero_sized():
    assert reason_of(png_of_size(0, 10)) in {"zero-sized picture", "no picture", "broken picture"}


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (9_000, 9_000), (10_000, 7_000), (2**31 - 1, 1)])
def test_a_bomb_is_not_opened(width, height):
    assert reason_of(png_of_size(width, height)) in {"too large", "broken picture"}


def test_a_jpeg_bomb_is_not_opened():
    data = bytearray(rgb("JPEG"))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 65_000, 65_000)
    assert reason_of(bytes(data)) == "too large"


def test_files_that_are_none(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    said = {
        "empty.jpg": "empty file",
        "folder.jpg": "cannot be read",
        "pipe.jpg": "no file",
        "loop.jpg": "cannot be read",
        "missing.jpg": "no such file",
        "nul\0.jpg": "cannot be read",
        "x" * 300: "cannot be read",
    }
    assert {name: reason_of(tmp_path / name) for name in said} == said


def test_a_file_of_hundreds_of_megabytes_is_not_read(tmp_path):
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(300 << 20)
    assert reason_of(tmp_path / "huge.jpg") == "too large"


def test_an_error_names_the_file_and_crosses_processes(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xffb\n.jpg")
    with pytest.raises(PictureError) as caught:
        list(in_order(open_picture, [path], 2))
    assert caught.value.reason == "no such file"
    assert str(caught.value).encode().endswith(b"a\\xffb\\x0a.jpg: no such file")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_reason_or_a_picture(data):
    result = picture_or_reason(data)
    assert result if isinstance(result, str) else result.pixels.dtype == np.uint8


@given(
    st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM"]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=12),
)
@settings(max_examples=400, deadline=None)
def test_a_damaged_picture_gives_a_reason_or_a_picture(kind, damages):
    data = bytearray(BLOBS[kind])
    for place, value in damages:
        data[place % len(data)] = value
    result = picture_or_reason(bytes(data))
    assert result if isinstance(result, str) else result.pixels.shape[2] == 3


def face(box) -> Sample:
    return Sample(rgb(), "fear", "train", "affectnet", "1/a.jpg", box=box)


def test_a_face_is_cut_from_its_picture_and_clipped():
    np.testing.assert_array_equal(face_of(face((4, 2, 20, 18))).pixels, COLOUR[2:18, 4:20])
    np.testing.assert_array_equal(face_of(face((-5, -5, 20, 900))).pixels, COLOUR[:, :20])
    assert face_of(face((4, 2, 20, 18))).pixels.flags.c_contiguous
    np.testing.assert_array_equal(face_of(face(None)).pixels, COLOUR)


@pytest.mark.parametrize("box", [(100, 0, 120, 20), (-30, -30, -1, -1), (5, 5, 5, 9), (9, 9, 2, 2), (0, -9e9, 9, -8e9)])
def test_a_box_outside_its_picture_is_refused(box):
    with pytest.raises(PictureError, match=r"affectnet 1/a.jpg: box outside the picture"):
        face_of(face(box))


def test_a_box_that_is_none_is_refused():
    with pytest.raises(PictureError, match="box is no box"):
        face_of(face((0, 0, float("nan"), 9)))


def reason_of(picture) -> str:
    with pytest.raises(PictureError) as caught:
        open_picture(picture)
    return caught.value.reason


def picture_or_reason(data: bytes) -> DecodedPicture | str:
    try:
        return open_picture(data)
    except PictureError as error:
        return error.reason


def png_of_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


BLOBS = {kind: rgb(kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM")}
