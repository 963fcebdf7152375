"""README says what is there: every metric, every program, and nothing that is not."""

import re
import subprocess
import sys

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

import ferstream.producer.metrics
import ferstream.streams.service.health_server
import ferstream.workers.metrics
from ferstream.consumer.log.log_metrics import LogMetrics
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text("utf-8")
PROGRAMS = {"fer-producer": "producer", "fer-worker": "workers", "fer-consumer": "consumer", "fer-train": "training"}


def metric_names() -> set[str]:
    log = CollectorRegistry()
    LogMetrics(log)
    families = [*REGISTRY.collect(), *ferstream.producer.metrics.ALL.collect(), *log.collect()]
    names = set()
    for family in families:
        if family.name.startswith("fer_"):
            names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return names


def test_every_metric_is_documented():
    missing = {name for name in metric_names() if f"`{name}`" not in README}
    assert not missing


def test_every_documented_metric_exists():
    documented = set(re.findall(r"`(fer_[a-z_]+)`", README))
    assert documented - metric_names() == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_option_that_readme_shows_exists(program):
    """Options on README's command lines are those of the commands' own help."""
    for line in re.findall(rf"^(?:.*\| )?{program} .*$", README, re.MULTILINE):
        words = line.split("#")[0].split()
        words = words[words.index(program) :]
        command = [word for word in words[1:3] if re.fullmatch(r"[a-z][a-z-]*", word)]
        said = subprocess.run(
            [sys.executable, "-c", f"from ferstream.{PROGRAMS[program]}.cli import main; main()", *command, "--help"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for option in re.findall(r"(?<!\S)--[a-z-]+", " ".join(words)):
            assert option in said, f"{' '.join(words)}: no {option}"


def test_the_figures_of_the_models_are_those_of_their_cards():
    command = "from ferstream.training.cli import main; main()"
    said = subprocess.run(
        [sys.executable, "-c", command, "summary"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert said.strip() in README, "put what `fer-train summary` prints into README"


def test_the_base_install_needs_no_torch():
    """Producers, CPU workers and subscribers run where torch, timm and onnx are not."""
    script = (
        "import sys\n"
        "for name in ('torch', 'timm', 'torchvision', 'onnx', 'pyarrow', 'opentelemetry'): sys.modules[name] = None\n"
        "import ferstream.producer.cli, ferstream.workers.cli, ferstream.consumer.cli, ferstream.streams.local.demo\n"
        "from ferstream.workers.models.registry import open_detector\n"
        "open_detector(None, 'cpu', 'openvino')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
