"""A JPEG of a few kilobytes that keeps a decoder busy: the last scan of a progressive one, again and again."""

import cv2
import numpy as np

from ferstream.streams.wire.scans import MOST_SCANS


def scan_bomb(scans: int = MOST_SCANS + 1) -> bytes:
    """64x64 px; at least so many scans."""
    jpeg = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    last = jpeg[jpeg.rfind(b"\xff\xda") : -2]
    return jpeg[:-2] + scans * last + jpeg[-2:]
