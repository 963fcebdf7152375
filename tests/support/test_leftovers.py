"""What a test that fails leaves running is found, and nothing else is."""

import subprocess
import sys

from tests.support import leftovers, programs
from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S


def test_a_program_is_found_and_ended_and_another_process_is_not():
    other = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    program = programs.start("consumer", "sink", "sqlite", "--file", "/none/none.db", "--redis", "redis://127.0.0.1:1")
    # For a moment after its exec a process has no command line.
    wait_until(lambda: leftovers.programs_of_ours() == {program.pid})
    leftovers.end({program.pid})
    program.communicate(timeout=PROCESS_S)
    assert program.returncode != 0
    assert leftovers.programs_of_ours() == set()
    assert other.poll() is None
    other.communicate(timeout=PROCESS_S)
