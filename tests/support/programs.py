"""Starts the programs as their console scripts do."""

import os
import subprocess
import sys
from pathlib import Path
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


def alive(pid: int) -> bool:
    """Whether the process runs: one that nobody has collected yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"


def children(pid: int) -> list[int]:
    """The processes that this one, or a thread of it, has started and that are there."""
    return [int(child) for listed in Path(f"/proc/{pid}/task").glob("*/children") for child in listed.read_text().split()]
