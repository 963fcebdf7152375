"""What is seen when: rows against hours, or against shorter steps where the time is short."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ferstream.consumer.report.colours import LOOKS
from ferstream.consumer.report.numbers.figures import Figures
from ferstream.consumer.report.numbers.period import NICE_STEPS, Period
from ferstream.consumer.report.pages.wording import Clock

#: Columns at most; a time with more hours is folded into the hours of a day.
_COLUMNS = 25
_HOUR_S, _DAY_H = 3600, 24


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`cells` by row and column, None without results; `axis` says what columns are, `shown` writes a value."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[float | None, ...], ...]
    axis: str
    shown: Callable[[float], str]


@dataclass(frozen=True, slots=True)
class _Columns:
    names: tuple[str, ...]
    axis: str
    of_step: tuple[int, ...]  # the column of each step of the timeline


def people_by_hour(cameras: Sequence[Figures], period: Period, clock: Clock) -> HeatMap:
    """For each camera, people on average."""
    columns = _columns(period, clock)
    cells = []
    for figures in cameras:
        assert figures.timeline is not None
        covered = _sums(columns, figures.timeline.covered)
        people = [0.0] * len(columns.names)
        for values in figures.timeline.emotions.values():
            people = [before + more for before, more in zip(people, _sums(columns, values), strict=True)]
        cells.append(tuple(number / seconds if seconds else None for number, seconds in zip(people, covered, strict=True)))
    return HeatMap(tuple(figures.name for figures in cameras), columns.names, tuple(cells), columns.axis, _people)


def emotions_by_hour(figures: Figures, period: Period, clock: Clock) -> HeatMap:
    """For each emotion that was seen, its share of the time of all faces then."""
    assert figures.timeline is not None
    columns = _columns(period, clock)
    names = [name for name in LOOKS if figures.emotion_seconds[name]]
    sums = [_sums(columns, figures.timeline.emotions[name]) for name in names]
    totals = [sum(column) for column in zip(*sums, strict=True)]
    cells = tuple(tuple(value / total if total else None for value, total in zip(row, totals, strict=True)) for row in sums)
    return HeatMap(tuple(names), columns.names, cells, columns.axis, _percent)


def _columns(period: Period, clock: Clock) -> _Columns:
    hours = period.seconds / _HOUR_S
    if not clock.is_media and hours > _COLUMNS:
        names = tuple(f"{hour:02}" for hour in range(_DAY_H))
        places = tuple(clock.local(period.begin(step)).hour for step in range(period.steps))
        return _Columns(names, f"hour of the day, {clock.zone_name(period.start)}", places)
    fitting = (step for step in NICE_STEPS if step >= period.step_s and period.seconds / step < _COLUMNS)
    step_s = next(fitting, _HOUR_S)
    offset = clock.offset_s(period.start)
    numbers = [int((period.begin(step) + offset + period.step_s / 2) // step_s) for step in range(period.steps)]
    begins = range(numbers[0], numbers[-1] + 1)
    marks = tuple(_time(clock, number * step_s - offset) for number in begins)
    axis = "from this time in the file on" if clock.is_media else f"from this time on, {clock.zone_name(period.start)}"
    return _Columns(marks, axis, tuple(number - begins[0] for number in numbers))


def _time(clock: Clock, seconds: float) -> str:
    if clock.is_media:
        return clock.moment(seconds)
    at = clock.local(seconds)
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def _sums(columns: _Columns, values: Sequence[float]) -> list[float]:
    sums = [0.0] * len(columns.names)
    for column, value in zip(columns.of_step, values, strict=True):
        sums[column] += value
    return sums


def _people(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _percent(value: float) -> str:
    """Nothing is 0, and a little is not nothing."""
    if not value:
        return "0"
    return "<1" if value < 0.01 else f"{100 * value:.0f}"
