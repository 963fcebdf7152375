"""The FER+ pack: grey faces of 48x48 px with the votes of ten annotators (Barsoum et al. 2016, https://arxiv.org/abs/1608.01041)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.packs import Pack, PackError

Protocol = Literal["majority", "argmax8"]
PROTOCOLS: tuple[Protocol, ...] = ("majority", "argmax8")


@dataclass(frozen=True, slots=True)
class FerPlus:
    """Faces (N, 48, 48) uint8 and votes (N, 10), columns as in `columns`."""

    faces: NDArray[np.uint8]
    votes: NDArray[np.uint8]
    columns: tuple[str, ...]

    @classmethod
    def open(cls, path: Path, split: str, *, pictures: bool = True) -> "FerPlus":
        """The faces of a split (`all` takes every one); without `pictures` only their votes. Raises PackError."""
        pack = Pack(path, ("votes", "vote_columns"))
        columns = tuple(pack.arrays["vote_columns"].astype("U"))
        if missing := set(EMOTIONS) - set(columns):
            raise PackError(f"{path}: no votes for {', '.join(sorted(missing))}")
        places = pack.indices(split)
        faces = [pack.picture(int(i), cv2.IMREAD_GRAYSCALE) for i in places] if pictures else []
        return cls(np.array(faces, np.uint8), np.asarray(pack.arrays["votes"][places], np.uint8), columns)

    def emotion_votes(self) -> NDArray[np.float32]:
        """Votes (N, 8) for the emotions, in the order of EMOTIONS."""
        return self.votes[:, [self.columns.index(emotion) for emotion in EMOTIONS]].astype(np.float32)

    def distribution(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Places of the faces with a vote for an emotion, and those votes as a distribution (n, 8)."""
        votes = self.emotion_votes()
        places = np.flatnonzero(votes.sum(axis=1) > 0)
        return places, votes[places] / votes[places].sum(axis=1, keepdims=True)

    def labelled(self, protocol: Protocol) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of the faces that the protocol keeps, and their emotions as indices of EMOTIONS.

        `majority`: single votes become none; the winner holds more than half of what remains and is an emotion.
        `argmax8`: the emotion with most votes, ties to the first column of the pack.
        """
        if protocol == "majority":
            votes = np.where(self.votes == 1, 0, self.votes).astype(int)
            winner = votes.argmax(axis=1)
            kept = votes.max(axis=1) * 2 > votes.sum(axis=1)
        else:
            votes = self.votes.astype(int) * np.isin(self.columns, EMOTIONS)
            winner = votes.argmax(axis=1)
            kept = votes.max(axis=1) > 0
        index = np.array([EMOTIONS.index(c) if c in EMOTIONS else -1 for c in self.columns])
        labels = index[winner]
        places = np.flatnonzero(kept & (labels >= 0))
        return places, labels[places]
