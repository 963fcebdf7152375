"""Being asked to stop: SIGTERM and Ctrl-C are heard, and answered between two steps."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ferstream.streams.errors import FerstreamError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(FerstreamError):
    """A run was asked to stop, and has kept everything that it needs to go on."""


@contextmanager
def hearing(answer: Callable[[int], None] | None = None, *, repeated: bool = False) -> Iterator[Callable[[], int]]:
    """A function that says which of SIGNALS has come since the block began, 0 while none has; `answer` is called with it.

    A second one acts as ever, but is heard like the first if `repeated`: a process that another one started may be told twice.
    """
    heard = 0
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def hear(number: int, _frame: FrameType | None) -> None:
        nonlocal heard
        heard = number
        if not repeated:
            put_back()
        if answer is not None:
            answer(number)

    for number in SIGNALS:
        signal.signal(number, hear)
    try:
        yield lambda: heard
    finally:
        put_back()
