"""Makes previews: small pictures of frames whose camera somebody looks at, out of the pixels that the detector has just seen."""

import logging
import time
from collections.abc import Callable

import cv2
import simplejpeg

from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.wire.codec import MAX_PREVIEW_BYTES
from ferstream.streams.wire.messages import Frame, Preview
from ferstream.workers import metrics
from ferstream.workers.models.detector import Boxes, Picture
from ferstream.workers.pipeline.face_blur import FaceBlur
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.preview_pace import PreviewPace
from ferstream.workers.pipeline.scaling import shrunk
from ferstream.workers.pipeline.watched_cameras import WatchedCameras

log = logging.getLogger(__name__)

QUALITY = 75
#: The frame's own JPEG is shown as it is up to this length.
MAX_OWN_BYTES = MAX_PREVIEW_BYTES // 4


class PreviewMaker:
    """Puts a preview into a frame's task where one is due. `waiting` says whether frames wait for the stages' time."""

    def __init__(self, watched: WatchedCameras, clock: ServerClock, waiting: Callable[[], bool], *, blur: bool) -> None:
        self._watched, self._clock, self._waiting = watched, clock, waiting
        self._pace = PreviewPace()
        self._blur = FaceBlur() if blur else None

    def show(self, task: FrameTask, picture: Picture, boxes: Boxes) -> None:
        """Make the preview of this frame, with these faces in it, if somebody looks and it is due."""
        watch = self._watched.watch(task.camera_id, self._clock.now())
        if watch is None or task.frame is None:
            return
        header = task.frame.header
        if self._blur:
            self._blur.saw(header.camera_id, header.captured_at, picture, boxes)
        turn = self._pace.turn(header.camera_id, header.captured_at, self._watched.count(), waiting=self._waiting())
        if turn == "no time":
            metrics.PREVIEWS.labels("skipped").inc()
        if turn != "now":
            return
        started = time.thread_time()
        task.preview, task.watched_until = self._preview(task.frame, picture, watch.max_side), watch.until
        took_s = time.thread_time() - started
        self._pace.took(took_s)
        metrics.PREVIEW_SECONDS.inc(took_s)
        metrics.PREVIEWS.labels("made" if task.preview else "failed").inc()

    def _preview(self, frame: Frame, picture: Picture, max_side: int) -> Preview | None:
        try:
            small = scaled(picture, max_side)
            if self._blur:
                small = self._blur.blurred(frame.header.camera_id, small)
            own = small is picture and _may_be_shown(frame.picture)
            jpeg = frame.picture if own else simplejpeg.encode_jpeg(small, QUALITY, "RGB", "420", fastdct=True)
        except (cv2.error, ValueError) as error:  # the frame goes on without a preview
            log.debug("no preview of %r: %s", frame.header.camera_id, error)
            return None
        if len(jpeg) > MAX_PREVIEW_BYTES:
            return None
        return Preview(
            camera_id=frame.header.camera_id,
            sequence=frame.header.sequence,
            captured_at=frame.header.captured_at,
            width=small.shape[1],
            height=small.shape[0],
            blurred=self._blur is not None,
            jpeg=jpeg,
        )


def scaled(picture: Picture, max_side: int) -> Picture:
    """The picture with at most so many pixels on its longer side; itself where it has no more."""
    height, width = picture.shape[:2]
    share = max_side / max(height, width)
    if share >= 1:
        return picture
    return shrunk(picture, max(1, round(width * share)), max(1, round(height * share)))


def _may_be_shown(jpeg: bytes) -> bool:
    """Whether a browser shows the frame's own JPEG as we see it: one with EXIF it may turn."""
    return len(jpeg) <= MAX_OWN_BYTES and b"Exif\0" not in jpeg
