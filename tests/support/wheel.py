"""Building what is released."""

import subprocess
import sys
from pathlib import Path


def build(source: Path, out: Path, *what: str) -> Path:
    """The one file that is built. Without isolation: hatchling is a development dependency, and no network is needed."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *what, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.iterdir()
    return built
