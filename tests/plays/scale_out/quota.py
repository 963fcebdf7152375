"""A share of a core for one process, as a container's CPU limit gives it: out of its share, it stands still for a moment."""

import signal
import threading
import time
from types import TracebackType
from typing import Self

import psutil

#: The kernel's own period for CPU limits.
PERIOD_S = 0.1
TICK_S = 0.01


class CpuQuota:
    """Holds process `pid` to `cores` seconds of processor time a second, by SIGSTOP and SIGCONT, until it ends or `close`."""

    def __init__(self, pid: int, cores: float) -> None:
        self._process = psutil.Process(pid)
        self._cores = cores
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"quota-{pid}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._hold()
            self._process.send_signal(signal.SIGCONT)
        except psutil.NoSuchProcess:  # it has ended: nothing to hold any more
            return

    def _hold(self) -> None:
        saved, running = self._cores * PERIOD_S, True
        at, used = time.monotonic(), cpu_s(self._process)
        while not self._stop.wait(TICK_S):
            now, now_used = time.monotonic(), cpu_s(self._process)
            saved = min(self._cores * PERIOD_S, saved + self._cores * (now - at) - (now_used - used))
            at, used = now, now_used
            if running != (saved > 0):
                running = not running
                self._process.send_signal(signal.SIGCONT if running else signal.SIGSTOP)


def cpu_s(process: psutil.Process) -> float:
    """Seconds of processor time that the process has used, in all its threads. Raises psutil.NoSuchProcess."""
    times = process.cpu_times()
    return float(times.user + times.system)
