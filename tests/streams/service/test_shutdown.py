import signal
import subprocess
import sys

import pytest

from tests.support.patience import PROCESS_S

PROGRAM = """
import ctypes, os, signal, sys
from ferstream.streams.service.shutdown import Shutdown

def hang():  # as native code does: a signal interrupts no lock of C's
    print("last", flush=True)
    lock = ctypes.create_string_buffer(64)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(lock)

shutdown = Shutdown()
shutdown.add("first", lambda: print("first", flush=True))
shutdown.add("broken", lambda: 1 / 0)
shutdown.add("last", hang if sys.argv[1] == "hangs" else lambda: print("last", flush=True))
if sys.argv[1] == "at the worst time":
    with shutdown.requested._cond:  # where a wait is for a moment, before it lets go
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(1000))
else:
    print("ready", flush=True)
shutdown.requested.wait()
shutdown.run()
"""


def start(how):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(program):
    try:
        return program.communicate(timeout=PROCESS_S)
    finally:
        program.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_runs_every_step_in_order(number):
    program = start("ends")
    assert program.stdout.readline() == "ready\n"
    program.send_signal(number)
    out, err = end(program)
    assert (program.returncode, out) == (0, "first\nlast\n")
    assert "broken failed" in err


def test_a_signal_that_comes_while_the_main_thread_begins_to_wait_is_heard():
    program = start("at the worst time")
    out, _ = end(program)
    assert (program.returncode, out) == (0, "first\nlast\n")


def test_the_second_signal_leaves_at_once_even_where_native_code_holds_the_main_thread():
    program = start("hangs")
    assert program.stdout.readline() == "ready\n"
    program.send_signal(signal.SIGTERM)
    assert [program.stdout.readline(), program.stdout.readline()] == ["first\n", "last\n"]
    program.send_signal(signal.SIGTERM)
    end(program)
    assert program.returncode == 143
