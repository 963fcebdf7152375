"""Average precision at IoU 0.5 by the rule of the data's README, on cases worked out by hand."""

import numpy as np
import pytest

from ferstream.training.measures.average_precision import average_precision, match_picture

FACE = [0, 0, 100, 100]
OTHER = [200, 0, 300, 100]
NOWHERE = [500, 500, 600, 600]
TINY = [400, 400, 410, 410]


def boxes(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def found(*pairs: tuple[float, list[float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in pairs], np.float32), boxes(*(box for _, box in pairs))


@pytest.mark.parametrize(
    ("detections", "truth", "min_side", "expected"),
    [
        pytest.param([found((0.9, FACE), (0.8, OTHER))], [boxes(FACE, OTHER)], 0, 1.0, id="perfect"),
        pytest.param([found()], [boxes(FACE)], 0, 0.0, id="nothing found"),
        pytest.param([found((0.9, FACE))], [boxes()], 0, 0.0, id="no faces at all"),
        pytest.param([found((0.9, FACE))], [boxes(FACE, OTHER)], 0, 0.5, id="one of two"),
        pytest.param([found((0.9, FACE), (0.8, FACE))], [boxes(FACE)], 0, 1.0, id="a duplicate after full recall costs nothing"),
        # Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1: envelope 1 up to 1/2, then 2/3.
        pytest.param(
            [found((0.9, FACE), (0.8, FACE), (0.7, OTHER))], [boxes(FACE, OTHER)], 0, 0.5 + 0.5 * 2 / 3, id="a duplicate is false"
        ),
        pytest.param([found((0.9, NOWHERE), (0.8, FACE))], [boxes(FACE)], 0, 0.5, id="a false one first"),
        pytest.param([found((0.9, FACE))], [boxes([0, 0, 100, 49])], 0, 0.0, id="IoU 0.49 is no match"),
        pytest.param([found((0.9, FACE))], [boxes([0, 0, 100, 50])], 0, 1.0, id="IoU 0.5 is a match"),
        pytest.param([found((0.9, TINY), (0.8, FACE))], [boxes(FACE, TINY)], 24, 1.0, id="a small face, found, does not count"),
        pytest.param([found((0.8, FACE))], [boxes(FACE, TINY)], 24, 1.0, id="a small face, missed, does not count"),
        pytest.param([found((0.9, TINY), (0.8, FACE))], [boxes(FACE)], 24, 1.0, id="a small false box is dropped"),
        pytest.param([found((0.9, NOWHERE), (0.8, FACE))], [boxes(FACE)], 24, 0.5, id="a large false box counts"),
        # The order is that of all pictures' scores, not picture by picture.
        pytest.param([found((0.5, NOWHERE)), found((0.9, FACE))], [boxes(), boxes(FACE)], 0, 1.0, id="scores across pictures"),
        pytest.param([found((0.9, NOWHERE)), found((0.5, FACE))], [boxes(), boxes(FACE)], 0, 0.5, id="false picture first"),
    ],
)
def test_average_precision(detections: list, truth: list, min_side: float, expected: float) -> None:
    assert average_precision(detections, truth, min_side) == pytest.approx(expected)


def test_a_detection_takes_the_free_box_of_the_highest_overlap() -> None:
    near, nearer = [0, 0, 100, 90], [0, 0, 100, 98]
    _, hits, counted = match_picture(*found((0.9, FACE), (0.8, FACE), (0.7, FACE)), boxes(near, nearer))
    assert hits == [True, True, False]
    assert counted == 2


def test_detections_and_truths_must_be_of_the_same_pictures() -> None:
    with pytest.raises(ValueError, match="zip"):
        average_precision([found()], [])
