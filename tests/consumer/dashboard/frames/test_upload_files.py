"""Files that people send, of any bytes: a picture, its frames, or words on what is wrong."""

import io
import threading
from contextlib import suppress

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from ferstream.consumer.dashboard.frames.uploads import clip
from ferstream.consumer.dashboard.frames.uploads.clip import read_clip
from ferstream.consumer.dashboard.frames.uploads.picture_kinds import kind_of
from ferstream.consumer.dashboard.frames.uploads.pictures import MAX_SIDE, read_picture
from ferstream.consumer.dashboard.frames.uploads.upload_errors import UploadError
from tests.support.scan_bomb import scan_bomb
from tests.support.video_files import make_video

PIXELS = np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)


def read(data):
    """All that an upload of these bytes shows."""
    kind = kind_of(data[:64])
    return (
        list(read_clip(io.BytesIO(data), kind.demuxer, threading.Event())) if kind.demuxer else [read_picture(kind.picture, data)]
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Small files of all kinds."""
    folder = tmp_path_factory.mktemp("samples")
    found = [cv2.imencode(kind, PIXELS)[1].tobytes() for kind in (".jpg", ".png", ".webp")]
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")):
        found.append(make_video(folder / name, frames=3, size=(32, 32), codec=codec).read_bytes())
    return found


def test_a_clip_that_takes_too_long_is_given_up(samples, monkeypatch):
    monkeypatch.setattr(clip, "MOST_WORK_S", 0.0)
    with pytest.raises(UploadError, match="to decode: send a smaller or shorter one") as error:
        read(samples[3])
    assert error.value.status == 413


def test_a_clip_that_nobody_waits_for_is_read_no_further(samples):
    stop = threading.Event()
    pictures = read_clip(io.BytesIO(samples[3]), "mp4", stop)
    next(pictures)
    stop.set()
    assert list(pictures) == []


def test_each_sample_is_read(samples):
    assert [len(read(data)) for data in samples] == [1, 1, 1, 3, 3, 3]


@settings(max_examples=150)
@given(
    st.integers(0, 5), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12), st.floats(0, 1, exclude_min=True)
)
def test_damaged_files_end_in_words(samples, which, changes, kept):
    data = bytearray(samples[which])
    for at, value in changes:
        data[int(at * (len(data) - 1))] = value
    with suppress(UploadError):
        read(bytes(data[: max(1, int(kept * len(data)))]))


@given(st.binary(max_size=300))
def test_any_bytes_end_in_words(data):
    with suppress(UploadError):
        read(data)


def test_a_jpeg_that_would_be_decoded_for_minutes_is_refused():
    with pytest.raises(UploadError, match="more than 64 scans: save it as a baseline JPEG"):
        read(scan_bomb())


def test_a_progressive_jpeg_is_none_of_them():
    assert len(read(cv2.imencode(".jpg", PIXELS, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes())) == 1


def test_a_jpeg_that_workers_can_read_goes_as_it_is():
    jpeg = simplejpeg.encode_jpeg(PIXELS, 70, "BGR", "422")
    assert read_picture("jpeg", jpeg).jpeg == jpeg


def test_a_large_picture_is_scaled_and_keeps_its_size_for_boxes():
    (picture,) = read(cv2.imencode(".png", np.zeros((100, 4000, 3), np.uint8))[1].tobytes())
    assert (picture.width, picture.height) == (4000, 100)
    assert simplejpeg.decode_jpeg_header(picture.jpeg)[:2] == (32, MAX_SIDE)
