"""The two protocols of FER+: the counts everyone publishes, and the cases where they part."""

import numpy as np
import pytest

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.classifier.ferplus_pack import FerPlus
from tests.support.training_packs import COLUMNS, real_pack


def of_votes(**votes: int) -> FerPlus:
    row = np.array([[votes.get(column, 0) for column in COLUMNS]], np.uint8)
    return FerPlus(np.zeros((1, 48, 48), np.uint8), row, COLUMNS)


def label(data: FerPlus, protocol: str) -> str | None:
    _, labels = data.labelled(protocol)  # type: ignore[arg-type]
    return EMOTIONS[labels[0]] if len(labels) else None


@pytest.mark.parametrize(
    ("votes", "majority", "argmax8"),
    [
        ({"happiness": 10}, "happiness", "happiness"),
        ({"fear": 6, "surprise": 4}, "fear", "fear"),
        ({"contempt": 9, "neutral": 1}, "contempt", "contempt"),
        ({"fear": 5, "surprise": 5}, None, "surprise"),  # half is no majority; of a tie the pack's first column wins
        ({"neutral": 4, "sadness": 2, "anger": 2, "fear": 2}, None, "neutral"),
        ({"neutral": 4, "sadness": 1, "anger": 1, "fear": 1, "disgust": 1, "happiness": 1}, "neutral", "neutral"),  # single votes
        ({"unknown": 6, "anger": 4}, None, "anger"),
        ({"not_face": 10}, None, None),
        ({"unknown": 4, "anger": 4, "sadness": 2}, None, "anger"),
        ({}, None, None),
    ],
)
def test_protocols(votes: dict[str, int], majority: str | None, argmax8: str | None) -> None:
    data = of_votes(**votes)
    assert label(data, "majority") == majority
    assert label(data, "argmax8") == argmax8


def test_distribution_is_in_the_order_of_the_emotions() -> None:
    places, targets = of_votes(anger=3, surprise=1, unknown=6).distribution()
    assert list(places) == [0]
    assert targets[0][EMOTIONS.index("anger")] == pytest.approx(0.75)
    assert targets[0][EMOTIONS.index("surprise")] == pytest.approx(0.25)


@pytest.mark.parametrize(("split", "majority", "argmax8"), [("train", 25060, 28559), ("val", 3199, 3579)])
def test_published_counts(split: str, majority: int, argmax8: int) -> None:
    data = FerPlus.open(real_pack("ferplus_trainval.npz"), split, pictures=False)
    assert len(data.labelled("majority")[0]) == majority
    assert len(data.labelled("argmax8")[0]) == argmax8
    _, labels = data.labelled("majority")
    assert set(labels) == set(range(8)), "fear and contempt have their winners too"
