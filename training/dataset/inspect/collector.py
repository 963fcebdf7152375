"""Collects what processes measure of the pictures of several sources: numbers, hashes and a few examples."""

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.inspect.inputs import InspectedPath, InspectedSample
from ferstream.training.dataset.inspect.observation import Observation, ObservationRequest
from ferstream.training.dataset.inspect.picture_statistics import ALL_SPLITS, PictureStatistics
from ferstream.training.sources.pictures import PictureError
from ferstream.training.sources.sample import Account

CHUNK = 64  # pictures that a process takes at a time
EXAMPLES = 10  # pictures of a class on a sheet


@dataclass(slots=True)
class Rows:
    """One row a picture, as columns: the path and the place in it where it can be read again, its labels, and its hashes."""

    part: "array[int]" = field(default_factory=lambda: array("q"))
    position: "array[int]" = field(default_factory=lambda: array("q"))
    source: "array[int]" = field(default_factory=lambda: array("q"))
    split: "array[int]" = field(default_factory=lambda: array("q"))
    emotion: "array[int]" = field(default_factory=lambda: array("q"))
    origin: list[str] = field(default_factory=list)
    digests: bytearray = field(default_factory=bytearray)
    hashes: bytearray = field(default_factory=bytearray)

    def labels(self, name: str) -> NDArray[np.int64]:
        """One of the columns of numbers (n,)."""
        return np.array(getattr(self, name), np.int64)

    def bytes_of(self, name: str) -> NDArray[np.uint8]:
        """Digests or hashes (n, bytes)."""
        column = np.frombuffer(getattr(self, name), np.uint8)
        return column.reshape(len(self.origin), -1) if self.origin else column.reshape(0, 2)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A picture that was handed to a process and has not come back yet."""

    entry: InspectedSample
    part: int
    position: int
    source: int
    slot: int | None  # its place among the examples of its source and emotion


class Collector:
    """What is known so far of all parts: statistics and examples by source, and the rows that duplicates are found in."""

    def __init__(self, parts: Sequence[InspectedPath], strict: bool, random: Generator) -> None:
        self.accounts = [Account(strict) for _ in parts]
        self.names: list[str] = []
        self.parts_of: list[int] = []
        self.statistics: list[PictureStatistics] = []
        self.rows = Rows()
        self._parts, self._random = parts, random
        self._sources: dict[tuple[int, str], int] = {}
        self._waiting: deque[_Waiting] = deque()
        self._offered: list[list[int]] = []  # by source and emotion: pictures so far
        self._examples: list[list[list[NDArray[np.uint8] | None]]] = []

    def chunks(self) -> Iterator[list[ObservationRequest]]:
        """Requests for every sample of every part, up to CHUNK at a time, in order."""
        chunk: list[ObservationRequest] = []
        for number, part in enumerate(self._parts):
            for position, entry in enumerate(part.read(self.accounts[number])):
                source = self._source(number, entry.sample.source)
                waiting = _Waiting(entry, number, position, source, self._slot(source, entry.sample.emotion))
                self._waiting.append(waiting)
                chunk.append(ObservationRequest(entry.sample, waiting.slot is not None))
                if len(chunk) == CHUNK:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk

    def take(self, seen: Observation | PictureError) -> None:
        """Add what was measured of the next picture; results come in the order of `chunks`."""
        waiting = self._waiting.popleft()
        sample = waiting.entry.sample
        if isinstance(seen, PictureError):
            self.accounts[waiting.part].complain(seen.reason, seen.where)
            return
        self.statistics[waiting.source].add(sample, seen, waiting.entry.copy)
        emotion = EMOTIONS.index(sample.emotion)
        if waiting.slot is not None:
            self._examples[waiting.source][emotion][waiting.slot] = seen.thumbnail
        if waiting.entry.copy:
            return
        rows = self.rows
        rows.part.append(waiting.part)
        rows.position.append(waiting.position)
        rows.source.append(waiting.source)
        rows.split.append(ALL_SPLITS.index(sample.split))
        rows.emotion.append(emotion)
        rows.origin.append(sample.origin)
        rows.digests += seen.digest
        rows.hashes += seen.hash

    def examples(self) -> list[list[list[NDArray[np.uint8]]]]:
        """The pictures that were drawn, by source and emotion."""
        return [[[each for each in drawn if each is not None] for drawn in source] for source in self._examples]

    def _source(self, part: int, name: str) -> int:
        """The number of a part's source; where two parts hold a source of one name, the later is called `NAME 2`."""
        key = (part, name)
        if key not in self._sources:
            same = sum(other == name for _, other in self._sources)
            self._sources[key] = len(self.names)
            self.names.append(f"{name} {same + 1}" if same else name)
            self.parts_of.append(part)
            self.statistics.append(PictureStatistics())
            self._offered.append([0] * len(EMOTIONS))
            self._examples.append([[None] * EXAMPLES for _ in EMOTIONS])
        return self._sources[key]

    def _slot(self, source: int, emotion: str) -> int | None:
        """Where a picture stands among the examples, or None: each has the same chance (Vitter 1985, algorithm R)."""
        place = EMOTIONS.index(emotion)
        offered = self._offered[source][place]
        self._offered[source][place] += 1
        slot = offered if offered < EXAMPLES else int(self._random.integers(offered + 1))
        return slot if slot < EXAMPLES else None
