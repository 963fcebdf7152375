"""What a page may send, and what it may not."""

import struct
from contextlib import suppress

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from ferstream.consumer.dashboard.frames.browser.page_messages import (
    MAX_JPEG_BYTES,
    PageError,
    read_frame,
    read_start,
    write_frame,
)
from ferstream.consumer.dashboard.frames.names import browser_name
from tests.support.fleet import portrait_jpeg
from tests.support.scan_bomb import scan_bomb


@given(st.binary(max_size=2000))
def test_no_bytes_surprise_the_reader_of_frames(message):
    with suppress(PageError):
        read_frame(message)


@given(st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=20), st.integers(0, 2**16))
def test_nor_does_a_damaged_picture(changes, length):
    message = bytearray(write_frame(1, 1000.0, portrait_jpeg()))
    for at, value in changes:
        message[at % len(message)] = value
    with suppress(PageError):
        read_frame(bytes(message[: max(12, length)]))


def test_a_picture_that_would_keep_workers_busy_is_refused():
    with pytest.raises(PageError, match="more than 64 scans"):
        read_frame(write_frame(1, 1000.0, scan_bomb()))


@given(st.text(max_size=300))
def test_no_text_surprises_the_reader_of_starts(text):
    with suppress(PageError):
        read_start(text)


@given(st.text(max_size=200))
def test_any_name_becomes_one_that_a_camera_may_have(wanted):
    name = browser_name(wanted)
    assert name.startswith("browser-")
    assert len(name) <= 60
    assert name.isprintable()
    assert name == browser_name(wanted) or len(name) == len("browser-") + 6


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("Anna\N{RIGHT SINGLE QUOTATION MARK}s laptop", "browser-annas-laptop"),
        ("<b>x</b>", "browser-b-x-b"),
        ("Зал 2", "browser-зал-2"),
    ],
)
def test_a_name_is_made_safe(wanted, name):
    assert browser_name(wanted) == name


def test_a_frame_is_read():
    frame = read_frame(write_frame(5, 1_700_000_000_500.0, portrait_jpeg()))
    assert (frame.sequence, frame.page_time, frame.width, frame.height) == (5, 1_700_000_000.5, 512, 512)
    assert frame.jpeg == portrait_jpeg()


@pytest.mark.parametrize("milliseconds", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_a_time_that_is_none_is_left_out(milliseconds):
    assert read_frame(write_frame(5, milliseconds, portrait_jpeg())).page_time is None


@pytest.mark.parametrize(
    ("jpeg", "why"),
    [
        (b"", "no JPEG"),
        (simplejpeg.encode_jpeg(np.zeros((8, 1281, 3), np.uint8)), "1281x8 px"),
        (portrait_jpeg() + bytes(MAX_JPEG_BYTES), "bytes; at most 400000"),
    ],
)
def test_a_picture_that_is_not_taken_is_told_with_its_sequence(jpeg, why):
    with pytest.raises(PageError, match=why) as error:
        read_frame(write_frame(9, 0.0, jpeg))
    assert error.value.sequence == 9


def test_a_message_without_a_head_has_no_sequence():
    with pytest.raises(PageError) as error:
        read_frame(struct.pack(">I", 1))
    assert error.value.sequence is None
