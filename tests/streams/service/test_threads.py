import subprocess
import sys

import pytest

from tests.support.patience import PROCESS_S

PROGRAM = """
import sys, time
from ferstream.streams.service.logs import configure_logging
from ferstream.streams.service.threads import vital_thread
configure_logging("info", sys.argv[1])
vital_thread(lambda: None, "well").start()
def fail(url):
    raise ValueError(f"no such thing: {url}")
vital_thread(fail, "ill", ("rtsp://user:p@ss w?rd@host/path?token=secret",)).start()
time.sleep(60)
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_thread_that_dies_takes_its_process_with_it_and_says_why_without_a_password(log_format):
    program = [sys.executable, "-c", PROGRAM, log_format]
    done = subprocess.run(program, capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert done.returncode == 70
    assert "the thread ill died" in done.stderr
    assert "in fail" in done.stderr
    assert "no such thing: rtsp://***@host/path?***" in done.stderr
    assert not any(secret in done.stderr for secret in ("p@ss", "w?rd", "secret"))
