"""Threads that a service cannot do without: where one dies, its process ends, at once and aloud."""

import logging
import os
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

#: Exit status of a process one of whose threads died.
THREAD_DIED = 70


def vital_thread(target: Callable[..., object], name: str, args: tuple[object, ...] = ()) -> threading.Thread:
    """A daemon thread, not started yet, whose death is its process's: with the traceback in the log and status THREAD_DIED.

    Why at once: a service that goes on without one of its loops looks alive and does nothing, or only half of its work. One that
    is gone is started again by whoever watches it, and what it held is taken over.
    """
    return threading.Thread(target=_run, args=(target, args), name=name, daemon=True)


def _run(target: Callable[..., object], args: tuple[object, ...]) -> None:
    try:
        target(*args)
    except BaseException:  # none may end a thread in silence: not SystemExit, nor what a library makes up
        log.critical("the thread %s died, and this process ends with it", threading.current_thread().name, exc_info=True)
        leave(THREAD_DIED)


def leave(status: int) -> None:
    """End the process now, with what it logged written and nothing else done: no other thread is waited for."""
    logging.shutdown()
    os._exit(status)
