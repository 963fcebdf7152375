"""`fer-consumer top`, and lines that fit: over a real Redis, on a terminal of 80 columns."""

import os
import pty
import select
import struct
import subprocess
import termios
import time
from fcntl import ioctl

import click
import pytest

from ferstream.consumer.subscribe.sources import Delivery
from ferstream.consumer.terminal.face_board import GONE_S, FaceBoard
from ferstream.consumer.terminal.formatting import face_line
from ferstream.consumer.tracking.tracker import FaceTracker
from tests.consumer.test_cli import COMMAND, face, publish, result
from tests.support.patience import PROCESS_S


def delivery(one, latency_s=0.05):
    at_ms = round((one.captured_at + latency_s) * 1000)
    return Delivery(one, 0, f"{at_ms}-0")


def seen(board, camera_id="door", seconds=1.0, start=1000.0, faces=None):
    for step in range(round(seconds * 10)):
        board.take([delivery(result(step, camera_id, faces, captured_at=start + step / 10))])


def test_a_face_has_one_row_with_how_long_it_has_been_there():
    board = FaceBoard(FaceTracker())
    seen(board, seconds=3.0)
    [row] = board.rows()
    assert (row.camera_id, row.face.emotion) == ("door", "happiness")
    assert row.seen_at - row.since == pytest.approx(2.9)
    assert board.results_per_second == pytest.approx(10, rel=0.1)
    assert board.median_latency_s == pytest.approx(0.05, abs=0.01)


def test_a_face_that_left_and_a_camera_that_fell_silent_are_gone():
    board = FaceBoard(FaceTracker())
    seen(board)
    seen(board, seconds=GONE_S + 1, start=1001.0, faces=())
    assert board.rows() == []
    assert board.empty_cameras == ["door"]
    board.pass_time(GONE_S + 1)
    assert (board.cameras, board.empty_cameras) == (0, [])


def test_faces_of_two_cameras_do_not_mix():
    board = FaceBoard(FaceTracker())
    seen(board, "yard")
    seen(board, "door")
    assert [row.camera_id for row in board.rows()] == ["door", "yard"]


@pytest.mark.parametrize("width", [80, 60, 45])
def test_a_line_fits_the_terminal_and_names_the_emotion_whatever_its_width(width):
    line = click.unstyle(face_line(delivery(result(1)), face(), width))
    assert len(line) <= width
    assert "happiness" in line
    assert "93%" in line


def test_a_pipe_gets_the_whole_line():
    assert "box 10,20,60,80" in face_line(delivery(result(1)), face())


def on_terminal(command, columns=80, rows=24):
    """The process, with its output on a terminal of that size; and the terminal's other end."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environment)
    os.close(theirs)
    return process, ours


def read_until(screen, words):
    said, until = b"", time.monotonic() + PROCESS_S
    while words not in said:
        assert time.monotonic() < until, said
        if select.select([screen], [], [], 0.1)[0]:
            said += os.read(screen, 65536)
    return said.decode(errors="replace")


def test_top_shows_faces_in_place_on_a_terminal(client, redis_url):
    process, screen = on_terminal([*COMMAND, "top", "--redis", redis_url])
    try:
        read_until(screen, b"No result yet")
        now = time.time()
        for step in range(30):
            publish(client, result(step, "\x1b[31m" + "hall" * 20, captured_at=now + step / 10))
        shown = read_until(screen, b"happiness")
        lines = [click.unstyle(line) for line in shown.splitlines()]
        assert max(map(len, lines)) <= 80
        assert "\x1b[31mhall" not in shown
    finally:
        process.terminate()
        process.communicate(timeout=PROCESS_S)
        os.close(screen)


def test_top_prints_plain_tables_into_a_pipe(client, redis_url):
    process = subprocess.Popen(
        [*COMMAND, "top", "--count", "2", "--redis", redis_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    number = 0
    while process.poll() is None:
        publish(client, result(number := number + 1))
        time.sleep(0.05)
    said, wrong = process.communicate(timeout=PROCESS_S)
    assert process.returncode == 0, wrong
    assert "\x1b" not in said
    assert "door" in said
    assert "happiness" in said


def test_top_says_what_is_wrong(client, redis_url):
    done = subprocess.run(
        [*COMMAND, "top", "--count", "4", "--redis", redis_url], capture_output=True, text=True, timeout=PROCESS_S, check=False
    )
    assert "! no camera has written anything" in done.stdout, done.stderr
