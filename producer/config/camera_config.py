"""How one camera is read and written: its settings, their defaults and their ranges."""

from dataclasses import dataclass, field, fields
from difflib import get_close_matches

from ferstream.producer.config.camera_url import LIVE_SCHEMES, kind_of, redacted, scheme_of
from ferstream.producer.errors import ConfigError

MIB = 1024 * 1024
#: Live frames are stale after this; a file read as fast as possible has all the time that its workers need.
LIVE_FRESHNESS_S = 5.0
OFFLINE_FRESHNESS_S = 3600.0
MAX_NAME = 128

#: Least and most of every number.
RANGES: dict[str, tuple[float, float]] = {
    "fps": (0.01, 240),
    "max_side": (64, 16384),
    "jpeg_quality": (1, 100),
    "budget_bytes": (65536, 64 * 1024 * MIB),
    "freshness_s": (0.1, 7 * 86400),
    "stall_after_s": (0.5, 3600),
    "frozen_after_s": (1, 86400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be said of every camera at once, and of each one by itself. Raises ConfigError where a value is wrong.

    `realtime` false reads a file or a folder as fast as the workers keep up and loses none of its frames: the frame-rate cap does
    not apply, and a full byte budget makes the reader wait instead of dropping.
    """

    fps: float = 15.0
    max_side: int = 1280
    jpeg_quality: int = 85
    budget_bytes: int = 16 * MIB
    freshness_s: float | None = None
    loop: bool = False
    realtime: bool = True
    stall_after_s: float = 5.0
    frozen_after_s: float = 30.0

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each.name, getattr(self, each.name), type(each.default))

    @property
    def freshness_budget_s(self) -> float:
        """Seconds from capture to deadline."""
        if self.freshness_s is not None:
            return float(self.freshness_s)
        return LIVE_FRESHNESS_S if self.realtime else OFFLINE_FRESHNESS_S


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """One camera: its stable name, where it is, and its settings. The URL may hold a password and is never shown.

    Raises ConfigError where the name or the URL is none.
    """

    camera_id: str
    url: str = field(repr=False)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        if not self.camera_id or not self.camera_id.isprintable() or len(self.camera_id) > MAX_NAME:
            raise ConfigError(
                f"a camera's name must be printable and 1 to {MAX_NAME} characters long, not {self.camera_id!r:.80}"
            )
        kind_of(self.url)
        if not self.settings.realtime and scheme_of(self.url) in LIVE_SCHEMES:
            raise ConfigError("a live camera cannot be read as fast as possible: set realtime to true")

    @property
    def shown_url(self) -> str:
        return redacted(self.url)


SETTING_NAMES = tuple(each.name for each in fields(Settings))


def nearest(name: str, known: tuple[str, ...]) -> str:
    """` (did you mean ...?)`, or the list of what is known where nothing is near."""
    close = get_close_matches(name, known, 1)
    return f" (did you mean {close[0]}?)" if close else f" (known: {', '.join(known)})"


def _check(name: str, value: object, kind: type) -> None:
    if kind is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{name} must be true or false, not {value!r:.40}")
        return
    if value is None and name == "freshness_s":
        return
    least, most = RANGES[name]
    wanted = "a whole number" if kind is int else "a number"
    right = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not right or not least <= value <= most:  # type: ignore[operator]
        raise ConfigError(f"{name} must be {wanted} from {least:g} to {most:g}, not {value!r:.40}")
