"""The images, as far as it can be told without an engine: the Dockerfile, the lists of packages, installing from a list."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.deploy.deployed_redis import DEPLOY, clean_environment
from tests.support.patience import PROCESS_S

ROOT = DEPLOY.parent
LISTS = {
    "producer": ("tracing",),
    "worker-cpu": ("cpu", "tracing"),
    "worker-gpu": ("gpu", "tracing"),
    "consumer": ("dashboard", "mqtt", "parquet", "postgresql", "rules", "webhook"),
    "test-camera": ("demo",),
    "build": None,
}
OURS = ("producer", "worker-cpu", "worker-gpu", "consumer", "test-camera")
COMMANDS = {"producer": ("fer-producer", "run"), "worker-cpu": ("fer-worker", "run"), "consumer": ("fer-consumer", "log")}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")


def pins(name: str) -> list[tuple[Requirement, list[str]]]:
    """Each line of a list, as a requirement and its hashes."""
    text = (DEPLOY / "requirements" / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(Requirement(line.partition("--hash")[0].strip()), re.findall(r"--hash=(\S+)", line)) for line in lines]


def wanted(extras: tuple[str, ...] | None) -> list[Requirement]:
    """What pyproject.toml asks for, with the extras that an extra names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    if extras is None:
        return [Requirement(line) for line in project["build-system"]["requires"]]
    found = [Requirement(line) for line in project["project"]["dependencies"]]
    for extra in extras:
        for line in project["project"]["optional-dependencies"][extra]:
            requirement = Requirement(line)
            if requirement.name == "ferstream":
                found += wanted(tuple(requirement.extras))
            else:
                found.append(requirement)
    return found


@pytest.mark.parametrize("name", LISTS)
def test_a_list_satisfies_pyproject(name):
    pinned: dict[str, list[str]] = {}
    for requirement, _ in pins(name):
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        pinned.setdefault(canonicalize_name(requirement.name), []).append(specifier.version)
    for requirement in wanted(LISTS[name]):
        versions = pinned.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not in {name}.txt: run deploy/requirements/update.sh"
        for version in versions:
            assert requirement.specifier.contains(version), f"{name}.txt has {version}, not {requirement}: run update.sh"


@pytest.mark.parametrize("name", LISTS)
def test_every_line_of_a_list_has_a_hash_and_no_address(name):
    for requirement, hashes in pins(name):
        assert requirement.url is None
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), requirement
    assert "://" not in (DEPLOY / "requirements" / f"{name}.txt").read_text("utf-8")


def test_hadolint_finds_nothing():
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False, timeout=PROCESS_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout


def stages() -> dict[str, str]:
    """The text of each stage, with that of the stages it stands on before it."""
    found: dict[str, str] = {}
    for base, name, body in re.findall(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL):
        found[name] = found.get(base, "") + body
    return found


@pytest.mark.parametrize(
    ("target", "port"),
    [("producer", 9101), ("worker-cpu", 9102), ("worker-gpu", 9102), ("consumer", 9103), ("test-camera", 8554)],
)
def test_a_target_is_what_a_container_should_be(target, port):
    text = stages()[target]
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE)[-1] == "10001:10001"
    assert 'ENTRYPOINT ["tini", "--",' in text
    assert "STOPSIGNAL SIGTERM" in text
    assert re.search(rf"^EXPOSE {port}$", text, re.MULTILINE)
    assert re.search(rf"^HEALTHCHECK .*{port}", text, re.MULTILINE)
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in text


@pytest.mark.parametrize("target", ["producer", "worker-cpu", "worker-gpu", "consumer"])
def test_the_metrics_of_a_container_can_be_reached_from_outside_of_it(target):
    variable = f"FER_{target.partition('-')[0].upper()}_METRICS_HOST"
    assert re.search(rf"^ENV .*\b{variable}=0.0.0.0\b", stages()[target], re.MULTILINE)


def test_a_file_of_this_checkout_is_readable_in_an_image_whatever_its_mode_here():
    """Wheels have modes of their own; what is copied as it is would keep that of a clone under umask 077."""
    for target in OURS:
        for options, paths in re.findall(r"^COPY ((?:--\S+ )*)(deploy/\S+) ", stages()[target], re.MULTILINE):
            assert options in ("--chmod=755 ", "--chmod=644 "), paths


def test_every_package_is_installed_from_a_list_and_no_base_is_unnamed():
    installs = re.findall(r"pip install .*", DOCKERFILE)
    assert installs
    for line in installs:
        assert "--no-deps" in line
        assert "--require-hashes" in line or "/wheel/*.whl" in line
    bases = set(re.findall(r"^FROM (\S+) AS", DOCKERFILE, re.MULTILINE)) - set(stages())
    assert bases == {"${PYTHON_IMAGE}", "${CAMERA_IMAGE}"}


def test_what_the_engine_gets_has_no_secret():
    """.dockerignore lets in what is named, and COPY takes nothing else."""
    first, *named = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert first == "*"
    allowed = [line.removeprefix("!").partition("*")[0] for line in named if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(?:--chmod=\d+ )?(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for path in " ".join(copied).split():
        assert any(path.startswith(prefix) for prefix in allowed), path
        assert (ROOT / path).exists(), path


@pytest.mark.deploy
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_closed(name, tmp_path):
    """Resolving anew, with the list's versions, names the same packages: none is missing, none is there for nothing.

    From the packages' metadata alone, so that the lists of gigabytes are looked at too.
    """
    (tmp_path / "pinned.txt").write_text("".join(f"{requirement}\n" for requirement, _ in pins(name)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (tmp_path / "build.in").write_text("\n".join(project["build-system"]["requires"]))
    what = [tmp_path / "build.in"] if LISTS[name] is None else [ROOT / "pyproject.toml"]
    extras = [f"--extra={extra}" for extra in LISTS[name] or ()]
    how = ["--universal", "--python-version=3.11", "--no-annotate", "--no-header", "--quiet"]
    command = [
        Path(sys.executable).with_name("uv"),
        "pip",
        "compile",
        *what,
        *extras,
        *how,
        f"--constraints={tmp_path}/pinned.txt",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    assert {str(Requirement(line)) for line in done.stdout.splitlines()} == {str(requirement) for requirement, _ in pins(name)}


@pytest.mark.deploy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_list_installs_into_an_empty_environment(name, tmp_path):
    """What the Dockerfile does, without its base: hash-checked, without dependencies, then the wheel."""
    python = tmp_path / "bin" / "python"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    hashed = ["--require-hashes", "--only-binary", ":all:", "-r", DEPLOY / "requirements" / f"{name}.txt"]
    subprocess.run([*pip, *hashed], check=True, timeout=600)
    subprocess.run([*pip, ROOT], check=True, timeout=300)
    subprocess.run([python, "-m", "pip", "check"], check=True, timeout=PROCESS_S)
    program, command = COMMANDS[name]
    asked = [tmp_path / "bin" / program, command, "--help"]
    said = subprocess.run(asked, env=clean_environment(), capture_output=True, text=True, check=True, timeout=PROCESS_S).stdout
    assert "--redis-url-file" in said
