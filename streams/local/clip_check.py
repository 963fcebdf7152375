"""Looks at every clip once before the analysis: which cannot be read and why, and how many frames there are about."""

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.clip_options import ClipOptions
from ferstream.streams.local.clips import Clip, source_of
from ferstream.streams.local.processes import ProgramProcess

#: Clips that one producer opens side by side.
_SIDE_BY_SIDE = 16
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class ClipFindings:
    """Why clips cannot be read, and of the others how many frames they say they have, and how many a second."""

    problems: dict[Clip, str]
    sizes: dict[Clip, tuple[int, float]]

    def frames(self, clips: Iterable[Clip], options: ClipOptions) -> int:
        """About how many frames will be analysed; 0 where a clip does not say."""
        wanted = [self.frames_of(clip, options) for clip in clips]
        return sum(wanted) if all(wanted) else 0

    def frames_of(self, clip: Clip, options: ClipOptions) -> int:
        """About how many of a clip."""
        frames, fps = self.sizes.get(clip, (0, 0.0))
        if clip.kind == "video" and fps:
            first, last = options.from_s * fps, frames if options.to_s is None else options.to_s * fps
            frames = max(0, round(min(frames, last) - first))
        return -(-frames // options.every)


def check_clips(clips: list[Clip], look: Callable[[], None], *, quiet: bool) -> ClipFindings:
    """Open each clip with `fer-producer check`; `look` is called again and again, and may raise to end it.

    Raises FerstreamError where the check cannot run.
    """
    problems: dict[Clip, str] = {}
    sizes: dict[Clip, tuple[int, float]] = {}
    for start in range(0, len(clips), _SIDE_BY_SIDE):
        some = clips[start : start + _SIDE_BY_SIDE]
        for clip, finding in zip(some, _check(some, look, quiet=quiet), strict=True):
            if finding["state"] == "failed":
                problems[clip] = finding["problem"]
            else:
                sizes[clip] = finding["frames"], finding["fps"]
    return ClipFindings(problems, sizes)


def _check(clips: list[Clip], look: Callable[[], None], *, quiet: bool) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fer-check-")))
        arguments = ["check", "--json", "--as-fast-as-possible", "--timeout", str(_PATIENCE_S)]
        for number, clip in enumerate(clips):
            inside = folder / str(number)
            inside.mkdir()
            arguments += ["--camera", f"{number}={source_of(clip, inside)}"]
        check = ProgramProcess("check", "producer", *arguments, collect=True, log=folder / "log" if quiet else None)
        stack.callback(check.stop)
        while check.running():
            look()
            time.sleep(0.02)
        said = check.stop()
        try:
            findings: list[dict[str, Any]] = json.loads(said)
        except ValueError as error:
            raise FerstreamError(f"the files could not be looked at: {check.last_words()}") from error
        return findings
