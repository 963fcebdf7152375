"""Asks a producer whether it would take its cameras, before anything is started."""

import json
import re
import time
from threading import Event

from ferstream.streams.local.parts.part import variables_with
from ferstream.streams.local.processes import ProgramProcess
from ferstream.streams.service.command import WrongUsage


def check_cameras(options: tuple[str, ...], stop: Event) -> list[str]:
    """The names of the cameras that a producer with these options would read; none is opened. Raises WrongUsage."""
    heard: list[str] = []
    words = ("check", "--no-open", "--json", *options)
    check = ProgramProcess("check", "producer", *words, collect=True, hear=heard.append, variables=variables_with("producer"))
    while check.running() and not stop.is_set():
        time.sleep(0.02)
    said = check.stop()
    if stop.is_set():
        return []
    if check.status:
        last = next((line for line in reversed(heard) if line.strip()), "the producer did not say why it refuses the cameras")
        raise WrongUsage(re.sub(r"\S+/fer-\S+/cameras\.yaml, line \d+: ", "", last.removeprefix("Error: ")))
    return [camera["name"] for camera in json.loads(said)]
