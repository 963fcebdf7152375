"""`fer-train try`: both models on a picture of one's own."""

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from skimage import data

from ferstream.training.cli import main


@pytest.fixture
def portrait(tmp_path):
    path = tmp_path / "portrait.png"
    cv2.imwrite(str(path), cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR))
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["try", "--device", "cpu", *(str(argument) for argument in arguments)])


def test_a_portrait_is_named_and_drawn_on(portrait, tmp_path):
    result = run(portrait, "--out", tmp_path / "seen")
    assert result.exit_code == 0, result.output
    assert "1 face\n" in result.stdout
    assert "happiness" in result.stdout
    drawn = cv2.imread(str(tmp_path / "seen" / "portrait-faces.jpg"))
    before = cv2.imread(str(portrait))
    assert drawn.shape == before.shape
    changed = (np.abs(drawn.astype(int) - before).max(axis=2) > 60).nonzero()
    assert 100 < changed[1].min() < 220, "the box is around the face"


def test_json_is_a_line_a_picture(portrait, tmp_path):
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.zeros((60, 80, 3), np.uint8))
    result = run(portrait, empty, "--json")
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first["faces"][0]["emotion"] == "happiness"
    assert max(first["faces"][0]["probabilities"].values()) == first["faces"][0]["probabilities"]["happiness"]
    assert second == {"picture": str(empty), "faces": []}


def test_no_picture_is_written_over(portrait, tmp_path):
    assert run(portrait, "--out", tmp_path).exit_code == 0
    again = run(portrait, "--out", tmp_path)
    assert again.exit_code == 3
    assert "is there already" in again.stderr


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_what_is_no_picture_says_so(tmp_path, content):
    path = tmp_path / "p.jpg"
    if content is not None:
        path.write_bytes(content)
    result = run(path)
    assert result.exit_code == 3
    assert str(path) in result.stderr
    assert "Traceback" not in result.output
