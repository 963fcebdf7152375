"""FFmpeg's errors in words that help, with nothing in them that FFmpeg was given."""

import socket
from urllib.parse import urlsplit

import av
import av.error

from ferstream.producer.config.camera_url import Kind

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (av.error.HTTPUnauthorizedError, "wrong user or password (401)"),
    (av.error.HTTPForbiddenError, "this user may not see it (403)"),
    (av.error.HTTPNotFoundError, "there is no such stream on the server (404)"),
    (av.error.DecoderNotFoundError, "its codec is not in this FFmpeg"),
    (av.error.ProtocolNotFoundError, "this FFmpeg does not speak its protocol"),
    (ConnectionRefusedError, "connection refused: nothing listens on that port"),
    (ConnectionError, "the connection broke off"),
    (PermissionError, "no permission to read it"),
    (IsADirectoryError, "it is a folder, not a video"),
)
_NO_SUCH = {"file": "no such file", "webcam": "no such webcam: is it plugged in?"}
_NO_VIDEO = {"rtsp": "what answers there is no RTSP camera", "http": "no video that FFmpeg can read (a web page?)"}


def explained(error: Exception, kind: Kind, url: str, timeout_s: float) -> str:
    """One line on what went wrong. `url` is only looked at: none of it comes out but the host's name."""
    if isinstance(error, TimeoutError | av.error.ExitError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, FileNotFoundError):
        return _NO_SUCH.get(kind, "there is no such stream")
    if isinstance(error, av.error.InvalidDataError):
        return _NO_VIDEO.get(kind, "no video that FFmpeg can read")
    for wrong, words in _WORDS:
        if isinstance(error, wrong):
            return words
    if isinstance(error, OSError) and kind in ("rtsp", "http"):
        return _host_problem(url) or _plain(error)
    return _plain(error)


def _plain(error: Exception) -> str:
    """FFmpeg's own word for an error number; never str(error), which ends in the URL."""
    word = error.strerror if isinstance(error, OSError | av.FFmpegError) else None
    return f"FFmpeg says: {word}" if word else f"FFmpeg failed ({type(error).__name__})"


def _host_problem(url: str) -> str | None:
    """FFmpeg reports a name that does not resolve as an input/output error."""
    host = urlsplit(url).hostname or ""
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        # After an unescaped @ or / in a password, what looks like a host is the password's rest.
        return "its host name does not resolve" + (
            " (is an @ / ? # or % in the password written as it is?)" if url.count("@") > 1 else ""
        )
    return None
