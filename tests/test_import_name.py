"""One import name: what a wheel installs, and that nothing a user calls his own files gets in its way."""

import json
import subprocess
import sys
import sysconfig
import textwrap
import tomllib
import venv
from pathlib import Path

import pytest

import ferstream
from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S
from tests.support.wheel import build

PROGRAMS = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"])
#: What users call their own files and folders.
USERS_NAMES = ("consumer", "producer", "workers", "streams", "training", "deploy", "tests")


class Environment:
    """An environment that holds the wheel; what the wheel needs it borrows from the tests' own."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.programs = folder / "bin"
        self.site = Path(self.say("-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
        self.before = {path.name for path in self.site.iterdir()}
        pip = [sys.executable, "-m", "pip", "--python", str(self.programs / "python"), "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--no-index", "--no-deps", str(wheel)], check=True, timeout=PROCESS_S)
        self.installed = {path.name for path in self.site.iterdir()} - self.before
        # A line of a .pth file is a folder to look in; the .pth files in that folder (our editable install) are not read.
        (self.site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def say(self, *arguments: str, cwd: Path | None = None) -> str:
        """What the environment's Python prints; fails with it where it fails."""
        return self.run("python", *arguments, cwd=cwd)

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        """What a program of the environment prints."""
        command = [str(self.programs / program), *arguments]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PROCESS_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    wheel = build(ROOT, tmp_path_factory.mktemp("wheel"), "--wheel")
    return Environment(tmp_path_factory.mktemp("environment"), wheel)


@pytest.fixture
def users_folder(tmp_path: Path) -> Path:
    """A folder whose files have the names of our rooms; each of them breaks whoever imports it."""
    for name in USERS_NAMES[:3]:
        (tmp_path / f"{name}.py").write_text("raise ImportError('this is the user\\'s own file')\n")
    for name in USERS_NAMES[3:]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('this is the user\\'s own package')\n")
    return tmp_path


def test_the_wheel_installs_one_name(environment):
    assert {name for name in environment.installed if not name.endswith(".dist-info")} == {"ferstream"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs_beside_files_of_any_name(environment, users_folder, program):
    version = json.loads(environment.say("-c", "import ferstream, json; print(json.dumps(ferstream.__version__))"))
    assert version in environment.run(program, "--version", cwd=users_folder)


def test_a_script_runs_beside_files_of_any_name(environment, users_folder):
    (users_folder / "script.py").write_text("from ferstream import *\nprint(ResultSubscriber.__name__, len(EMOTIONS))\n")
    assert environment.say("script.py", cwd=users_folder) == "ResultSubscriber 8"


def test_importing_loads_nothing(environment):
    code = "import sys, ferstream; print(*({'numpy', 'cv2', 'redis', 'torch', 'msgpack', 'msgspec', 'click'} & set(sys.modules)))"
    assert environment.say("-c", code) == ""


@pytest.mark.parametrize("name", ferstream.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ferstream, name) is not None
    assert name in dir(ferstream)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'ferstream' has no attribute 'nonsense'"):
        ferstream.nonsense  # noqa: B018


def test_a_checker_knows_the_types_of_the_installed_package(environment, tmp_path):
    """mypy, on a user's script, with what the wheel installed."""
    script = """
        from ferstream import EMOTIONS, Face, Result, ResultSubscriber

        def names(result: Result) -> list[str]:
            return [face.emotion for face in result.faces]

        with ResultSubscriber("redis://localhost") as results:
            for result in results:
                reveal_type(result.faces[0].emotion)
                reveal_type(result.faces[0].confidence)
                reveal_type(EMOTIONS)
                result.faces[0].emotions
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(environment.programs / "python"), "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert 'Revealed type is "str"' in done.stdout
    assert 'Revealed type is "float | None"' in done.stdout
    assert '"Face" has no attribute "emotions"' in done.stdout
    assert "Found 1 error in 1 file" in done.stdout
