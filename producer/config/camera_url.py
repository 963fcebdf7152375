"""Where a camera is: which kind of source an address names, and how to show it without its secrets."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from ferstream.producer.errors import ConfigError
from ferstream.streams.redis_client.connect import redact
from ferstream.streams.service.named_file import as_text

Kind = Literal["rtsp", "http", "file", "folder", "webcam", "portraits"]

_SCHEMES: dict[str, Kind] = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "http",
    "https": "http",
    "file": "file",
    "webcam": "webcam",
    "portraits": "portraits",
}
#: A live source gives its frames in its own time and cannot be read faster.
LIVE_SCHEMES = ("rtsp", "rtsps", "webcam")
_ESCAPES = "in a password write @ / ? # % as %40 %2F %3F %23 %25"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: What a password's own / ? # leaves behind: the real host, where a path should be. `live@1` is a path.
_HOST_TOO_LATE = re.compile(r"@(?:[\w.-]+|\[[\da-fA-F:]+\])(?::\d+)?/|@(?:[\w-]+\.[\w.-]+|[\w.-]+:\d+)$")


def redacted(url: str) -> str:
    """The address as text on one line, for logs and pages: no password, no query, nothing after a `password=` in its path."""
    return as_text(redact(url))


def quoted(value: object) -> str:
    """What somebody gave in another place than a URL's, to be named in an error: cut, and withheld where it may be a URL."""
    text = repr(value)
    return (redacted(text) if "@" in text else text)[:80]


def kind_of(url: str) -> Kind:
    """The kind of source that `url` names. Raises ConfigError, whose text does not hold the URL."""
    scheme = scheme_of(url)
    if scheme and scheme not in _SCHEMES:
        raise ConfigError(f"no source speaks {scheme}: use rtsp, rtsps, http, https, a file, a folder, webcam:N or portraits:")
    if not url.strip():
        raise ConfigError("the camera has no URL")
    _refuse_controls(url)
    kind = _SCHEMES[scheme] if scheme else "file"
    if kind == "portraits":
        portraits_variant(url)
    if kind == "webcam" and not url.partition(":")[2].isdigit():
        raise ConfigError("a webcam is named by its number: webcam:0")
    if kind in ("rtsp", "http"):
        _check_network(url)
    return "folder" if kind == "file" and _is_folder(path_of(url)) else kind


def scheme_of(url: str) -> str:
    """The scheme in lower case, or nothing where `url` is a path."""
    scheme, colon, rest = url.partition(":")
    looks_like_one = bool(colon) and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]+", scheme) is not None
    return scheme.lower() if looks_like_one and (rest.startswith("//") or scheme.lower() in _SCHEMES) else ""


def path_of(url: str) -> Path:
    """The local path that a path or file: URL names. Raises ConfigError."""
    try:
        path = Path(unquote(urlsplit(url).path)) if scheme_of(url) == "file" else Path(url).expanduser()
    except RuntimeError:
        raise ConfigError(f"there is no user {as_text(Path(url).parts[0])}: write the whole path") from None
    except ValueError:
        raise ConfigError("the URL has a bracket that does not close") from None
    _refuse_controls(str(path))  # a %00 is one by now
    return path


def _is_folder(path: Path) -> bool:
    """Whether a folder is there. Where we may not look it is taken for a file: whoever opens it says why that does not go."""
    try:
        return path.is_dir()
    except OSError:
        return False


def portraits_variant(url: str) -> int:
    """Which of the demo's cameras it is: the number of portraits:N, 0 without one. Raises ConfigError."""
    number = url.partition(":")[2]
    if number and not re.fullmatch(r"[0-9]{1,4}", number):
        raise ConfigError("portraits: may have a number from 0 to 9999, for cameras that differ: portraits:1")
    return int(number or 0)


def webcam_device(url: str) -> str:
    return f"/dev/video{int(url.partition(':')[2])}"


def _refuse_controls(text: str) -> None:
    """FFmpeg would read up to a zero byte, and a line break would make two lines of a message."""
    if _CONTROL.search(text):
        raise ConfigError("the URL or path holds a line break, a zero byte or another control character")


def _check_network(url: str) -> None:
    rest = url.partition("://")[2]
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    try:
        parts = urlsplit(url)
        right = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, a bracket that does not close
        right = False
    if not right:
        raise ConfigError(f"the URL has no host, or a port that is no number; {_ESCAPES}")
    if _BARE_PERCENT.search(authority.rpartition("@")[0]):
        raise ConfigError(f"a % of the user or password begins no escape; {_ESCAPES}")
    if _HOST_TOO_LATE.search(rest[len(authority) :]):
        raise ConfigError(f"the URL has an @ and a host behind its first / ? or #; {_ESCAPES}")
