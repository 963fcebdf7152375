"""Being asked to stop: SIGTERM and Ctrl-C are noted, and answered between two steps."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ferstream.streams.errors import FerstreamError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(FerstreamError):
    """A run was asked to stop, and has kept everything that it needs to go on."""


@contextmanager
def catch_signals(answer: Callable[[int], None] | None = None, *, repeated: bool = False) -> Iterator[Callable[[], int]]:
    """A function that says which of SIGNALS has come since the block began, 0 while none has; `answer` is called with it.

    A second signal acts as it did before the block, but is caught like the first if `repeated`: a process that another one
    started may be told twice.
    """
    signalled = 0
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def catch(number: int, _frame: FrameType | None) -> None:
        nonlocal signalled
        signalled = number
        if not repeated:
            put_back()
        if answer is not None:
            answer(number)

    for number in SIGNALS:
        signal.signal(number, catch)
    try:
        yield lambda: signalled
    finally:
        put_back()
