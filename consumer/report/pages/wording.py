"""Times, durations, shares and names as people read them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

#: Steps between the marks of a time axis, in seconds.
_MARKS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
    172800,
    604800,
)
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Clock:
    """How times are shown: in a zone (None: the machine's), or as media time, counted from the start of a file."""

    zone: tzinfo | None = None
    is_media: bool = False

    def local(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC).astimezone(self.zone)

    def offset_s(self, seconds: float) -> float:
        """How far the clock is ahead of UTC then."""
        return 0.0 if self.is_media else (self.local(seconds).utcoffset() or timedelta()).total_seconds()

    def zone_name(self, seconds: float) -> str:
        """`CET (UTC+01:00)`."""
        at = self.local(seconds)
        name, ahead = at.tzname() or "", f"{at:%z}"
        offset = f"UTC{ahead[:3]}:{ahead[3:5]}" if self.offset_s(seconds) else "UTC"
        return offset if name in ("", offset) or name[0] in "+-" else f"{name} ({offset})"

    def moment(self, seconds: float) -> str:
        """`29 November 2026, 14:05:30`, without the zone; of media time `1:05.3`."""
        if self.is_media:
            return media_time(seconds)
        at = self.local(seconds)
        return f"{at.day} {at:%B %Y, %H:%M}" + (f"{at::%S}" if at.second else "")

    def exact(self, seconds: float) -> str:
        """`29 Nov, 14:05:30`; of media time `1:05.3`."""
        if self.is_media:
            return media_time(seconds)
        at = self.local(seconds)
        return f"{at.day} {at:%b, %H:%M:%S}"

    def span(self, start: float, end: float) -> str:
        """`On 29 November 2026 from 14:00 to 15:00, CET (UTC+01:00)`."""
        begin, until = self.moment(start), self.moment(end)
        day, _, hour = until.partition(", ")
        if begin.startswith(f"{day}, "):
            return f"On {day} from {begin.partition(', ')[2]} to {hour}, {self.zone_name(start)}"
        return f"From {begin} to {until}, {self.zone_name(start)}"

    def iso(self, seconds: float) -> str:
        """As tables have it: with the offset, or seconds of media time."""
        return f"{seconds:.3f}" if self.is_media else self.local(seconds).isoformat(timespec="seconds")

    def marks(self, start: float, end: float, most: int = 7) -> list[tuple[float, str]]:
        """Where a time axis has its marks, and what stands there."""
        step = next((step for step in _MARKS if (end - start) / step <= most), _MARKS[-1])
        offset = self.offset_s(start)
        at = -(-(start + offset) // step) * step - offset
        found = []
        while at <= end:
            found.append((at, self._mark(at, step)))
            at += step
        return found

    def _mark(self, seconds: float, step: float) -> str:
        if self.is_media:
            return media_time(seconds)
        at = self.local(seconds)
        if step >= _DAY_S:
            return f"{at.day} {at:%b}"
        return f"{at:%H:%M:%S}" if step < 60 else f"{at:%H:%M}"


def media_time(seconds: float) -> str:
    """`0:04.5`, `1:02:03`."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{rest:04.1f}" if rest % 1 else f"{rest:02.0f}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"


def duration(seconds: float) -> str:
    """`4.6 s`, `3 min 20 s`, `1 h 2 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def share(value: float) -> str:
    """`62 %`; what is not nothing is not 0 %, and what is not all not 100 %."""
    if 0 < value < 0.01:
        return "under 1 %"
    if 0.99 < value < 0.99999:
        return "over 99 %"
    return f"{value:.0%}".replace("%", " %")


def counted(number: int, what: str) -> str:
    """`1 camera`, `6 cameras`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def short(name: str, most: int = 28) -> str:
    """A name for a chart: cut off where it is long, and without what no chart can show."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
