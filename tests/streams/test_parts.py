"""What `fer-up` is made of: the watcher of one part, the log of all, and what is asked for in words."""

import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from ferstream.streams.local.cores import share_cores
from ferstream.streams.local.parts.board import Board
from ferstream.streams.local.parts.camera_list import CameraList
from ferstream.streams.local.parts.options import planned_page
from ferstream.streams.local.parts.part import Part, variables_with
from ferstream.streams.local.parts.plan import Page, Plan, Sink, plan_parts
from ferstream.streams.local.parts.watcher import MOST_REFUSALS, Watcher
from ferstream.streams.local.up import main as up
from ferstream.streams.service.backoff import Backoff
from tests.support.fleet import wait_until
from tests.support.programs import environment, run

SAY = "from ferstream.streams.local.parts.board import Board; Board({!r}).say('page', 'it is there', 'good')"


def watcher(program: str, *words: str) -> Watcher:
    part = Part(name=program, program=program, arguments=words, variables=environment())
    return Watcher(part, Board("text"), Backoff(least_s=0.01, most_s=0.02))


def look_until(watched: Watcher, true) -> None:
    def looked() -> bool:
        watched.look(lambda: True)
        return true()

    wait_until(looked, 60)


def test_a_part_that_cannot_run_is_given_up_says_why_and_is_tried_again_when_somebody_asks(capfd):
    watched = watcher("status", "--redis", "unix:///none/redis.sock")
    watched.start()
    look_until(watched, lambda: watched.ended)
    time.sleep(0.1)
    watched.look(lambda: False)
    assert not watched.running, "it is not started while Redis is away"
    look_until(watched, lambda: watched.given_up)
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 1 + MOST_REFUSALS
    assert all(re.match(r"status +\| ended with status 3: .+ Starting it again in 0\.\d s \.\.\.$", line) for line in told[1:-1])
    assert told[-1].endswith(f"That was the {MOST_REFUSALS}th time: it is not started again")
    watched._remind_at = 0.0
    watched.look(lambda: True)
    assert re.search(r"is given up \(.+\): SIGHUP tries again\n$", capfd.readouterr().err)
    watched.send(signal.SIGHUP)
    look_until(watched, lambda: watched.running)
    watched.kill()
    assert not watched.running


def test_wrong_usage_at_the_first_start_is_told_and_not_tried_again(capfd):
    watched = watcher("consumer", "sink", "sqlite")
    watched.start()
    look_until(watched, lambda: watched.refused is not None)
    assert watched.refused == "Missing option '--file'."
    assert len(capfd.readouterr().err.splitlines()) == 1, "that it is started, and no usage"


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_the_log_is_coloured_on_a_terminal_that_wants_it(variables, coloured):
    ours, its = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", SAY.format("auto")], stderr=its, env=environment(TERM="xterm", **variables), check=True, timeout=60
    )
    os.close(its)
    said = b""
    with suppress(OSError):  # a terminal ends with an error
        while part := os.read(ours, 4096):
            said += part
    os.close(ours)
    assert (b"\x1b[" in said) == coloured
    assert b"it is there" in said


def test_a_reader_of_the_log_that_left_is_no_trouble():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", SAY.format("text")], stderr=writing, env=environment(), check=False, timeout=60)
    os.close(writing)
    assert done.returncode in (0, 120)  # 120: Python could not write what it had


def test_a_line_that_a_full_disk_did_not_take_is_not_the_last(monkeypatch):
    board = Board("text")
    with open("/dev/full", "w") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stderr", full)
        board.say("page", "lost")
        with suppress(OSError):
            full.close()
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    board.say("page", "there is room again")
    assert "there is room again" in log.getvalue()


def test_a_log_of_json_has_the_part_in_each_line(capfd):
    board = Board("json")
    board.say("page", "ready")
    board.pass_on("worker 1", '{"logger": "ferstream.workers", "level": "warning", "message": "slow"}')
    board.pass_on("worker 1", "Segmentation fault")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["part"], line["message"]) for line in lines] == [
        ("page", "ready"),
        ("worker 1", "slow"),
        ("worker 1", "Segmentation fault"),
    ]


