"""What the page asks for: a camera with its settings. And what it may ask for, which is less than a file may hold."""

import re
from typing import Any, TypeAlias

import msgspec

from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import redact
from ferstream.streams.service.named_file import as_text

#: No file of this machine and no `@FILE`: whoever may look at the page as its admin need not be one who may read files here.
_ADDRESS = re.compile(r"(?i)(rtsps?|https?)://.+|webcam:\d+|portraits:\d*")
_HIDDEN = "***"
LONGEST_URL = 4096
#: Digits of a corner: an eighth of a pixel of 1280, and never an exponent, which YAML 1.1 takes for text.
_DIGITS = 4


_Plain: TypeAlias = bool | int | float | str | None
#: A setting, at its deepest polygons of points of two numbers: what is nested deeper takes YAML minutes to read.
Setting: TypeAlias = _Plain | list[_Plain | list[_Plain | list[_Plain]]]


class WishError(FerstreamError):
    """Not to be had from the page."""


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a camera is to be. Without `url`, or with it as it was shown, the address stays; `settings` are all it has of its own.

    With `new` there must be no camera of this name yet. `version` is that of the list it was changed from; where the file is
    another one by now, it is refused.
    """

    url: str | None = None
    settings: dict[str, Setting] = {}
    new: bool = False
    version: str | None = None


class Trial(Wish, frozen=True, kw_only=True):
    """A wish that is only tried."""

    name: str


class CameraEntry(msgspec.Struct, frozen=True):
    """A camera of the file; no password is in `url`. `settings` are those that it has of its own."""

    name: str
    url: str
    settings: dict[str, Any]


def described(name: str, entry: object) -> CameraEntry:
    """What the page is shown of a camera."""
    settings = (
        {str(key): value for key, value in entry.items() if key not in ("url", "url_file")} if isinstance(entry, dict) else {}
    )
    return CameraEntry(name, _shown(_address(entry)), settings)


def entry_of(name: str, wish: Wish, stored: object) -> dict[str, object]:
    """What is to stand in the file, where `stored` does or nothing (None). Raises WishError."""
    if stored is None and "/" in name:
        raise WishError("the name of a new camera must not hold a /")
    if "url" in wish.settings or "url_file" in wish.settings:
        raise WishError("the url is no setting: it has a place of its own")
    settings = {key: _rounded(value) for key, value in wish.settings.items() if value is not None}
    return {**_where(wish.url, stored), **settings}


def _where(url: str | None, stored: object) -> dict[str, object]:
    known = _address(stored)
    given = (url or "").strip()
    if stored is not None and given in ("", _shown(known)):
        return {key: stored[key] for key in ("url", "url_file") if key in stored} if isinstance(stored, dict) else {"url": stored}
    if not given:
        raise WishError("the url is missing: a new camera needs one")
    if _HIDDEN in given:
        raise WishError("the url holds *** in the place of what is not shown: write it whole, or leave it as it was")
    if not _ADDRESS.fullmatch(given) or len(given) > LONGEST_URL:
        raise WishError(
            "the url must begin with rtsp://, rtsps://, http:// or https://, or be webcam:0 or portraits:; "
            "a file of the server, or @FILE, can only be written into the cameras file by hand"
        )
    return {"url": given}


def _address(entry: object) -> str:
    """Of a camera in the file; a file that holds it with an @ before its name."""
    if not isinstance(entry, dict):
        return entry if isinstance(entry, str) else ""
    url, file = entry.get("url"), entry.get("url_file")
    if isinstance(file, str):
        return f"@{file}"
    return url if isinstance(url, str) else ""


def _shown(address: str) -> str:
    return as_text(address if address.startswith("@") else redact(address))


def _rounded(value: Any) -> Any:  # noqa: ANN401 - of a setting
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
