"""What `fer-producer` says of cameras: whether a list is right, what a camera shows, which settings there are.

It is asked as a program: the page gives the same errors as the command line, and loads no video library.
"""

import json
import logging
import os
import re
import subprocess
import sys
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ferstream.streams.errors import FerstreamError

log = logging.getLogger(__name__)

#: Seconds that a camera has to show something, and a program to answer.
TRY_S, ANSWER_S = 12.0, 15.0
#: Cameras that are tried at once.
MOST_TRIALS = 2
_COMMAND = (sys.executable, "-c", "from ferstream.streams.programs import producer; producer()")
#: The exit status where cameras are configured wrongly, and how the line begins that says so.
_WRONG, _ERROR = 2, "Error: "
#: The list that is tried is on no disk, as there may be passwords in it.
_FILE = "/dev/stdin"
#: A line of a file that nobody sees.
_PLACE = re.compile(rf"^{re.escape(_FILE)}, line \d+: ")


class ConfigRefused(FerstreamError):
    """The producer does not take the list; the text is its own."""


class TooManyTrials(FerstreamError):
    """As many cameras are tried as may be at once."""


class ProgramFailed(FerstreamError):
    """The producer's program gave no answer."""


class Found(msgspec.Struct, frozen=True):
    """What a camera gave: `state` is ok or failed, `size` as 1280x720, `picture` a data: URL of a JPEG, or nothing."""

    state: str
    size: str
    fps: float
    frames: int
    codec: str
    problem: str
    picture: str


class ProducerProgram:
    """One a server. Its methods wait for the program: call them in a thread."""

    def __init__(self) -> None:
        self._trials = threading.BoundedSemaphore(MOST_TRIALS)

    def validate(self, file: Path, shown: str) -> None:
        """Raises ConfigRefused, with `shown` for the file's name, where no producer would read it; ProgramFailed."""
        answer = _run("check", "--no-open", "--json", "--cameras", str(file))
        if answer.returncode:
            raise ConfigRefused(_said(answer).replace(str(file), shown))

    def try_out(self, name: str, entry: dict[str, object], *, picture: bool) -> Found:
        """Open one camera; what it shows is in the answer where a `picture` is wanted.

        Raises ConfigRefused, TooManyTrials, ProgramFailed.
        """
        if not self._trials.acquire(blocking=False):
            raise TooManyTrials(f"{MOST_TRIALS} cameras are being tried already: try this one in some seconds")
        try:
            return _try_out(name, entry, picture=picture)
        finally:
            self._trials.release()

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """JSON Schemas of all settings of a camera, by name. Raises ProgramFailed."""
        answer = _run("schema")
        if answer.returncode:
            raise _failed(answer)
        _, camera = json.loads(answer.stdout)["properties"]["cameras"]["additionalProperties"]["oneOf"]
        return {name: schema for name, schema in camera["properties"].items() if name not in ("url", "url_file")}


def _try_out(name: str, entry: dict[str, object], *, picture: bool) -> Found:
    cameras = yaml.safe_dump({"cameras": {name: entry}}, allow_unicode=True, sort_keys=False)
    shown = ("--picture", "-", "--no-outlines") if picture else ()
    answer = _run("check", "--json", "--timeout", str(TRY_S), *shown, "--cameras", _FILE, given=cameras)
    if answer.returncode not in (0, 1):
        raise ConfigRefused(_PLACE.sub("", _said(answer)))
    try:
        (found,) = msgspec.json.decode(answer.stdout, type=list[Found])
    except ValueError:
        raise _failed(answer) from None
    return found


def _run(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    """Its answer, where it reads what is `given`. Nothing that this server's variables say to a producer is meant."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FER_")}
    command = [*_COMMAND, *arguments]
    try:
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=ANSWER_S, check=False, env=variables)
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"fer-producer did not answer within {ANSWER_S:g} s: this machine is too busy") from None


def _said(answer: "subprocess.CompletedProcess[str]") -> str:
    """The error with which it ended. Raises ProgramFailed where it was no error of the list."""
    errors = [line.removeprefix(_ERROR) for line in answer.stderr.splitlines() if line.startswith(_ERROR)]
    if answer.returncode != _WRONG or not errors:
        raise _failed(answer)
    return errors[-1]


def _failed(answer: "subprocess.CompletedProcess[str]") -> ProgramFailed:
    log.error("fer-producer ended with %d: %s", answer.returncode, answer.stderr.strip()[-2000:])
    return ProgramFailed("fer-producer has failed; this server's log has what it said")
