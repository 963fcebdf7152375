"""README and the documentation's examples: short, true, and run."""

import subprocess
import sys

import cv2
import pytest
import skimage.data

import ferstream
from tests.support.documents import examples, run
from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S

README = (ROOT / "README.md").read_text("utf-8")


def test_readme_is_read_in_a_few_minutes():
    assert len(README.split()) <= 900


def test_its_picture_is_small():
    """The picture that `python -m tests.plays.draw_demo_frame` writes."""
    assert "](docs/pictures/demo.jpg)" in README
    assert (ROOT / "docs" / "pictures" / "demo.jpg").stat().st_size < 150_000


@pytest.mark.parametrize("example", examples(), ids=str)
def test_an_example_runs_and_prints_what_it_says(example, redis_url, tmp_path):
    cv2.imwrite(str(tmp_path / "portrait.jpg"), cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR))
    said = run(example, tmp_path, redis_url)
    for line in example.expected:
        assert line in said


def test_there_are_examples_of_everything_public():
    code = "\n".join(example.code for example in examples())
    shown = {name for name in ferstream.__all__ if name in code}
    given = {"EMOTIONS", "Event", "EventDelivery", "Face", "HeadPose", "Result", "Delivery", "__version__"}
    rare = {"OutOfMemory", "StoreError", "StoreFull", "StoreRefused", "StoreUnavailable"}
    assert set(ferstream.__all__) - shown <= given | rare


def test_the_base_install_needs_no_torch():
    """Producers, CPU workers and subscribers run where torch, timm and onnx are not."""
    script = (
        "import sys\n"
        "for name in ('torch', 'timm', 'torchvision', 'onnx', 'pyarrow', 'opentelemetry'): sys.modules[name] = None\n"
        "import ferstream.producer.cli, ferstream.workers.cli, ferstream.consumer.cli, ferstream.streams.local.demo\n"
        "from ferstream.workers.models.registry import open_detector\n"
        "open_detector(None, 'cpu', 'openvino')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PROCESS_S)
