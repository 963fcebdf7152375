"""What is released: the wheel and the sdist hold what they should and nothing else, and the wheel works where nothing else is."""

import json
import re
import shutil
import subprocess
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.wheel import build

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ROOMS = ("streams", "producer", "workers", "consumer", "training")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "--wheel")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    """Of a tree in which an operator has left passwords."""
    tree = tmp_path_factory.mktemp("operator") / "tree"
    shutil.copytree(
        ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv*", ".tools", "runs", "dist", "__pycache__", ".*_cache")
    )
    for name in ("deploy/cameras/door.url", "deploy/secrets/redis_url_worker", "deploy/.env"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("password")
    return build(tree, tmp_path_factory.mktemp("sdist"), "--sdist")


def in_wheel(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as files:
        return {name: files.read(name) for name in files.namelist()}


def in_sdist(path: Path) -> set[str]:
    with tarfile.open(path) as files:
        return {member.name.partition("/")[2] for member in files.getmembers()}


def of_packages() -> set[str]:
    """Files of the packages that git knows or would take; without git, those that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        names = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    else:
        found = (path for room in ROOMS for path in (ROOT / "ferstream" / room).rglob("*") if path.is_file())
        names = {str(path.relative_to(ROOT / "ferstream")) for path in found if path.suffix != ".pyc"}
    return {"ferstream/__init__.py", "ferstream/py.typed", *(f"ferstream/{name}" for name in names)}


def test_the_wheel_holds_the_packages_and_nothing_else(wheel):
    names = {name for name in in_wheel(wheel) if ".dist-info/" not in name}
    assert names == of_packages()
    assert wheel.name == f"ferstream-{PROJECT['version']}-py3-none-any.whl"


@pytest.mark.parametrize("model", ["detector", "classifier"])
def test_the_wheel_holds_the_models_with_their_cards(wheel, model):
    files = in_wheel(wheel)
    folder = f"ferstream/workers/models/weights/{model}"
    for name in ("model.onnx", "weights.safetensors", "card.json", "CARD.md"):
        assert files[f"{folder}/{name}"] == (ROOT / folder / name).read_bytes()


def test_the_wheel_tells_its_programs_its_licence_and_its_extras(wheel):
    files = in_wheel(wheel)
    about = f"ferstream-{PROJECT['version']}.dist-info"
    programs = re.findall(r"^(\S+) = (\S+)$", files[f"{about}/entry_points.txt"].decode(), re.MULTILINE)
    assert dict(programs) == PROJECT["scripts"]
    assert f"{about}/licenses/LICENSE" in files
    extras = re.findall(r"^Provides-Extra: (.*)$", files[f"{about}/METADATA"].decode(), re.MULTILINE)
    assert set(extras) == set(PROJECT["optional-dependencies"])


def test_the_sdist_holds_what_tests_and_builds_need_and_nothing_private(sdist):
    names = in_sdist(sdist)
    assert {*of_packages(), "pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile"} <= names
    assert {
        "tests/conftest.py",
        "tests/streams/wire/entries.json",
        "deploy/upgrading.md",
        "deploy/systemd/fer-worker@.service",
    } <= names
    private = re.compile(r"^(runs|shared)/|(^|/)(secrets|\.git|\.venv|\.tools|\.ci|__pycache__)(/|$)|\.(env|url|pyc)$")
    assert not [name for name in names if private.search(name)]


def test_the_sdist_builds_the_same_wheel(wheel, sdist, tmp_path):
    with tarfile.open(sdist) as files:
        files.extractall(tmp_path / "tree", filter="data")
    (tree,) = (tmp_path / "tree").iterdir()
    assert in_wheel(build(tree, tmp_path / "out", "--wheel")) == in_wheel(wheel)


@pytest.mark.deploy
@pytest.mark.timeout(900)
def test_the_wheel_runs_the_demo_in_an_empty_environment(wheel, tmp_path):
    """From the wheel alone: the working directory is elsewhere, and pip takes the rest from its index."""
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"

    def run(*command: str, timeout: float = 120) -> str:
        done = subprocess.run(
            [programs / command[0], *command[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel}[demo]", timeout=600)
    run("python", "-m", "pip", "check")
    for program in PROJECT["scripts"]:
        if program != "fer-demo":
            assert PROJECT["version"] in run(program, "--version")
    summary = json.loads(run("fer-demo", "--seconds", "5", "--json").splitlines()[-1])
    assert summary["balance"] == 0
    assert summary["faces"] > 0
    assert json.loads(run("fer-worker", "plan", "--cameras", "10", "--json"))["workers"] > 0


def test_changelog_tells_of_this_version():
    newest = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert PROJECT["version"] in newest[:2]
