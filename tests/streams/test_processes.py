"""The processes of one machine end with whoever started them, also where that could not say goodbye."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleet import wait_until
from tests.support.portrait_clips import make_clip
from tests.support.programs import alive, children, command, environment

LATE = "import sys, time; sys.stdin.readline(); {begin}; time.sleep(600)"


@pytest.mark.parametrize(
    ("program", "words", "parts"),
    [
        ("demo", ("--forever", "--json"), {"redis", "guard", "worker", "producer", "consumer", "dashboard"}),
        ("analyze", ("clip.mp4", "--out", "out"), {"redis", "guard", "worker", "consumer"}),
    ],
)
def test_when_a_program_is_killed_nothing_of_it_stays(program, words, parts, tmp_path):
    if program == "analyze":
        make_clip(tmp_path / "clip.mp4", frames=60)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command(program, *words), cwd=tmp_path, stdout=log, stderr=log, env=environment())
    try:
        wait_until(lambda: {what(child) for child in children(process.pid)} >= parts)
        started = children(process.pid)
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not any(alive(child) for child in started), 10)


def test_a_program_whose_parent_is_gone_before_it_looks_ends_too():
    watched, held = os.pipe()
    begin = f"from ferstream.streams.local.lifeline import end_with_parent; end_with_parent({watched})"
    with subprocess.Popen([sys.executable, "-c", LATE.format(begin=begin)], stdin=subprocess.PIPE, pass_fds=[watched]) as process:
        os.close(watched)
        os.close(held)
        assert process.poll() is None
        assert process.stdin
        process.stdin.close()
        wait_until(lambda: process.poll() is not None)
    assert process.returncode == 1


def what(pid: int) -> str:
    """Which part a process is, by its command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""
    marks = {"redis": "unixsocket", "guard": "os.kill("} | {
        name: f"; {name}()" for name in ("worker", "producer", "consumer", "dashboard")
    }
    return next((part for part, mark in marks.items() if mark in words), "")
