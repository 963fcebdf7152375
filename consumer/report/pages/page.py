"""The page of a report, from its figures and charts: one file that opens from a disk and loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ferstream.consumer.report.colours import LOOKS
from ferstream.consumer.report.numbers.figures import Figures
from ferstream.consumer.report.numbers.track_lengths import CLASSES
from ferstream.consumer.report.pages.wording import Clock, counted, duration, share
from ferstream.streams.wire.emotions import UNKNOWN

#: Gaps of a camera that the page lists; the table beside it has more.
_GAPS = 12


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in the page: SVG of ours, and what it shows in words."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """One camera, or all together, with its charts."""

    figures: Figures
    charts: tuple[Chart, ...]
    clock: Clock
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page says. `noun` is what was watched: `camera` or `file`; `when` the time in words."""

    title: str
    when: str
    noun: str
    together: Section
    cameras: tuple[Section, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...]
    written: str

    def html(self) -> str:
        """The page. Whatever stands in names of cameras is text in it."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("ferstream.consumer.report.pages", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        shown = (self.together, *self.cameras) if len(self.cameras) > 1 else self.cameras
        environment.filters |= {"duration": duration, "share": share}
        return environment.get_template("report.html").render(
            page=self,
            lead=lead(self.together.figures, len(self.cameras), self.noun, self.when),
            surety=surety(self.together.figures),
            unsure=UNKNOWN,
            sections=[_section(section, self.noun) for section in shown],
            colours={name: colour for name, (colour, _) in LOOKS.items()},
        )


def lead(figures: Figures, watched: int, noun: str, when: str) -> str:
    """What was seen, and over what time, in sentences."""
    said = f"{when}, {counted(watched, noun)} showed "
    if not figures.faces and not figures.people_seconds:
        return f"{said}no face. There are results for {share(figures.coverage)} of the time."
    said += "nobody but one person at a time" if figures.people_max == 1 else f"up to {figures.people_max:,} people at once"
    if figures.tracks is not None:
        said += f", in {counted(figures.tracks.count, 'track')}"
    first, *rest = _leading(figures.shares)
    most = f"{share(first[1])} was named {first[0]}" + "".join(f" and {share(value)} {name}" for name, value in rest)
    return f"{said}. Of the time of all faces, {most}."


def surety(figures: Figures) -> str:
    """How sure all of it is."""
    return (
        f"There are results for {share(figures.coverage)} of the time, and {share(figures.unknown_share)} of the time of all "
        "faces could not be named: too little to see, or no expression likely enough."
    )


def _leading(shares: dict[str, float]) -> Sequence[tuple[str, float]]:
    """The two largest that have a name, or `unknown` where nothing has."""
    named = sorted(((name, value) for name, value in shares.items() if value and name != UNKNOWN), key=lambda item: -item[1])
    return named[:2] or [(UNKNOWN, shares[UNKNOWN])]


def _section(section: Section, noun: str) -> dict[str, Any]:
    figures, clock = section.figures, section.clock
    seconds, shares = figures.emotion_seconds, figures.shares
    most = max(shares.values()) or 1.0
    longest = sorted(figures.gaps.listed, reverse=True)[:_GAPS]
    return {
        "name": figures.name,
        "anchor": section.anchor,
        "figures": figures,
        "charts": section.charts,
        "emotions": [(name, seconds[name], shares[name], shares[name] / most) for name in LOOKS if seconds[name]],
        "cards": _cards(figures, f"in one {noun} " if section.anchor == "all" else ""),
        "tracks": _tracks(figures),
        "gaps": [
            (clock.exact(gap.start), clock.exact(gap.end), gap.seconds) for gap in sorted(longest, key=lambda gap: gap.start)
        ],
        "more_gaps": figures.gaps.count - len(longest),
    }


def _cards(figures: Figures, here: str) -> list[tuple[str, str, str]]:
    """Numbers that stand first: a name, the value, and what it means."""
    tracks = figures.tracks
    return [
        ("People at once", f"{figures.people_max:,}", f"{here}at most; {figures.people_mean:.2f} on average"),
        (
            "Tracks",
            "not known" if tracks is None else f"{tracks.count:,}",
            "these records follow nobody" if tracks is None else f"{duration(tracks.mean_s)} on average",
        ),
        ("Coverage", share(figures.coverage), f"results for {duration(figures.covered_s)} of {duration(figures.observed_s)}"),
        ("Unknown", share(figures.unknown_share), f"of {duration(figures.people_seconds)} of faces"),
        (
            "Gaps",
            f"{figures.gaps.count:,}",
            f"{duration(figures.gaps.seconds)} without results" if figures.gaps.count else "none",
        ),
    ]


def _tracks(figures: Figures) -> list[tuple[str, int, float]]:
    """Classes of lengths, tracks in each, and the share of the fullest one."""
    tracks = figures.tracks
    if tracks is None or not tracks.count:
        return []
    most = max(tracks.classes)
    return [(name, number, number / most) for name, number in zip(CLASSES, tracks.classes, strict=True)]
