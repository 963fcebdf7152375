"""Processes that a test has started and, since it failed, not ended: they would eat the time of all tests after it."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def programs_of_ours() -> set[int]:
    """Our programs among the children of this process, by process id; none where there is no /proc."""
    return {child for task in Path("/proc/self/task").glob("*") for child in _children(task) if _is_ours(child)}


def end(processes: set[int]) -> None:
    """Kill them."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _children(task: Path) -> list[int]:
    with suppress(OSError):  # a thread that has ended meanwhile
        return [int(child) for child in (task / "children").read_text().split()]
    return []


def _is_ours(process: int) -> bool:
    with suppress(OSError):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        return len(words) > 2 and words[1] == b"-c" and words[2].startswith(b"from ferstream.")
    return False
