"""A Redis whose user may not do what a program needs: one clear line that names the command, exit status 3."""

import subprocess
import sys

import pytest

from ferstream.streams.errors import StoreRefused
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.acl_check import check_rights, dashboard_commands, producer_commands, worker_commands
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.support.patience import PROCESS_S

PASSWORD = "hidden-one"
WORKER = ["from ferstream.workers.cli import main; main()", "run", "--threads=1", "--metrics-port=0"]
PROGRAMS = {
    "producer": ["from ferstream.producer.cli import main; main()", "run", "--camera=a=portraits:", "--metrics-port=0"],
    "worker": WORKER,
    "previews": [*WORKER, "--previews=plain"],
    "tail": ["from ferstream.consumer.cli import main; main()", "tail", "--idle-timeout=5"],
    "log": ["from ferstream.consumer.cli import main; main()", "log", "--metrics-port=0"],
    "cameras": ["from ferstream.consumer.cli import main; main()", "cameras"],
}
ALL = "~* +@all"


@pytest.fixture(scope="module")
def server():
    with EmbeddedRedis() as server:
        yield server


def url_of(server, rights):
    with connect(server.url) as client:
        client.flushall()
        client.execute_command("ACL", "SETUSER", "someone", "reset", "on", f">{PASSWORD}", *rights.split())
    return server.url.replace("unix://", f"unix://someone:{PASSWORD}@")


@pytest.mark.parametrize(
    ("program", "rights", "named"),
    [
        ("producer", f"{ALL} -time", "time"),
        ("producer", f"{ALL} -xadd", "XADD"),
        ("producer", f"{ALL} -eval", "EVAL"),
        ("producer", f"{ALL} -xinfo", "XINFO GROUPS"),
        ("producer", f"{ALL} -xpending", "XPENDING"),
        ("producer", f"{ALL} -hset", "HSET"),
        ("producer", "~other:* +@all", "to access"),
        ("worker", f"{ALL} -info", "info"),
        ("worker", f"{ALL} -xgroup", "xgroup"),
        ("worker", "~fer:frames:* ~fer:shards +@all", "fer:results:{0}"),
        ("worker", f"{ALL} -xdel", "XDEL"),
        ("previews", f"{ALL} -xrevrange", "XREVRANGE"),
        ("previews", f"{ALL} -pexpire", "PEXPIRE"),
        ("previews", "~fer:[^w]* ~fer:workers +@all", "fer:watched"),
        ("tail", f"{ALL} -xread", "xread"),
        ("log", f"{ALL} -xreadgroup", "xreadgroup"),
        ("cameras", f"{ALL} -hgetall", "hgetall"),
    ],
)
def test_a_program_without_its_rights_says_which_and_leaves(server, tmp_path, program, rights, named):
    arguments = [*PROGRAMS[program], "--redis", url_of(server, rights)]
    if program == "log":
        arguments += ["--dir", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", *arguments], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 3, done.stderr
    assert len(said) == 1
    assert "rights" in said[0]
    assert named in said[0]
    assert PASSWORD not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "commands",
    [producer_commands(Keys()), worker_commands(Keys(), "workers", previews=True), dashboard_commands(Keys())],
)
def test_asking_changes_nothing(client, commands):
    check_rights(client, commands)
    assert client.keys() == []


def test_a_full_redis_is_no_lack_of_rights(client):
    client.config_set("maxmemory", 1)
    try:
        check_rights(client, producer_commands(Keys()))
    finally:
        client.config_set("maxmemory", "512mb")


def test_a_role_is_asked_for_every_command(server):
    with connect(url_of(server, f"{ALL} -xack")) as someone, pytest.raises(StoreRefused, match="XACK"):
        check_rights(someone, worker_commands(Keys(), "workers"))
