"""The systemd units: systemd itself accepts them, and every word of their command lines is the programs' own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from ferstream.consumer.cli import main as consumer
from ferstream.consumer.dashboard.cli import main as dashboard
from ferstream.producer.cli import main as producer
from ferstream.streams.service.environment import variables_of
from ferstream.workers.cli import main as worker
from tests.support.deploy.queries import rules
from tests.support.deploy.tools import promtool
from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S
from tests.support.video_files import skip_or_fail

FOLDER = ROOT / "deploy" / "systemd"
BIN = "/opt/ferstream/bin"
#: Unit, its program, its command, seconds its own end may take, and how exposed systemd may call it (0 to 10).
UNITS = {
    "fer-producer.service": (producer, "run", 10.0, 1.5),
    "fer-worker@.service": (worker, "run", 20.0, 2.0),
    "fer-consumer-log.service": (consumer, "log", 10.0, 1.5),
    "fer-tracker.service": (consumer, "track", 15.0, 1.5),
    "fer-sink@.service": (consumer, "sink", 10.0, 1.5),
    "fer-dashboard.service": (dashboard, "run", 10.0, 1.5),
}
PROGRAMS = {producer: "fer-producer", worker: "fer-worker", consumer: "fer-consumer", dashboard: "fer-dashboard"}
EXAMPLES = {
    "producer.env.example": (producer, "run"),
    "worker.env.example": (worker, "run"),
    "consumer.env.example": (consumer, "log"),
    "tracker.env.example": (consumer, "track"),
    "sink.env.example": (consumer, "sink"),
    "dashboard.env.example": (dashboard, "run"),
}


def settings(unit: str) -> dict[str, list[str]]:
    """Every setting of a unit, with its values in order."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / unit).read_text("utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def option_variables(program: click.Group, command: str) -> set[str]:
    return {name for one in kinds(program, command) for option in one.params for name in variables_of(option)}


def kinds(program: click.Group, command: str) -> list[click.Command]:
    """The command; where it is a group, all of it: an instance of the unit is one."""
    found = program.commands[command]
    return list(found.commands.values()) if isinstance(found, click.Group) else [found]


def systemd_analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """On copies whose programs are where this Python's are: systemd looks whether they can be run."""
    if not shutil.which("systemd-analyze"):
        skip_or_fail("no systemd-analyze here: it is part of systemd")
    for unit in UNITS:
        text = (FOLDER / unit).read_text("utf-8").replace(BIN, str(Path(sys.executable).parent))
        (folder / unit).write_text(text, "utf-8")
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PROCESS_S, check=False)


def test_every_unit_is_looked_at():
    assert {path.name for path in FOLDER.glob("*.service")} == set(UNITS)
    assert {path.name for path in FOLDER.glob("*.example")} == set(EXAMPLES)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(unit, tmp_path):
    done = systemd_analyze(tmp_path, "verify", str(tmp_path / unit))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_service_can_reach_little(unit, tmp_path):
    done = systemd_analyze(tmp_path, "security", "--offline=true", str(tmp_path / unit))
    rated = re.search(r"Overall exposure level .*: ([0-9.]+)", done.stdout)
    assert rated, done.stdout + done.stderr
    assert float(rated[1]) <= UNITS[unit][3]


@pytest.mark.parametrize("unit", UNITS)
def test_every_option_of_a_unit_is_the_commands_own(unit):
    program, command, *_ = UNITS[unit]
    (line,) = settings(unit)["ExecStart"]
    path, name, *words = line.split()
    assert (path, name) == (f"{BIN}/{PROGRAMS[program]}", command)
    if isinstance(program.commands[command], click.Group):
        assert words.pop(0) == "%i"
    for own in kinds(program, command):
        with click.Context(own, info_name=command) as context:
            given, rest, _ = own.make_parser(context).parse_args(list(words))
        assert rest == []
        assert given["redis_url_file"].startswith("${CREDENTIALS_DIRECTORY}/")


@pytest.mark.parametrize("unit", UNITS)
def test_a_service_is_stopped_in_time_and_not_started_again_over_a_mistake(unit):
    found = settings(unit)
    (stop,) = found["TimeoutStopSec"]
    assert float(stop.removesuffix("s")) > UNITS[unit][2]
    assert found["RestartPreventExitStatus"] == ["2"]
    assert found["Restart"] == ["on-failure"]
    assert found["User"] == ["ferstream"]
    credential, *_ = found["LoadCredential"]
    assert credential.startswith("redis_url:/etc/ferstream/secrets/")


def test_instances_of_the_worker_have_a_name_and_a_port_of_their_own():
    found = settings("fer-worker@.service")
    assert "--name %H-%i" in found["ExecStart"][0]
    assert found["Environment"] == ["FER_WORKER_METRICS_PORT=911%i"]
    drain = next(option for option in worker.commands["run"].params if option.name == "drain_timeout_s")
    assert UNITS["fer-worker@.service"][2] == drain.default


def test_reload_of_the_producer_is_the_signal_that_reads_cameras_again():
    assert settings("fer-producer.service")["ExecReload"] == ["kill -HUP $MAINPID"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_variable_of_an_example_is_an_options_own(example):
    text = (FOLDER / example).read_text("utf-8")
    variables = set(re.findall(r"^#?(FER_[A-Z_]+)=", text, re.MULTILINE))
    assert variables
    assert variables <= option_variables(*EXAMPLES[example])


@pytest.mark.parametrize("unit", UNITS)
def test_every_variable_a_unit_sets_is_an_options_own(unit):
    program, command, *_ = UNITS[unit]
    variables = {value.partition("=")[0] for value in settings(unit).get("Environment", [])}
    assert variables <= option_variables(program, command)


def test_prometheus_is_told_of_the_jobs_that_rules_ask_for(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/rules", str(FOLDER.parent / "prometheus/rules")))
    assert "rule files found" in promtool("check", "config", str(tmp_path / "prometheus.yml"))
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in yaml.safe_load(text)["scrape_configs"]}
    named = {name for rule in rules() for name in re.findall(r'job="([\w-]+)"', rule["expr"])}
    assert named <= set(jobs)
    assert set(jobs) == {"fer-producer", "fer-worker", "fer-consumer", "fer-sink", "fer-tracker", "fer-dashboard", "redis"}
    assert jobs["fer-worker"] == ["localhost:9110", "localhost:9111"]  # the units' ports: 911%i
