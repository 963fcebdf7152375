"""Tasks that the server cannot do without: where one dies, the process ends, as with threads."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from ferstream.streams.service import threads

log = logging.getLogger(__name__)


def vital_task(step: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
    """A task in the running event loop, that ends when it is cancelled, and else ends the process with THREAD_DIED."""
    task = asyncio.create_task(step, name=name)
    task.add_done_callback(_ended)
    return task


def _ended(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        ended_by(task.get_name(), task.exception())


def ended_by(name: str, error: BaseException | None) -> None:
    """End the process, as a vital part of it has died."""
    log.critical("the task %s died, and this process ends with it", name, exc_info=error)
    threads.leave(threads.THREAD_DIED)
