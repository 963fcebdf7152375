"""Prometheus, promtool and the Redis exporter for tests: those of `make test-tools`, else those on the PATH."""

import shutil
import subprocess

from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S
from tests.support.video_files import skip_or_fail

DEPLOY = ROOT / "deploy"
TOOLS = ROOT / ".tools" / "usr" / "bin"


def tool(name: str) -> str:
    """The path of a program; where it is missing the test is skipped, or fails in CI."""
    path = shutil.which(name, path=str(TOOLS)) or shutil.which(name)
    if path is None:
        skip_or_fail(f"no {name}: `make test-tools` brings it")
    return str(path)


def promtool(*arguments: str) -> str:
    """What promtool says; fails with it where promtool does."""
    done = subprocess.run(
        [tool("promtool"), *arguments], capture_output=True, text=True, timeout=PROCESS_S, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
