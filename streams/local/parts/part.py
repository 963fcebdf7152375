"""A part of what runs on this machine: a program, and what it is told."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferstream.streams.service.environment import SHARED


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How a program is started, again and again if need be.

    `metrics_port` is where /metrics and /readyz of it answer; None where it has none. With `sums` its last line of standard
    output is an object of numbers. Where one that `ends_all` ends by itself, the others have no more to do.
    """

    name: str
    program: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)  # they hold the URL of Redis
    metrics_port: int | None = None
    sums: bool = False
    ends_all: bool = False


@dataclass(frozen=True, slots=True)
class PlannedParts:
    """In the order of a frame's way. `faces` prints, and is started when there is something to print."""

    producer: Part
    workers: list[Part]
    trackers: list[Part]
    sinks: list[Part]
    faces: list[Part]
    pages: list[Part]


def variables_with(program: str, **given: str) -> dict[str, str]:
    """Our environment for a program, with the values of `given` for the options of these names, FER_REDIS among them.

    Passwords go this way: arguments are for every user of the machine to read, an environment is for its owner.
    """
    shared = SHARED.values() if "FER_REDIS" in given else ()
    settled = {*shared, *(name.replace("FER_", f"FER_{program.upper()}_") for name in shared)}
    return {name: value for name, value in os.environ.items() if name not in settled} | given
