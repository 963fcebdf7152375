"""Faces made smaller, darker and turned, and faces as a worker meets them."""

import numpy as np
import pytest
from skimage import data

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.classifier.as_served import framed, in_service
from ferstream.training.classifier.conditions import BRIGHTNESS, DEGREES, SIDES, answered, by_condition, lit, resized, turned
from ferstream.training.classifier.evaluate import named
from ferstream.workers.models.registry import open_classifier, open_detector

FACE = np.ascontiguousarray(data.astronaut()[60:172:2, 165:277:2].mean(axis=2).astype(np.uint8))[:48, :48]


@pytest.fixture(scope="module")
def classifier():
    return open_classifier(None, "cpu", "openvino")


@pytest.mark.parametrize("side", SIDES)
def test_a_face_gets_the_size_of_its_box(side):
    assert resized(side)(FACE).shape == (side, side)


def test_light_is_cut_off_at_white_and_dark_has_noise():
    assert lit(1.0)(FACE).tolist() == FACE.tolist()
    assert lit(10.0)(np.full_like(FACE, 200)).min() == 255
    dark = lit(0.15)(np.full_like(FACE, 200))
    assert dark.mean() == pytest.approx(30, abs=1)
    assert dark.std() > 2


def test_turning_goes_both_ways():
    assert turned(0)(FACE).tolist() == FACE.tolist()
    back = turned(-30)(turned(30)(FACE)).astype(float)
    middle = slice(16, 32)
    assert np.abs(back - FACE)[middle, middle].mean() < 8
    assert np.abs(turned(30)(FACE).astype(float) - FACE)[middle, middle].mean() > 8


def test_every_condition_is_measured_and_quality_falls_with_size(classifier):
    faces = np.stack([FACE] * 3)
    figures = by_condition(classifier, faces, np.array([0, 0, 0]))
    assert [len(part) for part in figures.values()] == [len(SIDES), len(BRIGHTNESS), len(DEGREES)]
    assert all(0 <= row["accuracy"] <= 1 for part in figures.values() for row in part.values())
    qualities = [figures["by_size"][f"{side} px"]["quality"] for side in (48, 24, 12)]
    assert qualities == sorted(qualities, reverse=True)
    logits, _ = answered(classifier, faces, resized(48))
    assert logits.shape == (3, len(EMOTIONS))


def test_a_face_in_a_frame_is_found_and_cut_as_the_pack_cut_it(classifier):
    portrait = data.astronaut()
    face = np.ascontiguousarray(portrait[52:172, 165:285].mean(axis=2).astype(np.uint8))
    frame = framed(face)
    assert frame.shape == (192, 192, 3)
    detector = open_detector(None, "cpu", "openvino")
    figures = in_service(detector, classifier, face[None], np.array([EMOTIONS.index("happiness")]))
    assert figures["found"] == 1
    assert -0.4 < figures["margin"] < 0.4
    blank = in_service(detector, classifier, np.zeros((2, 48, 48), np.uint8), np.array([0, 0]))
    assert blank == {"n": 2, "found": 0.0}


def test_what_is_named_is_counted():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.1, 0.9]], np.float32)
    figures = named(probabilities, np.array([0, 0, 1, 1]), 0.6)
    assert figures["coverage"] == 0.75
    assert figures["accuracy"] == 1.0
    assert figures["accuracy_of_unknown"] == 0.0
