"""`POST /api/analyze`: a picture or a short clip, answered by the same workers as cameras are."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Generator
from typing import IO

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ferstream.consumer.dashboard.api.answer import error_answer, json_answer
from ferstream.consumer.dashboard.frames import metrics
from ferstream.consumer.dashboard.frames.sources import TURN_S, FrameSources
from ferstream.consumer.dashboard.frames.uploads.analysis import RETRY_AFTER_S, Analysis, AnalyzedFrame
from ferstream.consumer.dashboard.frames.uploads.clip import read_clip
from ferstream.consumer.dashboard.frames.uploads.picture_kinds import HEAD_BYTES, kind_of
from ferstream.consumer.dashboard.frames.uploads.pictures import Picture, read_picture
from ferstream.consumer.dashboard.frames.uploads.upload_errors import UploadError, too_large

#: A media type: the body is looked at, not what is said of it.
ANY = "*/*"
MAX_BYTES = 50_000_000
#: Up to this size an upload stays in memory.
IN_MEMORY = 4 * 1024 * 1024
#: A body takes so long at most: it holds the turn of somebody else.
BODY_S = 60.0
LOOK_S = 0.5


class Analyzed(msgspec.Struct, frozen=True, omit_defaults=True):
    """`seconds` is what it took; `missing` are frames that no worker answered in time."""

    frames: list[AnalyzedFrame]
    seconds: float
    missing: int = 0


async def analyze(request: Request, sources: FrameSources) -> Response:
    """The answer, or `{"error": ...}` with its status."""
    try:
        return await _in_turn(request, sources)
    except UploadError as error:
        metrics.REFUSED.labels("upload", str(error.status)).inc()
        headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else None
        return error_answer(error.status, str(error), headers)


async def _in_turn(request: Request, sources: FrameSources) -> Response:
    if int(request.headers.get("content-length") or 0) > MAX_BYTES:
        raise _too_many_bytes()
    try:
        async with asyncio.timeout(TURN_S):
            await sources.uploads.acquire()
    except TimeoutError:
        raise UploadError(429, "other uploads are being looked at: try again in a moment", RETRY_AFTER_S) from None
    try:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            await _receive(request, file)
            return await _answer(request, sources, file)
    finally:
        sources.uploads.release()


async def _receive(request: Request, file: "tempfile.SpooledTemporaryFile[bytes]") -> None:
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BYTES:
                    raise _too_many_bytes()
                file.write(chunk)
    except TimeoutError:
        raise UploadError(408, f"the body did not arrive within {BODY_S:.0f} s") from None


async def _answer(request: Request, sources: FrameSources, file: "tempfile.SpooledTemporaryFile[bytes]") -> Response:
    started = time.monotonic()
    stop = threading.Event()
    analysis = Analysis(sources, _pictures(file, stop), stop)
    work = asyncio.create_task(analysis.run())
    try:
        while not work.done():
            await asyncio.wait([work], timeout=LOOK_S)
            if not work.done() and await request.is_disconnected():
                raise ClientDisconnect
    finally:
        work.cancel()
        await asyncio.wait([work])
    return json_answer(Analyzed(work.result(), round(time.monotonic() - started, 3), analysis.missing))


def _pictures(file: IO[bytes], stop: threading.Event) -> Generator[Picture, None, None]:
    """What the upload shows. Raises UploadError; in a thread, as it decodes."""
    file.seek(0)
    kind = kind_of(file.read(HEAD_BYTES))
    file.seek(0)
    if kind.demuxer:
        yield from read_clip(file, kind.demuxer, stop)
    else:
        yield read_picture(kind.picture, file.read())


def _too_many_bytes() -> UploadError:
    return too_large(f"an upload has at most {MAX_BYTES // 1_000_000} MB")
