"""What is named, and what is left unknown: too little to see, or no emotion likely enough."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from ferstream.streams.wire.emotions import EMOTIONS, UNKNOWN
from ferstream.workers.faces.crop import face_quality, frontality
from ferstream.workers.models.card import PACKAGED, ModelCard
from ferstream.workers.models.classifier import name_of
from tests.support.fleet import WorkerProcess, add, frame, portrait_jpeg, results, server_now, wait_until

CARD = replace(ModelCard.read(PACKAGED["classifier"]), least_probability=0.5, least_quality=0.1)
NOBODY = np.full((5, 2), np.nan, np.float32)


def looking(turn: float) -> np.ndarray:
    """Landmarks of a head turned to the side by `turn` degrees: the nose, half as far out as the eyes are apart, moves across."""
    nose = 50 + 20 * np.tan(np.radians(turn))
    return np.array([[30, 40], [70, 40], [nose, 60], [35, 80], [65, 80]], np.float32)


@pytest.mark.parametrize(
    ("best", "quality", "expected"),
    [(0.9, 0.5, "fear"), (0.5, 0.1, "fear"), (0.49, 0.5, UNKNOWN), (0.9, 0.09, UNKNOWN)],
)
def test_a_name_needs_probability_and_quality(best, quality, expected):
    probabilities = np.full(8, (1 - best) / 7, np.float32)
    probabilities[EMOTIONS.index("fear")] = best
    assert name_of(probabilities, quality, CARD) == expected


@pytest.mark.parametrize("turn", [0, 15, -30, 45, 60, -75])
def test_frontality_is_the_cosine_of_the_turn(turn):
    assert frontality(looking(turn)) == pytest.approx(np.cos(np.radians(turn)), abs=1e-3)


def test_a_tilted_head_still_faces_the_camera():
    angle = np.radians(30)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert frontality((looking(0) @ rotation.T).astype(np.float32)) == pytest.approx(1, abs=1e-3)


def test_landmarks_that_nobody_knows_or_that_coincide_cost_nothing():
    assert frontality(NOBODY) == 1
    assert frontality(np.zeros((5, 2), np.float32)) == 1


def test_each_part_of_quality_lowers_it():
    crop = data.astronaut()[60:170, 165:275]
    crop = np.ascontiguousarray(crop[:96:2, :96:2])
    best = face_quality(crop, 100, 1.0, looking(0))
    assert 0.5 < best <= 1
    assert face_quality(crop, 24, 1.0, looking(0)) == pytest.approx(best / 2)
    assert face_quality(crop, 100, 0.5, looking(0)) == pytest.approx(best / 2)
    assert face_quality(crop, 100, 1.0, looking(60)) == pytest.approx(best / 2, rel=1e-3)
    assert face_quality(np.full_like(crop, 128), 100, 1.0, looking(0)) == 0


def test_a_worker_says_unknown_and_still_tells_what_it_saw(redis_url, client, tmp_path):
    model = shutil.copytree(PACKAGED["classifier"], tmp_path / "strict")
    card = model / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"least_probability": 1.01}))
    with WorkerProcess(redis_url, f"--classifier={model}", log=tmp_path / "log").wait_until_ready() as worker:
        add(client, frame(1, portrait_jpeg(), server_now(client)))
        (result,) = wait_until(lambda: results(client))
        assert worker.stop() == 0
    (face,) = result.faces
    assert face.emotion == UNKNOWN
    assert EMOTIONS[int(np.argmax(face.probabilities))] == "happiness"
    assert face.confidence is None
    assert worker.totals["emotions"] == {UNKNOWN: 1}
