"""The analysis of one clip: a producer reads it, workers answer, a collector writes the tables, and then it is drawn."""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from ferstream.streams.errors import FerstreamError
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import read_statuses
from ferstream.streams.local.analysis_record import AnalysisRecord
from ferstream.streams.local.clip_options import ClipOptions
from ferstream.streams.local.clips import Clip, source_of
from ferstream.streams.local.processes import ProgramProcess
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.service.named_file import as_text
from ferstream.streams.wire.keys import Keys

_LOOK_S = 0.05


class Stopped(FerstreamError):
    """The analysis was told to stop."""


class ClipError(FerstreamError):
    """One clip could not be analysed, or not wholly; the others can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machinery:
    """What all clips share: the embedded server at `url`, and whether to stop."""

    url: str
    client: "redis.Redis"
    look: Callable[[], None]  # raises where the work cannot go on
    stop: threading.Event
    shared: tuple[str, ...]  # how every program logs
    quiet: bool  # whether what programs log goes into a file


class ClipRun:
    """Analyses one clip under the camera's name `camera`. `run` may be called once."""

    def __init__(self, clip: Clip, camera: str, options: ClipOptions, record: AnalysisRecord, machinery: Machinery) -> None:
        self._clip, self._camera, self._options, self._record, self._machinery = clip, camera, options, record, machinery

    def run(self) -> dict[str, Any]:
        """The record of what was done. Raises ClipError, Stopped, and FerstreamError where no clip can be analysed."""
        self._record.begin()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fer-clip-")))
            begun = time.monotonic()
            said, problem = self._analyse(stack, folder)
            seconds = time.monotonic() - begun
            if not said["frames"]:
                raise ClipError(problem or "there is no frame to analyse in it")
            if self._options.video:
                self._draw(stack, folder)
        if problem:
            raise ClipError(f"only {said['frames']} frames could be analysed, which are in the tables: {problem}")
        speed = {"seconds": round(seconds, 3), "frames_per_second": round(said["frames"] / seconds, 2)}
        return self._record.finish(self._options.outputs(self._clip.name, self._clip.kind), said | speed)

    def _analyse(self, stack: ExitStack, folder: Path) -> tuple[dict[str, Any], str]:
        """What the collector says, and why the source ended early, if it did."""
        collector = self._start(stack, folder, "collector", "consumer", *self._collector_arguments(folder), listens=True)
        source = source_of(self._clip, folder)
        producer = self._start(stack, folder, "producer", "producer", *self._producer_arguments(source))
        while producer.running():
            self._look(collector)
        totals = _totals(producer)
        collector.tell(json.dumps({"frames": totals["written"]}))
        while collector.running():
            self._look(None)
        if collector.status:
            raise ClipError(collector.last_words())
        said = _totals(collector)
        return said, self._problem() or self._lost(totals, said)

    def _draw(self, stack: ExitStack, folder: Path) -> None:
        options = self._options
        out = self._record.folder / options.outputs(self._clip.name, self._clip.kind)["drawn"]
        what = ("--pictures", str(folder / "pictures.json")) if self._clip.kind == "pictures" else ("--video", self._url(folder))
        arguments = ["draw", *what, "--marks", str(folder / "marks"), "--out", str(out), "--every", str(options.every)]
        arguments += ["--blur"] * options.blur + ["--to-last"] * (options.to_s is not None)
        drawer = self._start(stack, folder, "drawing", "consumer", *arguments, *self._machinery.shared)
        while drawer.running():
            self._look(None)
        if drawer.status:
            raise ClipError(f"its tables are written, but it could not be drawn: {drawer.last_words()}")

    def _collector_arguments(self, folder: Path) -> list[str]:
        options = self._options
        arguments = ["collect", "--redis", self._machinery.url, *self._machinery.shared, "--camera", self._camera]
        arguments += ["--from", self._position(), "--every", str(options.every), "--smooth", f"{options.smooth_s:g}"]
        if not options.from_s:
            arguments += ["--first", "0"]
        arguments += ["--out", str(self._record.folder), f"--name={self._clip.name}", "--format", options.format]
        arguments += [f"--emotion={emotion}" for emotion in options.emotions]
        if options.video:
            arguments += ["--marks", str(folder / "marks")]
        if self._clip.kind == "pictures":
            names = folder / "names.json"
            names.write_text(json.dumps([file.name for file in self._clip.files]), "utf-8")
            (folder / "pictures.json").write_text(json.dumps([str(file) for file in self._clip.files]), "utf-8")
            arguments += ["--pictures", str(names)]
        return arguments

    def _producer_arguments(self, source: str) -> list[str]:
        options = self._options
        arguments = ["run", "--redis", self._machinery.url, *self._machinery.shared, "--json", "--metrics-port", "0"]
        arguments += ["--camera", f"{self._camera}={source}", "--as-fast-as-possible", "--frame-numbers"]
        arguments += ["--every", str(options.every), "--max-side", str(options.max_side)]
        arguments += ["--jpeg-quality", str(options.jpeg_quality)]
        if self._clip.kind == "video":
            arguments += ["--from", f"{options.from_s:g}"]
            arguments += ["--to", f"{options.to_s:g}"] if options.to_s is not None else []
        return arguments

    def _url(self, folder: Path) -> str:
        """What the drawing is given: the same."""
        return str(folder / "clip") if self._clip.files else f"@{folder / 'url'}"

    def _start(
        self, stack: ExitStack, folder: Path, name: str, program: str, *arguments: str, listens: bool = False
    ) -> ProgramProcess:
        log = folder / f"{name}.log" if self._machinery.quiet else None
        process = ProgramProcess(name, program, *arguments, collect=True, listens=listens, log=log)
        stack.callback(process.stop)
        return process

    def _look(self, collector: ProgramProcess | None) -> None:
        """Raises where the work cannot go on."""
        if self._machinery.stop.wait(_LOOK_S):
            raise Stopped("stopped")
        self._machinery.look()
        if collector is not None and not collector.running():
            raise ClipError(collector.last_words())

    def _position(self) -> str:
        """The entry id after which this clip's results come."""
        with translated():
            last: Any = self._machinery.client.xrevrange(Keys().results(0), count=1)
        return last[0][0].decode() if last else "0"

    def _lost(self, totals: Mapping[str, Any], said: Mapping[str, Any]) -> str:
        """What speaks against it that every frame has a result."""
        without = said["without_result"]
        if self._clip.kind == "pictures":
            names = ", ".join(as_text(self._clip.files[number].name) for number in without)
            return f"no picture that can be read: {names}" if without else ""
        if missing := totals["captured"] - said["frames"]:
            return f"{missing} of {totals['captured']} frames have no result (frame {', '.join(map(str, without))})"
        return ""

    def _problem(self) -> str:
        """Why the source could not be read to its end, in its producer's words."""
        statuses = read_statuses(self._machinery.client, Keys().cameras, CameraStatus)
        return next((status.problem for status in statuses if status.camera_id == self._camera), "")


def _totals(process: ProgramProcess) -> dict[str, Any]:
    """The sums of a program that has ended. Raises ClipError where it left without."""
    try:
        return process.totals()
    except FerstreamError as error:
        raise ClipError(str(error)) from error
