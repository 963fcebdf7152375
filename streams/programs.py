"""The programs by name: what `fer` lists, and where every console script begins.

Importing this loads no library and hardly anything of Python's own, so that Ctrl-C is quiet from a program's first moment on.
"""

import os
import signal

TYPE_CHECKING = False  # typing's own costs as much as all the rest here
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any

    import click

EXIT_WRONG_USAGE = 2
#: A server, model, camera or file cannot be used.
EXIT_UNUSABLE = 3
#: As shells report a program that Ctrl-C ended.
INTERRUPTED = 130

#: Each program: the module whose `main` is its command line, imported when it is asked for, and a line about it.
PROGRAMS = {
    "producer": ("ferstream.producer.cli", "Read cameras and push their frames into Redis."),
    "worker": ("ferstream.workers.cli", "Find faces in frames and name their apparent expression."),
    "consumer": ("ferstream.consumer.cli", "Subscribe to the emotions that workers find."),
    "dashboard": ("ferstream.consumer.dashboard.cli", "Serve a page that shows it live."),
    "train": ("ferstream.training.cli", "Look at datasets, and train and measure the two models."),
    "status": ("ferstream.consumer.terminal.status", "See how a whole deployment is, and what is wrong with it."),
    "analyze": ("ferstream.streams.local.analyze", "Analyse video files and pictures."),
    "up": ("ferstream.streams.local.up", "Run everything on this machine, with a page."),
    "demo": ("ferstream.streams.local.demo", "Watch real faces go through the whole path."),
}


def load(program: str) -> "click.Command":
    """The command line of one of PROGRAMS, or of `fer`. Ctrl-C while it is imported ends the process quietly."""
    with QuietInterrupts():
        from importlib import import_module

        module = "ferstream.streams.service.umbrella" if program == "fer" else PROGRAMS[program][0]
        command: click.Command = import_module(module).main
    return command


class QuietInterrupts:
    """While it is entered, Ctrl-C ends the process at once, with status 130: for imports, which leave nothing to put in order.

    A KeyboardInterrupt in the middle of an import would show as a traceback, or be swallowed by the library that is imported.
    Where Ctrl-C is ignored, as for a job in the background, or handled already, it stays so.
    """

    _before: "Any" = None

    def __enter__(self) -> None:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, _leave)

    def __exit__(self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None") -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def _leave(_number: int, _frame: "FrameType | None") -> None:
    os._exit(INTERRUPTED)


def start(program: str, name: str) -> None:
    """Run a program on this process's arguments, under the name that its help shows."""
    try:
        load(program)(prog_name=name)
    except KeyboardInterrupt:  # before a command ran, or after: a command has its own way to end
        os._exit(INTERRUPTED)


def fer() -> None:
    start("fer", "fer")


def producer() -> None:
    start("producer", "fer-producer")


def worker() -> None:
    start("worker", "fer-worker")


def consumer() -> None:
    start("consumer", "fer-consumer")


def dashboard() -> None:
    start("dashboard", "fer-dashboard")


def train() -> None:
    start("train", "fer-train")


def status() -> None:
    start("status", "fer-status")


def up() -> None:
    start("up", "fer-up")


def demo() -> None:
    start("demo", "fer-demo")


def analyze() -> None:
    start("analyze", "fer-analyze")
