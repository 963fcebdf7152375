"""Ordered shutdown: one signal starts it, its steps read as a list, a second signal leaves at once."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

log = logging.getLogger(__name__)

#: Exit status of a process that a second signal ended, as a shell reports SIGTERM.
LEFT_AT_ONCE = 143


class Shutdown:
    """Sets `requested` at SIGTERM or SIGINT; `run` then takes its steps in the order in which they were added.

    Make it in the main thread. A step that raises is logged, and the next one runs. A second signal ends the process at once.
    """

    def __init__(self) -> None:
        self.requested = threading.Event()
        self._steps: list[tuple[str, Callable[[], object]]] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def add(self, name: str, step: Callable[[], object]) -> None:
        """Add a step, which must end by itself within a bounded time."""
        self._steps.append((name, step))

    def request(self) -> None:
        """Begin to shut down, as a signal would."""
        self.requested.set()

    def run(self) -> None:
        """Take the steps, one after the other."""
        for name, step in self._steps:
            log.info("shutdown: %s", name)
            try:
                step()
            except Exception:  # whatever went wrong in one step, the next ones still have promises to keep
                log.exception("shutdown: %s failed, going on", name)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested.is_set():
            os._exit(LEFT_AT_ONCE)
        self.requested.set()
