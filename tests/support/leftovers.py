"""Processes that a test has started and, since it failed, not ended: they would eat the time of all tests after it."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def programs_of_ours() -> set[int]:
    """Our programs among the children of this process, by process id; none where there is no /proc."""
    listed = [children.read_text() for children in Path("/proc/self/task").glob("*/children")]
    return {int(child) for line in listed for child in line.split() if _is_ours(int(child))}


def end(processes: set[int]) -> None:
    """Kill them."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _is_ours(process: int) -> bool:
    with suppress(OSError):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        return len(words) > 2 and words[1] == b"-c" and words[2].startswith(b"from ferstream.")
    return False
