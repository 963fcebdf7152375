"""Ordered shutdown: one signal starts it, its steps read as a list, a second signal leaves at once."""

import logging
import os
import signal
import threading
from collections.abc import Callable

from ferstream.streams.service.threads import vital_thread

log = logging.getLogger(__name__)

#: Exit status of a process that a second signal ended, as a shell reports SIGTERM.
LEFT_AT_ONCE = 143
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """Sets `requested` at SIGTERM or SIGINT; `run` then takes its steps in the order in which they were added.

    Make it in the main thread. A step that raises is logged, and the next one runs. A second signal ends the process at once.
    """

    def __init__(self) -> None:
        self.requested = threading.Event()
        self._steps: list[tuple[str, Callable[[], object]]] = []
        # A thread hears the signals, through a pipe that Python writes to the moment one comes. A handler would run in the main
        # thread: not before a call of native code there is done, or in the middle of a wait for `requested`, whose lock it needs.
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        vital_thread(self._hear, "signals", (reading,)).start()

    def add(self, name: str, step: Callable[[], object]) -> None:
        """Add a step, which must end by itself within a bounded time."""
        self._steps.append((name, step))

    def run(self) -> None:
        """Take the steps, one after the other."""
        for name, step in self._steps:
            log.info("shutdown: %s", name)
            try:
                step()
            except Exception:  # whatever went wrong in one step, the next ones still have promises to keep
                log.exception("shutdown: %s failed, going on", name)

    def _hear(self, pipe: int) -> None:
        _wait_for_signal(pipe)
        self.requested.set()
        _wait_for_signal(pipe)
        os._exit(LEFT_AT_ONCE)


def _wait_for_signal(pipe: int) -> None:
    while os.read(pipe, 1)[0] not in _SIGNALS:  # another one comes by as well: it has a handler of its own
        pass
