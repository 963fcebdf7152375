"""Folders of pictures."""

import threading
import time

import cv2
import numpy as np
import pytest

from ferstream.producer.errors import CameraError
from ferstream.producer.sources.picture_folder import PictureFolder
from tests.support.patience import PATIENCE


def folder_of(tmp_path, count: int):
    for number in range(count):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), np.full((40, 60, 3), number * 20, np.uint8))
    return tmp_path


def test_pictures_come_sorted_and_paced(tmp_path):
    source = PictureFolder(folder_of(tmp_path, 6), 10, threading.Event(), loop=False, realtime=True)
    info = source.open()
    assert (info.width, info.height, info.fps) == (60, 40, 10)
    start = time.monotonic()
    frames = list(source.frames())
    assert [int(frame.picture[0, 0, 0]) for frame in frames] == [0, 20, 40, 60, 80, 100]
    assert [frame.media_time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert 0.45 < time.monotonic() - start < 1.5 * PATIENCE


def test_a_broken_picture_is_skipped(tmp_path, caplog):
    folder_of(tmp_path, 3)
    (tmp_path / "01.png").write_bytes(b"")
    source = PictureFolder(tmp_path, 10, threading.Event(), loop=True, realtime=False)
    source.open()
    frames = source.frames()
    given = [next(frames) for _ in range(5)]
    assert [int(frame.picture[0, 0, 0]) for frame in given] == [0, 40, 0, 40, 0]
    assert [frame.media_time for frame in given] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4]), "it grows on in the next turn"
    assert caplog.text.count("01.png holds no picture") == 1


def test_no_pictures(tmp_path):
    (tmp_path / "note.txt").write_text("none here")
    with pytest.raises(CameraError, match="holds no picture"):
        PictureFolder(tmp_path, 10, threading.Event(), loop=False, realtime=True).open()
    with pytest.raises(CameraError, match="cannot read the folder: No such file"):
        PictureFolder(tmp_path / "none", 10, threading.Event(), loop=False, realtime=True).open()
