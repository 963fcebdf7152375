"""The programs by name: what `fer` lists, and where every console script begins.

Importing this loads no library, so that Ctrl-C is quiet from the first moment of a program on.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click

#: As shells report a program that Ctrl-C ended.
INTERRUPTED = 130

#: Each program: the module whose `main` is its command line, imported when it is asked for, and a line about it.
PROGRAMS = {
    "producer": ("ferstream.producer.cli", "Read cameras and push their frames into Redis."),
    "worker": ("ferstream.workers.cli", "Find faces in frames and name their apparent expression."),
    "consumer": ("ferstream.consumer.cli", "Subscribe to the emotions that workers find."),
    "train": ("ferstream.training.cli", "Look at datasets, and train and measure the two models."),
    "demo": ("ferstream.streams.local.demo", "Watch real faces go through the whole path."),
}


def load(program: str) -> "click.Command":
    """The command line of one of PROGRAMS, or of `fer`. Ctrl-C while it is imported ends the process quietly."""
    module = "ferstream.streams.service.umbrella" if program == "fer" else PROGRAMS[program][0]
    with quiet_interrupts():
        command: click.Command = import_module(module).main
    return command


@contextmanager
def quiet_interrupts() -> Iterator[None]:
    """Let Ctrl-C end the process at once, with status 130: for imports, which hold nothing that has to be put in order.

    A KeyboardInterrupt in the middle of an import would show as a traceback, or be swallowed by the library that is imported.
    """
    before: Any = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored (a job in the background), or somebody's own: it stays
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def fer() -> None:
    load("fer")(prog_name="fer")


def producer() -> None:
    load("producer")(prog_name="fer-producer")


def worker() -> None:
    load("worker")(prog_name="fer-worker")


def consumer() -> None:
    load("consumer")(prog_name="fer-consumer")


def train() -> None:
    load("train")(prog_name="fer-train")


def demo() -> None:
    load("demo")(prog_name="fer-demo")
