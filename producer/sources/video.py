"""Cameras and files through FFmpeg (PyAV): RTSP, HTTP, local files, webcams."""

import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import av.container
import av.error

from ferstream.producer.config.camera_config import CameraSettings
from ferstream.producer.config.camera_url import Kind, path_of, webcam_device
from ferstream.producer.errors import CameraError, CameraStalled
from ferstream.producer.sources.ffmpeg_errors import explained
from ferstream.producer.sources.source import MediaTime, Pacer, SourceFrame, SourceInfo

#: Seconds to connect; a camera on the same network answers within one.
OPEN_TIMEOUT_S = 5.0
#: So many packets in a row without one picture: there is nothing to see here, whatever the stream says.
MAX_BROKEN_PACKETS = 300

#: HTTP may lead to a playlist, and a playlist must not lead to this machine's files.
_HTTP_PROTOCOLS = "http,https,tcp,tls,crypto,httpproxy,data"


class VideoSource:
    """One video, decoded on the caller's thread. `kind` is what `camera_url.kind_of` says of `url`."""

    def __init__(self, url: str, kind: Kind, settings: CameraSettings, stop: threading.Event) -> None:
        self._url, self._kind, self._settings, self._stop = url, kind, settings, stop
        self._container: av.container.InputContainer | None = None

    def open(self) -> SourceInfo:
        # FFmpeg prints URLs, passwords and all: it has to be silent before it sees the first one.
        av.logging.set_level(None)
        name, format_, options = self._arguments()
        if self._kind == "file":
            _refuse_endless(path_of(self._url))
        timeouts = None if self._kind in ("file", "webcam") else (OPEN_TIMEOUT_S, self._settings.stall_after_s)
        try:
            self._container = av.open(name, format=format_, options=options, timeout=timeouts)
        except (av.FFmpegError, OSError, ValueError) as error:
            # `from None`: the text of FFmpeg's error ends in the URL, and a traceback would show it.
            raise CameraError(explained(error, self._kind, self._url, OPEN_TIMEOUT_S)) from None
        return self._info()

    def frames(self) -> Iterator[SourceFrame]:
        media, live, number = MediaTime(1 / (self._info().fps or 25.0)), self._is_live(), 0
        while True:
            first = number
            for frame, media_s in self._once(media):
                yield SourceFrame(frame, number, None if live else media_s)
                number += 1
            if self._stop.is_set():
                return
            if number == first:
                raise CameraError("the stream ended before its first picture")
            if live:
                raise CameraError("the camera ended the stream")
            if not self._settings.loop:
                return
            self.close()
            self.open()
            media.start_again()

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def _arguments(self) -> tuple[str, str | None, dict[str, str]]:
        """What FFmpeg calls the source, its format where it cannot be found out, and options."""
        if self._kind == "rtsp":
            return self._url, None, {"rtsp_transport": "tcp", "allowed_media_types": "video"}
        if self._kind == "http":
            return self._url, None, {"protocol_whitelist": _HTTP_PROTOCOLS}
        if self._kind == "webcam":
            return webcam_device(self._url), "v4l2", {}
        # The protocol is named, so that a file called `concat:x` is a file.
        return f"file:{path_of(self._url)}", None, {}

    def _info(self) -> SourceInfo:
        stream = self._video()
        context = stream.codec_context
        # A fleet has a core's worth of cameras on every core: one thread each. A file alone takes what there is.
        if self._settings.realtime:
            context.thread_count = 1
        else:
            context.thread_type = "AUTO"
        rate = stream.average_rate or stream.guessed_rate
        fps = float(rate or 0)
        # A live stream has no duration; a Matroska file does not count its frames.
        frames = stream.frames or round((self._opened().duration or 0) / av.time_base * float(stream.average_rate or 0))
        return SourceInfo(context.width, context.height, fps, context.name, frames)

    def _opened(self) -> av.container.InputContainer:
        if self._container is None:
            raise CameraError("the source is not open")
        return self._container

    def _video(self) -> "av.VideoStream":
        videos = self._opened().streams.video
        if not videos:
            raise CameraError("there is no video in it")
        stream = videos[0]
        # PyAV leaves the context out where FFmpeg has no decoder.
        if getattr(stream, "codec_context", None) is None:
            raise CameraError("its codec is not in this FFmpeg")
        return stream

    def _is_live(self) -> bool:
        """Whether the end of the stream is a fault. An HTTP source that knows its length is a file."""
        return self._kind in ("rtsp", "webcam") or (self._kind == "http" and not self._opened().duration)

    def _is_paced(self) -> bool:
        """Files play by their own clock, and so do HLS playlists, which hand over seconds of video at once."""
        if not self._settings.realtime or self._kind in ("rtsp", "webcam"):
            return False
        return not self._is_live() or self._opened().format.name == "hls"

    def _once(self, media: MediaTime) -> Iterator[tuple[av.VideoFrame, float]]:
        """The frames up to the end of the stream, each when its time has come, with their media times."""
        pacer, paced = Pacer(self._stop, time.monotonic), self._is_paced()
        for frame in self._decoded():
            media_s = media.at(frame.time)
            if paced:
                pacer.wait_for(media_s)
            if self._stop.is_set():
                return
            yield frame, media_s

    def _decoded(self) -> Iterator[av.VideoFrame]:
        stream = self._video()
        broken, last_frame = 0, time.monotonic()
        try:
            # All streams: sound that goes on must not hide that the pictures have stopped.
            for packet in self._opened().demux():
                if self._stop.is_set():
                    return
                for frame in _pictures(packet, stream):
                    broken, last_frame = 0, time.monotonic()
                    yield frame
                    last_frame = time.monotonic()  # what the taker of the frame took is not the camera's
                broken += packet.stream is stream
                self._check_progress(broken, last_frame)
        except (av.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError | av.error.ExitError):
                raise CameraStalled(f"no frame for {self._settings.stall_after_s:g} s") from None
            raise CameraError(explained(error, self._kind, self._url, self._settings.stall_after_s)) from None

    def _check_progress(self, broken: int, last_frame: float) -> None:
        if broken > MAX_BROKEN_PACKETS:
            raise CameraError(f"{broken} packets in a row held no picture that can be decoded")
        if self._is_live() and time.monotonic() - last_frame > self._settings.stall_after_s:
            raise CameraStalled(f"no frame for {self._settings.stall_after_s:g} s")


def _refuse_endless(path: Path) -> None:
    """FFmpeg waits for ever for a pipe that nobody writes to, and there is no way to end that. Raises CameraError."""
    with suppress(OSError, ValueError):  # not there, or not to be looked at: FFmpeg's own error says so
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise CameraError("it is a pipe, a socket or a device, not a file")


def _pictures(packet: "av.Packet[Any]", stream: "av.VideoStream") -> list[av.VideoFrame]:
    """What a packet decodes to; a damaged one to nothing, and the next whole picture mends it."""
    if packet.stream is not stream:
        return []
    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
    except av.error.InvalidDataError:
        return []
