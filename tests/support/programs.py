"""Starts the programs as their console scripts do."""

import os
import subprocess
import sys
from typing import Any

from ferstream.streams.programs import PROGRAMS
from tests.support.patience import PROCESS_S

NAMES = ("fer", *PROGRAMS)


def command(name: str, *arguments: str) -> list[str]:
    """`fer-worker run` is command("worker", "run"); `fer` is command("fer")."""
    return [sys.executable, "-c", f"from ferstream.streams.programs import {name}; {name}()", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Ours without any variable of ferstream's, and `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FER_")} | more


def run(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(name, *arguments), capture_output=True, text=True, timeout=PROCESS_S, check=False, env=environment(**variables)
    )


def start(name: str, *arguments: str, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(name, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), **more
    )
