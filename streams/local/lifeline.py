"""The lifeline of a program: a pipe whose other end its parent holds. Where the parent is gone, however it went, it breaks.

The kernel closes a dead process's end, also after SIGKILL, and a pipe that broke before it was looked at is still broken: nothing
can be missed, and no process id is asked for that might be another's by now. It works wherever there are pipes.
"""

import os
import threading


def end_with_parent(lifeline: int) -> None:
    """End this process when nobody holds the other end of the pipe any more. Called first of all, before anything is opened."""
    threading.Thread(target=_watch, args=(lifeline,), name="lifeline", daemon=True).start()


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)  # nobody writes: it returns at the end of the pipe
    # At once, and without a word: the Redis that this process has been given is gone as well, so an orderly end would matter to
    # nobody, and what it says might wait for a reader for ever.
    os._exit(1)
