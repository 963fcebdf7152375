"""`fer-up` with real parts: what is killed comes back, what ends does so in order, and nothing stays behind."""

import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ferstream.streams.programs import INTERRUPTED
from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S
from tests.support.programs import alive, children, command, environment, run

SECRET = "hunter2"


class Up:
    """A `fer-up` that runs, with its log in a file."""

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        self._log = folder / "up.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                command("up", *words),
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment(**variables),
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for(self, words: str) -> str:
        """The log, once these words are in it."""
        wait_until(lambda: words in self.log or self.process.poll() is not None, 60)
        assert words in self.log, self.log
        return self.log

    def part(self, mark: str) -> int:
        """The process of a part, by what is in its command line."""
        return wait_until(lambda: next((pid for pid in children(self.process.pid) if mark in arguments(pid)), None))

    def end(self, number: signal.Signals) -> str:
        """Its standard output, after this signal."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=PROCESS_S)[0]


@contextmanager
def up(folder: Path, *words: str, **variables: str) -> Iterator[Up]:
    running = Up(folder, *words, **variables)
    try:
        yield running
    finally:
        running.process.kill()  # its parts end with it
        running.process.communicate()


def asked(address: str, **more: Any) -> Any:
    """What the page's server says, as the browser of somebody on this machine is told it."""
    with urllib.request.urlopen(urllib.request.Request(address, **more), timeout=20) as answer:
        return json.load(answer)


def add_camera(page: str, name: str, url: str) -> None:
    """As an admin does on the page."""
    words = {"X-CSRF-Token": asked(f"{page}api/session")["csrf"], "Origin": page.rstrip("/"), "Content-Type": "application/json"}
    asked(f"{page}api/config/cameras/{name}", data=json.dumps({"url": url, "settings": {}}).encode(), headers=words, method="PUT")


def arguments(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def test_what_is_killed_comes_back_and_all_end_in_the_order_of_a_frame_s_way(tmp_path):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o700)
    words = ("--camera=portraits:", "--sink=jsonl:kept", "--json", "--port=0", "--open")
    with up(tmp_path, *words, BROWSER=f"{browser} %s", FER_PRODUCER_FPS="5") as running:
        address = json.loads(running.process.stdout.readline())["page"]
        assert asked(f"{address}api/status")["prefix"] == "fer"
        running.wait_for("the first result came")
        assert opened.read_text().strip() == address
        for part, mark in (("page", "; dashboard()"), ("worker 1", "; worker()")):
            os.kill(running.part(mark), signal.SIGKILL)
            log = running.wait_for(f"{part:<9} | was killed by SIGKILL")
        wait_until(lambda: all(running.log.count(f"{part:<9} | ready") == 2 for part in ("page", "worker 1")), 60)
        add_camera(address, "second", "portraits:1")
        wait_until(lambda: "second" in {camera["camera_id"] for camera in asked(f"{address}api/cameras")}, 60)
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("the cameras are read again")
        parts = children(running.process.pid)
        account = json.loads(running.end(signal.SIGINT).splitlines()[-1])
        log = running.log
    assert running.process.returncode == 0, log
    assert account["balance"] == 0
    assert account["published"] > 0
    stopped = [line.split(" |")[0].strip() for line in log.splitlines() if line.endswith("| stopping ...")]
    assert stopped == ["producer", "worker 1", "tracker", "jsonl", "page"]
    assert sum(len(file.read_text().splitlines()) for file in (tmp_path / "kept").iterdir()) == account["published"]
    assert "\x1b" not in log
    assert not any(alive(part) for part in parts)


def test_cameras_that_are_wrong_are_one_line_and_nothing_is_started(tmp_path):
    (tmp_path / "cameras.yaml").write_text(f"cameras:\n  door:\n    url: rtsp://u:{SECRET}@10.0.0.5/live\n    fsp: 5\n")
    with up(tmp_path, "--cameras", "cameras.yaml", "--no-page") as running:
        assert running.process.wait(timeout=PROCESS_S) == 2
        assert running.log == "Error: cameras.yaml, line 4: camera door: unknown key fsp (did you mean fps?)\n"
    wrong = run("up", "--camera", "door=gopher://10.0.0.5", "--no-page")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("Error: camera door: no source speaks gopher: ")
    assert wrong.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--no-page",), "no camera: give --camera NAME=URL or --cameras cameras.yaml"),
        (("--sink", "sqlit:results.db"), "it must be KIND:TARGET, where KIND is one of sqlite, "),
        (("--sink", "sqlite:my results.db"), "quote a name with a space"),
        (("--workers", "many"), "--workers"),
        (("--host", "0.0.0.0"), "with --host 0.0.0.0 everybody who reaches this machine could look: give --users FILE"),
        (("--users", "none.txt"), "'--users': File 'none.txt' does not exist"),
        (("--token-file", "none.txt"), "'--token-file': File 'none.txt' does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused(words, told):
    ended = run("up", *words)
    assert ended.returncode == 2
    assert told in ended.stderr


def test_a_port_that_was_asked_for_and_is_taken_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run("up", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "the page cannot listen on 127.0.0.1:" in ended.stderr


def test_no_password_is_shown_and_a_second_signal_leaves_at_once(redis_server, client, tmp_path):
    client.acl_setuser("up", enabled=True, passwords=[f"+{SECRET}"], keys=["*"], channels=["*"], commands=["+@all"])
    url = redis_server.url.replace("unix://", f"unix://up:{SECRET}@")
    (tmp_path / "cameras.yaml").write_text("cameras:\n  hall: 'portraits:'\n")
    try:
        words = ("--cameras", "cameras.yaml", f"--camera=door=rtsp://u:{SECRET}@127.0.0.1:9/none", "--no-page", "-vvv")
        with up(tmp_path, *words, FER_REDIS=url) as running:
            running.wait_for("cameras: door, hall")
            running.part("; producer()")
            parts = children(running.process.pid)
            shown = [arguments(part) for part in parts]
            running.process.send_signal(signal.SIGTERM)
            running.wait_for("Stopping ...")
            running.end(signal.SIGTERM)
            assert running.process.returncode == 143
            wait_until(lambda: not any(alive(part) for part in parts), 10)
    finally:
        client.acl_deluser("up")
    assert all(any(f"; {program}()" in words for words in shown) for program in ("producer", "worker", "consumer"))
    assert SECRET not in "".join(shown) + running.log


def test_a_redis_that_is_away_is_waited_for_aloud(tmp_path):
    with up(tmp_path, "--camera=portraits:", "--no-page", FER_REDIS=f"redis://u:{SECRET}@127.0.0.1:9/0") as running:
        log = running.wait_for("redis     | waiting for redis://")
        assert running.end(signal.SIGINT) == ""
        assert running.process.returncode == INTERRUPTED
    assert SECRET not in log


def test_when_its_own_redis_dies_all_end_and_it_says_what_is_lost(tmp_path):
    with up(tmp_path, "--camera=portraits:", "--no-page") as running:
        running.wait_for("tracker   | starting")
        parts = children(running.process.pid)
        os.kill(running.part("unixsocket"), signal.SIGKILL)
        assert running.process.wait(timeout=PROCESS_S) == 1
        assert running.log.splitlines()[-1].startswith(
            "Error: the embedded Redis ended, and the frames, results and events in it"
        )
    wait_until(lambda: not any(alive(part) for part in parts), 10)
