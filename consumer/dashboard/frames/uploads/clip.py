"""An uploaded clip as frames: ten a second, with their times."""

import threading
import time
from collections.abc import Generator, Iterator
from typing import IO, Any

import av
import av.container
import av.error
import numpy as np

from ferstream.consumer.dashboard.frames.uploads.picture_kinds import check_size
from ferstream.consumer.dashboard.frames.uploads.pictures import MAX_SIDE, Picture, encode
from ferstream.consumer.dashboard.frames.uploads.upload_errors import UploadError, too_large, unreadable

MAX_SECONDS = 60.0
FPS = 10.0
#: So many packets in a row without a picture: there is nothing to see in it.
MOST_BROKEN = 300
#: Seconds of a core that decoding may take: a minute of 1080p takes some ten.
MOST_WORK_S = 60.0


def read_clip(file: IO[bytes], demuxer: str, stop: threading.Event) -> Generator[Picture, None, None]:
    """Its pictures, one each tenth of a second at most, until `stop` is set. Raises UploadError, also in the midst of it."""
    av.logging.set_level(None)
    try:
        # The demuxer is named and no protocol is allowed: a clip names no file but itself.
        with av.open(file, "r", format=demuxer, options={"protocol_whitelist": "none"}) as container:
            yield from _pictures(container, stop)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise unreadable(f"the clip is damaged, or its codec is not known here ({type(error).__name__})") from None


def _pictures(container: av.container.InputContainer, stop: threading.Event) -> Generator[Picture, None, None]:
    if not container.streams.video or getattr(container.streams.video[0], "codec_context", None) is None:
        raise unreadable("there is no video in the clip that can be decoded")
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    check_size(stream.codec_context.width, stream.codec_context.height)
    if container.duration and container.duration / av.time_base > MAX_SECONDS + 1 / FPS:
        raise _too_long(container.duration / av.time_base)
    number, due = 0, 0.0
    start: float | None = None
    for frame in _frames(container, stream, stop):
        at = frame.time if frame.time is not None else number / 25
        start = at if start is None else start
        media_time, number = max(0.0, at - start), number + 1
        if media_time > MAX_SECONDS:
            raise _too_long(media_time)
        if media_time >= due - 1e-6:
            due = max(due + 1 / FPS, media_time)
            yield _picture(frame, media_time)
    if not number and not stop.is_set():
        raise unreadable("no picture of the clip can be decoded")


def _frames(container: av.container.InputContainer, stream: "av.VideoStream", stop: threading.Event) -> Iterator[av.VideoFrame]:
    broken, began = 0, time.thread_time()
    for packet in container.demux(stream):
        if stop.is_set():
            return
        if time.thread_time() - began > MOST_WORK_S:
            raise too_large(f"the clip takes more than {MOST_WORK_S:.0f} s to decode: send a smaller or shorter one")
        frames = _decoded(packet)
        broken = 0 if frames else broken + 1
        if broken > MOST_BROKEN:
            raise unreadable(f"{broken} packets of the clip in a row hold no picture that can be decoded")
        yield from frames


def _decoded(packet: "av.Packet[Any]") -> list[av.VideoFrame]:
    """What a packet decodes to; a damaged one to nothing, as in a producer."""
    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
    except av.error.InvalidDataError:
        return []


def _picture(frame: av.VideoFrame, media_time: float) -> Picture:
    check_size(frame.width, frame.height)  # it may change on the way
    scale = min(1.0, MAX_SIDE / max(frame.width, frame.height))
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    pixels = frame.to_ndarray(format="bgr24", width=size[0], height=size[1])
    turns = round(frame.rotation / 90) % 4
    picture = encode(np.asarray(np.rot90(pixels, turns), np.uint8))
    width, height = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
    return Picture(picture.jpeg, width, height, round(media_time, 3))


def _too_long(seconds: float) -> UploadError:
    return too_large(f"the clip is {seconds:.0f} s long or more; at most {MAX_SECONDS:.0f} s are taken")
