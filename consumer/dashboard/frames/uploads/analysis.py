"""One upload: its pictures written as the frames of a camera of its own, and their answers gathered."""

import asyncio
import threading
import time
from collections.abc import Generator
from contextlib import closing, suppress
from functools import partial

import msgspec

from ferstream.consumer.dashboard.frames import metrics
from ferstream.consumer.dashboard.frames.faces import FollowedFaces
from ferstream.consumer.dashboard.frames.names import upload_name
from ferstream.consumer.dashboard.frames.sent_camera import NotTaken, SentCamera
from ferstream.consumer.dashboard.frames.sources import FrameSources
from ferstream.consumer.dashboard.frames.uploads.missing import nobody_works, what_is_missing
from ferstream.consumer.dashboard.frames.uploads.pictures import Picture
from ferstream.consumer.dashboard.frames.uploads.upload_errors import UploadError
from ferstream.consumer.dashboard.live.messages import FaceMessage, face_message
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.errors import FerstreamError
from ferstream.streams.wire.messages import Frame, FrameHeader, Result

#: A frame of an upload is worth an answer for so long.
FRESHNESS_S = 60.0
#: Frames in Redis at once, and how large they may be together; one is at most a few hundred kilobytes.
WINDOW, BUDGET_BYTES = 16, 32 * 1024 * 1024
#: With no answer at all for so long the upload ends; where no worker is there, sooner.
PATIENCE_S, NOBODY_S = 30.0, 3.0
RETRY_AFTER_S = 10
LOOK_S = 1.0


class AnalyzedFrame(msgspec.Struct, frozen=True):
    """One frame: `width` and `height` are of the picture as uploaded, upright; `media_time` in seconds, of a clip."""

    sequence: int
    media_time: float | None
    width: int
    height: int
    faces: list[FaceMessage]


class Analysis:
    """The pictures of one upload, on a thread to Redis; `run` gives their answers, and sets `stop`.

    The camera's name is given back by then.
    """

    def __init__(self, sources: FrameSources, pictures: Generator[Picture, None, None], stop: threading.Event) -> None:
        self._sources, self._pictures = sources, pictures
        self._loop = asyncio.get_running_loop()
        self._room, self._stop = threading.Semaphore(WINDOW), stop
        self._results: dict[int, Result] = {}
        self._written: int | None = None  # how many there are, once that is known
        self._failure: UploadError | None = None
        self._news = asyncio.Event()
        self._heard_at = time.monotonic()

    async def run(self) -> list[AnalyzedFrame]:
        """The frames with their faces, in order. Raises UploadError. Cancelling takes everything back."""
        try:
            camera = await self._sources.take(upload_name(), "upload", BUDGET_BYTES)
        except FerstreamError as error:
            raise UploadError(503, f"frames cannot be written: {error}", RETRY_AFTER_S) from error
        self._sources.answers.listen(camera.camera_id, self._answered, camera.clock.now())
        thread = threading.Thread(target=self._send, args=(camera,), name=camera.camera_id, daemon=True)
        thread.start()
        try:
            await self._gather()
        finally:
            self._stop.set()
            await self._sources.leave(camera, thread.join)
        return self._frames()

    async def _gather(self) -> None:
        """Until every frame has its answer. Raises UploadError."""
        nobody_since = time.monotonic()
        while self._failure is None and (self._written is None or len(self._results) < self._written):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
            self._news.clear()
            now = time.monotonic()
            if self._results or not await self._sources.in_thread(partial(nobody_works, self._sources)):
                nobody_since = now
            if now - self._heard_at > PATIENCE_S or now - nobody_since > NOBODY_S:
                await self._give_up()
                return
        if self._failure:
            raise self._failure

    async def _give_up(self) -> None:
        """What has no answer gets none. Raises UploadError where nothing has."""
        if not self._results:
            missing = await self._sources.in_thread(partial(what_is_missing, self._sources))
            raise UploadError(503, f"no worker has answered: {missing}", RETRY_AFTER_S)

    def _frames(self) -> list[AnalyzedFrame]:
        results = [self._results[sequence] for sequence in sorted(self._results)]
        followed = FollowedFaces()
        return [
            AnalyzedFrame(
                sequence=result.sequence,
                media_time=result.media_time,
                width=result.width,
                height=result.height,
                faces=_faces_of_picture(result) if result.media_time is None else followed.update(result),
            )
            for result in results
        ]

    @property
    def missing(self) -> int:
        """Frames without an answer."""
        return (self._written or 0) - len(self._results)

    def _answered(self, delivery: Delivery) -> None:
        if delivery.result.sequence not in self._results:
            self._results[delivery.result.sequence] = delivery.result
            self._heard_at = time.monotonic()
            self._room.release()
            self._news.set()
            seconds = delivery.published_at - delivery.result.captured_at
            metrics.ANSWER.labels("upload").observe(max(0.0, seconds))

    def _send(self, camera: SentCamera) -> None:
        """Decode and write, in its thread: a frame when there is room for it. Then look after what waits in Redis."""
        written, failure = 0, None
        try:
            with closing(self._pictures):
                for picture in self._pictures:
                    if not self._has_room(camera):
                        break
                    self._write(camera, picture)
                    written += 1
        except NotTaken as error:
            failure = UploadError(503, f"a frame could not be written: {error}", RETRY_AFTER_S)
        except UploadError as error:
            failure = error
        except Exception as error:
            failure = UploadError(500, f"the upload could not be read: unexpected {type(error).__name__}")
            raise
        finally:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._sent, written, failure)
            while not self._stop.wait(LOOK_S):
                camera.maintain()
            camera.leave()

    def _sent(self, written: int, failure: UploadError | None) -> None:
        self._written, self._failure = written, failure
        self._news.set()

    def _has_room(self, camera: SentCamera) -> bool:
        """Wait until fewer than WINDOW frames are in Redis; false where the upload has ended."""
        while not self._stop.is_set():
            if self._room.acquire(timeout=LOOK_S):
                return True
            camera.maintain()
        return False

    def _write(self, camera: SentCamera, picture: Picture) -> None:
        sequence, now = camera.captured(picture.width, picture.height)
        header = FrameHeader(
            camera_id=camera.camera_id,
            sequence=sequence,
            captured_at=now,
            media_time=picture.media_time,
            deadline=now + FRESHNESS_S,
            width=picture.width,
            height=picture.height,
            producer=camera.producer,
        )
        camera.write(Frame(header, picture.jpeg))


def _faces_of_picture(result: Result) -> list[FaceMessage]:
    """A picture alone has no tracks."""
    return [face_message(face, None) for face in result.faces]
