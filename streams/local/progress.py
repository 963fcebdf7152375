"""How far an analysis is: a bar on a terminal, and a line now and then in a pipe."""

import shutil
import sys
import time

import click

#: Seconds between two lines in a pipe.
LINE_S = 10.0
_BAR = 24


class Progress:
    """Shows on standard error how many of `total` frames are done, how fast, and how long it takes. A total of 0 is not known."""

    def __init__(self, total: int, *, shown: bool = True) -> None:
        self._total, self._shown = total, shown
        self._terminal = shown and sys.stderr.isatty()
        self._began: float | None = None
        self._first = 0
        self._last_line = time.monotonic()
        self._drawn = False

    def show(self, done: int) -> None:
        """So many frames are done."""
        now = time.monotonic()
        if self._began is None and done:
            self._began, self._first = now, done
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r{self._bar(done)}{self._words(done, now)}"[:width] + "\x1b[K", nl=False, err=True)
            self._drawn = True
        elif self._shown and done and now - self._last_line >= LINE_S:
            self._last_line = now
            click.echo(self._words(done, now), err=True)

    def correct(self, frames: int) -> None:
        """The total is larger by `frames` than was thought; smaller where that is negative."""
        self._total = max(1, self._total + frames) if self._total else 0

    def clear(self) -> None:
        """Take the bar away, for a line that stays."""
        if self._drawn:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._drawn = False

    def _bar(self, done: int) -> str:
        filled = round(_BAR * min(1.0, done / self._total)) if self._total else 0
        return "█" * filled + "░" * (_BAR - filled) + " "

    def _words(self, done: int, now: float) -> str:
        if self._began is None:
            return "starting ..."
        speed = (done - self._first) / max(1e-3, now - self._began)
        words = f"{done} of {self._total} frames" if self._total else f"{done} frames"
        words += f", {speed:.1f} frames/s"
        left = self._total - done
        return f"{words}, {_clock(left / speed)} left" if left > 0 and speed > 0 else words


def _clock(seconds: float) -> str:
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"
