import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import sys, time
from ferstream.streams.service.shutdown import Shutdown
shutdown = Shutdown()
shutdown.add("first", lambda: print("first", flush=True))
shutdown.add("broken", lambda: 1 / 0)
shutdown.add("last", lambda: (print("last", flush=True), time.sleep(float(sys.argv[1]))))
print("ready", flush=True)
shutdown.requested.wait(30)
shutdown.run()
"""


def start(last_step_s):
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(last_step_s)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout.readline() == "ready\n"
    return program


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_runs_every_step_in_order(number):
    program = start(0)
    program.send_signal(number)
    out, err = program.communicate(timeout=10)
    assert (program.returncode, out) == (0, "first\nlast\n")
    assert "broken failed" in err


def test_the_second_signal_leaves_at_once():
    program = start(30)
    begun = time.monotonic()
    program.send_signal(signal.SIGTERM)
    assert [program.stdout.readline(), program.stdout.readline()] == ["first\n", "last\n"]
    program.send_signal(signal.SIGTERM)
    program.communicate(timeout=10)
    assert program.returncode == 143
    assert time.monotonic() - begun < 5
