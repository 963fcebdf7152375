"""The whole study in small, from published trees to a worker that serves the model."""

import json
from pathlib import Path

import pytest

from ferstream.training.study.records.run_folder import RunFolder
from tests.plays.avfer_smoke import Size, smoke


@pytest.mark.deploy
def test_from_published_datasets_to_a_worker(tmp_path: Path) -> None:
    answered = smoke(tmp_path, Size(faces=6, held_out=2, target=10, epochs=1, presets=("vit-b16-sam", "resnet18")), None)
    assert [result.models["classifier"] for result in answered] == ["resnet18"] * 3
    assert all(len(result.faces) == 1 for result in answered)
    counts = json.loads((tmp_path / "avfer-balanced" / "dataset.json").read_text())
    assert counts
    for page in ("looked-at", "looked-at-prepared", "comparison", "runs/vit-b16-sam/evaluation"):
        assert (tmp_path / page / "index.html").stat().st_size > 10_000
    for name in ("vit-b16-sam", "resnet18"):
        run = RunFolder(tmp_path / "runs" / name)
        assert len(run.history()) == 1
        report = run.report()
        assert report is not None
        assert report["n"] == 2 * 8
