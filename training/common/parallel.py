"""Work on many pictures, spread over the cores of this machine, with its results in the order of the work."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

from ferstream.streams.errors import FerstreamError
from ferstream.workers.settings import usable_cores

Work = TypeVar("Work")
Result = TypeVar("Result")

#: Pieces of work a process that wait for it or are done: enough that none is ever idle, few enough to stay small in memory.
AHEAD = 4


class ParallelError(FerstreamError):
    """One of the processes was killed, by a lack of memory most likely."""


def usual_processes() -> int:
    """How many processes are started unless told otherwise: one for each core that this process may use."""
    return usable_cores()


def in_order(function: Callable[[Work], Result], pieces: Iterable[Work], processes: int) -> Iterator[Result]:
    """`function(piece)` of every piece, in the order of `pieces`, computed in `processes` processes (in this one if it is 1).

    Pieces are taken as they are needed. What `function` raises is raised here. Raises ParallelError.
    """
    if processes == 1:
        yield from map(function, pieces)
        return
    with ProcessPoolExecutor(processes, get_context("forkserver"), initializer=_enter) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for piece in pieces:
                waiting.append(pool.submit(function, piece))
                if len(waiting) >= AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise ParallelError("a process was killed, by a lack of memory most likely: try fewer --processes") from error
        finally:
            for future in waiting:
                future.cancel()


def _enter() -> None:
    """Each process has one thread for its pictures, leaves Ctrl-C to the first one, and ends with it, however that ended."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the first process to end: a signal such as SIGTERM leaves it no time to say so."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