def test_cameras_of_the_command_line_become_a_file_that_a_producer_reads(tmp_path):
    arguments = ('an "odd" name=portraits:', "hall=rtsp://u:hunter2@10.0.0.5/x?a=b#c", "desk=@desk.url", "film=/films/ä b:c.mkv")
    (tmp_path / "desk.url").write_text("webcam:0\n")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        file, options = CameraList(arguments, fps=5).write(tmp_path)
    finally:
        os.chdir(before)
    ended = run("producer", "check", "--no-open", "--json", *options)
    assert ended.returncode == 0, ended.stderr
    assert file == tmp_path / "cameras.yaml"
    assert [(camera["name"], camera["url"]) for camera in json.loads(ended.stdout)] == [
        ('an "odd" name', "portraits:"),
        ("hall", "rtsp://u:***@10.0.0.5/x?***"),
        ("desk", "webcam:0"),
        ("film", "/films/ä b:c.mkv"),
    ]


def test_cameras_beside_a_file_stand_in_files_of_their_own(tmp_path):
    file, options = CameraList(("hall=rtsp://u:hunter2@10.0.0.5/x", "desk=@desk.url"), Path("cameras.yaml")).write(tmp_path)
    assert file == Path("cameras.yaml")
    assert options == ("--cameras", "cameras.yaml", "--camera", f"hall=@{tmp_path}/camera-1.url", "--camera", "desk=@desk.url")
    assert (tmp_path / "camera-1.url").read_text() == "rtsp://u:hunter2@10.0.0.5/x\n"


def test_a_sink_is_asked_for_in_words():
    assert Sink.parse("sqlite:results.db --keep-days 30") == Sink("sqlite", "results.db", ("--keep-days", "30"))
    assert Sink.parse("webhook:https://h/x?a=b") == Sink("webhook", "https://h/x?a=b", ())
    for wrong in ("", "sqlite", "sqlite:", "csv:x", "sqlite:a b.db"):
        with pytest.raises(ValueError, match=r"KIND|quote"):
            Sink.parse(wrong)


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "http://127.0.0.1:8080/"), ("::1", "http://[::1]:8080/"), ("0.0.0.0", "http://")]
)
def test_the_page_s_address(host, address):
    assert Page(host, 8080).address.startswith(address)
    assert "0.0.0.0" not in Page(host, 8080).address


def test_one_redis_holds_for_all_parts_whatever_the_environment_says(monkeypatch):
    for name in ("FER_REDIS_URL_FILE", "FER_WORKER_REDIS", "FER_WORKER_REDIS_URL_FILE", "FER_WORKER_DEVICE"):
        monkeypatch.setenv(name, "x")
    given = {name: value for name, value in variables_with("worker", FER_REDIS="redis://h").items() if name.startswith("FER_")}
    given = {name: value for name, value in given.items() if not name.startswith(("FER_TEST", "FER_DATA", "FER_EMBEDDED"))}
    assert given == {"FER_REDIS": "redis://h", "FER_WORKER_DEVICE": "x"}


@pytest.mark.parametrize(
    ("hidden", "words", "told"),
    [
        ("starlette", (), "the page needs starlette: pip install '.[dashboard]' in the clone of ferstream, or --no-page"),
        ("openvino torch", (), "workers need a runtime: pip install '.[cpu]' in the clone of ferstream (OpenVINO)"),
        ("paho", ("--no-page", "--camera=portraits:", "--sink=mqtt:h"), "sink mqtt needs paho.mqtt: pip install '.[mqtt]'"),
    ],
)
def test_what_is_not_installed_is_one_line_before_anything_starts(hidden, words, told, monkeypatch):
    for library in hidden.split():
        for name in (library, *(name for name in sys.modules if name.startswith(f"{library}."))):
            monkeypatch.setitem(sys.modules, name, None)
    ended = CliRunner().invoke(up, ["--port", "0", *words])
    assert (ended.exit_code, ended.output.count("\n")) == (3, 1), ended.output
    assert told in ended.output


def test_the_page_takes_another_port_than_one_that_is_taken_and_the_token_that_is_given(tmp_path):
    token = tmp_path / "token"
    token.touch()
    with up.make_context("fer-up", ["--token-file", str(token)]) as ctx, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ctx.params["port"] = other.getsockname()[1]
        page = planned_page(ctx)
        plan = Plan(
            cameras=CameraList(()), workers=share_cores(1), redis_url=None, prefix="fer", page=page, seconds=1, patience_s=1
        )
        started = plan_parts(plan, "unix:///none", Path("cameras.yaml"), (), ()).pages[0].arguments
    assert page.taken == ctx.params["port"] != page.port
    assert " ".join(started).partition(" --token-file ")[2].startswith(f"{token} --token-role viewer")
