"""How one camera is read and written: its settings, their defaults and their ranges."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from ferstream.producer.config.camera_url import LIVE_SCHEMES, kind_of, quoted, redacted, scheme_of
from ferstream.producer.config.polygon import Polygon, Polygons, mistake_in_mask, mistake_in_polygon
from ferstream.producer.errors import ConfigError

MIB = 1024 * 1024
#: Live frames are stale after this; a file read as fast as possible has all the time that its workers need.
LIVE_FRESHNESS_S = 5.0
OFFLINE_FRESHNESS_S = 3600.0
MAX_NAME = 128


class CameraSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of every camera at once, and of each one by itself. `settings_from` checks the ranges.

    `realtime` false reads a file or a folder as fast as the workers keep up and loses none of its frames: the frame-rate cap does
    not apply, and a full byte budget makes the reader wait instead of dropping. Only then `every` takes each frame of that
    number alone, from `from_s` to before `to_s` (media time), and `frame_numbers` makes the frame's number in its file, from 0,
    its sequence: of two runs on one Redis, the second repeats the names of the first.
    What lies in a polygon of `mask`, or outside of `region`, is blackened before a picture is written.
    """

    fps: Annotated[float, Meta(ge=0.01, le=240)] = 15.0
    max_side: Annotated[int, Meta(ge=64, le=16384)] = 1280
    jpeg_quality: Annotated[int, Meta(ge=1, le=100)] = 85
    budget_bytes: Annotated[int, Meta(ge=65536, le=64 * 1024 * MIB)] = 16 * MIB
    freshness_s: Annotated[float, Meta(ge=0.1, le=7 * 86400)] | None = None
    loop: bool = False
    realtime: bool = True
    stall_after_s: Annotated[float, Meta(ge=0.5, le=3600)] = 5.0
    frozen_after_s: Annotated[float, Meta(ge=1, le=86400)] = 30.0
    every: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    from_s: Annotated[float, Meta(ge=0, le=10_000_000)] = 0.0
    to_s: Annotated[float, Meta(ge=0, le=10_000_000)] | None = None
    frame_numbers: bool = False
    mask: Polygons = ()
    region: Polygon | None = None

    @property
    def freshness_budget_s(self) -> float:
        """Seconds from capture to deadline."""
        if self.freshness_s is not None:
            return self.freshness_s
        return LIVE_FRESHNESS_S if self.realtime else OFFLINE_FRESHNESS_S

    @property
    def picks(self) -> bool:
        """Whether only some frames are wanted, or by their numbers."""
        return self.every > 1 or self.from_s > 0 or self.to_s is not None or self.frame_numbers


SETTING_NAMES: tuple[str, ...] = CameraSettings.__struct_fields__
#: Which only cameras.yaml can hold: they are drawn on one camera's picture.
_SHAPES = {"mask": mistake_in_mask, "region": mistake_in_polygon}
#: What can be said of all cameras at once, on the command line.
COMMON_NAMES = tuple(name for name in SETTING_NAMES if name not in _SHAPES)
_NUMBERS = {
    name: kind
    for name, hint in get_type_hints(CameraSettings, include_extras=True).items()
    if name in COMMON_NAMES
    for kind in (hint, *get_args(hint))  # freshness_s is a number or None
    if get_origin(kind) is Annotated
}
#: Least and most of every number.
RANGES = {name: (kind.__metadata__[0].ge, kind.__metadata__[0].le) for name, kind in _NUMBERS.items()}


def settings_from(values: Mapping[str, object], defaults: CameraSettings) -> CameraSettings:
    """`defaults` with `values`, which are by the names of settings. Raises ConfigError where one is of a wrong type or range."""
    try:
        return msgspec.convert(msgspec.structs.asdict(defaults) | dict(values), CameraSettings)
    except msgspec.ValidationError as error:
        name = re.split(r"\W", str(error).rpartition("$.")[2], maxsplit=1)[0]
        if name in _SHAPES:
            raise ConfigError(f"{name} {_SHAPES[name](values[name], quoted)}") from error
        raise ConfigError(f"{name} must be {_wanted(name)}, not {quoted(values[name])}") from error


def _wanted(name: str) -> str:
    if name not in RANGES:
        return "true or false"
    least, most = RANGES[name]
    number = "a whole number" if get_args(_NUMBERS[name])[0] is int else "a number"
    return f"{number} from {least:g} to {most:g}"


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """One camera: its stable name, where it is, and its settings. The URL may hold a password and is never shown.

    Raises ConfigError where the name or the URL is none.
    """

    camera_id: str
    url: str = field(repr=False)
    settings: CameraSettings = field(default_factory=CameraSettings)

    def __post_init__(self) -> None:
        if not self.camera_id or not self.camera_id.isprintable() or len(self.camera_id) > MAX_NAME:
            told = quoted(self.camera_id)
            raise ConfigError(f"a camera's name must be printable and 1 to {MAX_NAME} characters long, not {told}")
        kind_of(self.url)
        if not self.settings.realtime and scheme_of(self.url) in LIVE_SCHEMES:
            raise ConfigError("a live camera cannot be read as fast as possible: set realtime to true")
        if self.settings.realtime and self.settings.picks:
            raise ConfigError(
                "every, from_s, to_s and frame_numbers are for files that are read as fast as possible: set realtime to false"
            )

    @property
    def shown_url(self) -> str:
        return redacted(self.url)


def nearest(name: str, known: tuple[str, ...]) -> str:
    """` (did you mean ...?)`, or the list of what is known where nothing is near."""
    close = get_close_matches(name, known, 1)
    return f" (did you mean {close[0]}?)" if close else f" (known: {', '.join(known)})"
