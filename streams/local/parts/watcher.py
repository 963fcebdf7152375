"""Keeps one part running: starts it, sees that it is ready, starts it again when it has ended, and ends it."""

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from ferstream.streams.local.parts.board import Board
from ferstream.streams.local.parts.part import Part
from ferstream.streams.local.processes import ProgramProcess, is_ready
from ferstream.streams.programs import EXIT_UNUSABLE, EXIT_WRONG_USAGE
from ferstream.streams.service.backoff import Backoff

#: After so many starts in a row that ended as wrong usage or unusable, a part is given up: the next one would too.
MOST_REFUSALS = 5
#: Seconds between two lines of one that is given up.
REMIND_S = 60.0
#: How click begins the line with which a program ends, and those before it where it is used wrongly.
_ERROR, _USAGE = "Error: ", ("Usage: ", "Try '")


class Watcher:
    """One part that is to run. All but the lines of its log happens in the thread that calls `look`."""

    def __init__(self, part: Part, board: Board, backoff: Backoff | None = None) -> None:
        self.part, self._board = part, board
        self._process: ProgramProcess | None = None
        self._backoff = backoff or Backoff(least_s=0.5, most_s=15.0)
        self._start_at: float | None = None  # when it is due again
        self._started = 0.0
        self._refusals = 0
        self._words = ""  # the last of its process
        self._status: int | None = None  # of its last process that ended
        self.ready = False
        self.was_ready = False
        self.given_up = False
        self._remind_at = 0.0
        self.sums: Counter[str] = Counter()  # of all its processes that said them

    def start(self) -> None:
        port = self.part.metrics_port
        self._board.say(self.part.name, "starting ..." + (f" (metrics on port {port})" if port else ""))
        self._run()

    def look(self, may_start: Callable[[], bool]) -> None:
        """See what has changed; start it again where that is due, and `may_start` agrees."""
        if self._process is None:
            self._remind()
            if self._start_at is not None and time.monotonic() >= self._start_at and may_start():
                self._run()
        elif not self._process.running():
            self._ended(self._collect())
        elif not self.ready and self.part.metrics_port and is_ready(self.part.metrics_port):
            self.ready = self.was_ready = True
            self._refusals = 0
            self._backoff.succeeded()
            self._board.say(self.part.name, f"ready after {time.monotonic() - self._started:.1f} s")

    @property
    def refused(self) -> str | None:
        """What it said where it ended as wrongly used before it was ever ready: nothing will come of starting it again."""
        wrong = self._status == EXIT_WRONG_USAGE and not self.was_ready
        return (self._words or "it did not say why") if wrong else None

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def ended(self) -> bool:
        """Whether a process of it has ended, and none runs now."""
        return self._process is None and self._status is not None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal. One that was given up is tried again: what was wrong may be mended."""
        if self._process is not None:
            self._process.send(number)
        elif self.given_up:
            self.given_up, self._refusals, self._start_at = False, 0, time.monotonic()

    def stop(self) -> None:
        """End it in order, within STOP_S, for good."""
        self._start_at = None
        if self._process is not None:
            self._board.say(self.part.name, "stopping ...")
            if self._collect() not in (0, -signal.SIGTERM):
                self._board.say(self.part.name, f"{_ending(self._status)}: {self._words}", "warning")

    def kill(self) -> None:
        """End it now, for good."""
        self._start_at = None
        if self._process is not None:
            self._process.send(signal.SIGKILL)
            self._collect()

    def _run(self) -> None:
        part = self.part
        self._start_at, self._started, self._words, self.ready = None, time.monotonic(), "", False
        self._process = ProgramProcess(
            part.name, part.program, *part.arguments, collect=part.sums, hear=self._hear, variables=part.variables
        )

    def _hear(self, line: str) -> None:
        if not line.strip() or line.startswith(_USAGE):
            return
        self._words = line.removeprefix(_ERROR).strip()
        if not line.startswith(_ERROR):  # that one is told with the end of the process
            self._board.pass_on(self.part.name, line)

    def _collect(self) -> int | None:
        """Take leave of the process; returns its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        said = process.stop().strip().splitlines()
        self._status = process.status
        if self.part.sums and said:
            with suppress(ValueError):  # it was killed in the middle of them
                self.sums.update({name: number for name, number in json.loads(said[-1]).items() if isinstance(number, int)})
        return self._status

    def _remind(self) -> None:
        if self.given_up and time.monotonic() >= self._remind_at:
            self._remind_at = time.monotonic() + REMIND_S
            self._board.say(self.part.name, f"is given up ({self._words}): SIGHUP tries again", "error")

    def _ended(self, status: int | None) -> None:
        told = f"{_ending(status)}{': ' if self._words else ''}{self._words}"
        if self.part.ends_all or self.refused:
            return
        self._refusals += status in (EXIT_WRONG_USAGE, EXIT_UNUSABLE)
        if self._refusals >= MOST_REFUSALS:
            self.given_up, self._remind_at = True, time.monotonic() + REMIND_S
            self._board.say(self.part.name, f"{told}. That was the {MOST_REFUSALS}th time: it is not started again", "error")
            return
        wait_s = self._backoff.failed()
        self._start_at = time.monotonic() + wait_s
        self._board.say(self.part.name, f"{told}. Starting it again in {wait_s:.1f} s ...", "warning")


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:  # a signal that Python has no name for
            return f"was killed by signal {-status}"
    return f"ended with status {status}"
