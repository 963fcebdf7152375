"""What `fer-analyze` says of each file, and of all of them."""

import json
import sys
import threading
from pathlib import Path
from typing import Any

import click

from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.clip_report import write_report
from ferstream.streams.local.clips import Clip
from ferstream.streams.local.progress import Progress


class Outcome:
    """Says what came of each file: a line, or a line of JSON."""

    def __init__(self, *, as_json: bool, folder: Path) -> None:
        self.as_json, self._folder = as_json, folder
        self.progress: Progress | None = None
        self.expected: dict[Clip, int] = {}
        self.videos: list[str] = []  # those that are done, by the names of their tables
        self.failures = 0

    def show(self, frames: int) -> None:
        if self.progress:
            self.progress.show(frames)

    def done(self, clip: Clip, record: dict[str, Any], *, already: bool = False) -> None:
        """Of a file that was analysed, now or before."""
        if self.progress:
            self.progress.correct(record["frames"] - self.expected.get(clip, 0))
        if clip.kind == "video":
            self.videos.append(clip.name)
        if self.as_json:
            return self._say(json.dumps(record, ensure_ascii=False))
        tracks = f", {_counted(record['tracks'], 'track')}" if clip.kind == "video" else ""
        frames = _counted(record["frames"], "frame" if clip.kind == "video" else "picture")
        words = f"{frames}, {_counted(record['faces'], 'face')}{tracks}"
        speed = "done already" if already else f"{record['frames_per_second']:.1f} frames/s"
        table = self._folder / record["tables"]["faces"]
        return self._say(f"{clip.shown}: {words}, {speed}: {table}")

    def failed(self, source: str, problem: str) -> None:
        """Of a file that could not be analysed, or not to its end."""
        self.failures += 1
        if self.as_json:
            self._say(json.dumps({"source": source, "state": "failed", "problem": problem}, ensure_ascii=False))
        else:
            if self.progress:
                self.progress.clear()
            click.secho(f"{source}: {problem}", fg="red", err=True)

    def report(self, stop: threading.Event) -> None:
        """Write a report over the videos that are done. With --json nothing is said of it."""
        try:
            page = write_report(self._folder, sorted(self.videos), stop)
        except FerstreamError as error:
            self.failed("report.html", str(error))
        else:
            if not self.as_json:
                self._say(f"report: {page}")

    def _say(self, line: str) -> None:
        if self.progress:
            self.progress.clear()
        click.echo(line)
        sys.stdout.flush()


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
