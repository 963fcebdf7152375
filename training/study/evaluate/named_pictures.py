"""Pictures that a user names on the command line: faces of the dataset, or files."""

import difflib
import heapq
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import as_text
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.sources.pictures import open_picture
from ferstream.training.study.evaluate.faces import Faces, Picture, cut
from ferstream.training.study.evaluate.inference import finite
from ferstream.workers.models.classifier import Classifier, softmax

Float = NDArray[np.float32]

NO_LABEL = "no label"
#: Names that are compared letter by letter with an unknown one: of hundreds of thousands that would take a while.
COMPARED = 1000


class NamedPictureError(FerstreamError):
    """A name is neither that of a face nor that of a file."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedPicture:
    """A picture, and what a classifier answers to it."""

    name: str
    source: str  # "" of a file of one's own
    label: int | None  # None of a file of one's own
    crop: Picture  # (side, side, 3), as a worker cuts it
    logits: Float  # (8,)

    def probabilities(self, temperature: float) -> Float:
        """Probabilities (8,) after a temperature."""
        return np.asarray(softmax(self.logits[None] / np.float32(temperature))[0], np.float32)

    def figures(self, temperature: float) -> dict[str, Any]:
        """Name, label and answer as a map for JSON."""
        probabilities = self.probabilities(temperature)
        answer = int(probabilities.argmax())
        label = None if self.label is None else EMOTIONS[self.label]
        return {
            "origin": self.name,
            "source": self.source or None,
            "label": label,
            "answer": EMOTIONS[answer],
            "probability": float(probabilities[answer]),
        }


def choose(faces: Faces, names: Sequence[str], classifier: Classifier) -> tuple[NamedPicture, ...]:
    """The pictures of these names, each once: origins of faces, one of each source, or else paths of files.

    A file is cut and answered as if all of it were one face. Raises NamedPictureError, which says the nearest names;
    PictureError and PictureStoreError of what cannot be read.
    """
    places: dict[str, dict[str, int]] = {}
    for place, (origin, source) in enumerate(zip(faces.origins, faces.sources, strict=True)):
        places.setdefault(origin, {}).setdefault(source, place)  # an original comes before its augmented copies
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in places and not _is_file(name)]
    if unknown:
        raise NamedPictureError("; ".join(_unknown(name, faces, list(places)) for name in unknown))
    side, found = classifier.card.input_size, []
    for name in wanted:
        for source, place in places.get(name, {}).items():
            found.append(_chosen(name, source, int(faces.labels[place]), faces.crop(place, side), classifier))
        if name not in places:
            crop = cut(open_picture(Path(name)).pixels, side)
            found.append(_chosen(as_text(name), "", None, crop, classifier))
    return tuple(found)


def answer_text(label: int | None, probabilities: Float) -> str:
    """Label, answer and its probability, in two lines."""
    answer = int(probabilities.argmax())
    return f"{NO_LABEL if label is None else EMOTIONS[label]} →\n{EMOTIONS[answer]}, {probabilities[answer]:.1%}"


def _chosen(name: str, source: str, label: int | None, crop: Picture, classifier: Classifier) -> NamedPicture:
    return NamedPicture(name, source, label, crop, finite(classifier.logits(crop[None]))[0])


def _is_file(name: str) -> bool:
    return os.path.isfile(name)  # noqa: PTH113 - pathlib raises where a name is too long for a file


def _shared(one: str, other: str) -> int:
    """Letters that two names have in common at their beginnings and at their ends."""
    pairs = ([one, other], [one[::-1], other[::-1]])
    return sum(len(os.path.commonprefix(pair)) for pair in pairs)  # noqa: RUF071 - letters are meant


def _unknown(name: str, faces: Faces, origins: list[str]) -> str:
    best = heapq.nlargest(COMPARED, origins, key=lambda origin: _shared(name, origin))
    near = difflib.get_close_matches(name, best, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}?" if near else f"names are as in the column origin, such as {origins[0]}"
    return f"no face of {faces.dataset}, {faces.split}, and no file is named {as_text(name)!r}: {hint}"
