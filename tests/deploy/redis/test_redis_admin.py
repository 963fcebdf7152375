"""Operating Redis as the pages say: every command in them, through admin.sh, on a real server, and a change of passwords."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ferstream.streams.local.embedded_redis import find_redis_server
from ferstream.streams.redis_client.connect import connect
from tests.support.deploy.deployed_redis import DEPLOY, DeployedRedis, make_secrets, servers, version_of
from tests.support.deploy.docs import PAGES
from tests.support.patience import PROCESS_S
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_servers import tls_server

ADMIN = DEPLOY / "redis" / "admin.sh"
#: `redis/admin.sh XREVRANGE 'fer:dead:{0}' + - COUNT 5`, in a block or in a line.
NAMED = sorted({said for page in PAGES for said in re.findall(r"redis/admin\.sh ([A-Z][^`#\n]*)", page.read_text("utf-8"))})
REFUSALS = ("NOPERM", "NOAUTH", "WRONGPASS", "ERR", "AUTH failed", "Could not connect")


@pytest.fixture(scope="module", params=servers(), ids=version_of)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRedis]:
    with DeployedRedis(tmp_path_factory.mktemp("redis"), request.param) as server:
        yield server


def admin(folder: Path, command: str, cli: str) -> str:
    """What admin.sh prints, with redis-cli of this machine."""
    path = f"{Path(cli).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "FER_REDIS_VIA": "", "FER_SECRETS": str(folder)}
    shell = ["sh", "-c", f"{ADMIN} {command}"]
    return subprocess.run(shell, env=environment, capture_output=True, text=True, check=True, timeout=PROCESS_S).stdout.strip()


@pytest.mark.parametrize("command", NAMED)
def test_a_command_that_the_pages_name_is_allowed(server, command):
    server.admin.connection_pool.disconnect()  # ACL LOAD, one of the commands, ends every connection that is open
    server.admin.set("fer:shards", 1)
    server.admin.xadd("fer:dead:{0}", {"reason": "bad-jpeg"})
    said = admin(server.folder, command, server.server)
    assert said, command
    assert not said.startswith(REFUSALS), said


def test_the_pages_name_no_other_way():
    assert len(NAMED) > 3
    for page in PAGES:
        assert not re.findall(r"`(?:redis-cli |[A-Z]{3,} [^`]*fer:)[^`]*`", page.read_text("utf-8")), page


def test_what_is_refused_is_seen(server):
    assert admin(server.folder, "FLUSHALL", server.server).startswith("NOPERM")


def test_it_speaks_tls(tmp_path):
    with DeployedRedis(tmp_path, tls_server(), tls=True) as server:
        assert admin(tmp_path, "PING", server.server) == "PONG"


def test_it_finds_a_key_s_primary_on_a_cluster(tmp_path):
    with RedisCluster() as cluster:
        where = ["--cluster", "--host=127.0.0.1", f"--port={cluster.ports[0]}", f"--redis={version_of(find_redis_server())}"]
        assert make_secrets(tmp_path, *where).returncode == 0
        (users,) = (line for line in (tmp_path / "redis_users.acl").read_text().splitlines() if line.startswith("user admin"))
        for node in (cluster.node(port) for port in cluster.ports):
            with node:
                node.execute_command("ACL", "SETUSER", *users.split()[1:])
        for shard in range(6):
            said = admin(tmp_path, f"XADD 'fer:dead:{{{shard}}}' 1-1 reason x", find_redis_server())
            assert said == "1-1"


def test_the_password_is_on_no_command_line(tmp_path):
    """`docker` here writes down how it was called, and what came on its standard input."""
    assert make_secrets(tmp_path / "secrets").returncode == 0
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/called\nenv >>{tmp_path}/called\ncat >{tmp_path}/given\n')
    docker.chmod(0o755)
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "FER_SECRETS": str(tmp_path / "secrets")}
    subprocess.run([ADMIN, "ACL", "LOAD"], env=path, check=True, timeout=PROCESS_S)
    password = (tmp_path / "secrets" / "redis_url_admin").read_text().split(":")[2].split("@")[0]
    called = (tmp_path / "called").read_text()
    assert called.startswith("compose exec -T redis sh -c")
    assert "-h redis -p 6379 --user admin ACL LOAD" in called
    assert password not in called
    assert (tmp_path / "given").read_text().strip() == password


def test_a_new_password_counts_from_acl_load_on_and_the_others_stay(server):
    old, kept = server.url("worker"), server.url("producer")
    server.make_secrets("--new", "worker")
    with connect(old) as client:
        client.get("fer:shards")
    assert admin(server.folder, "ACL LOAD", server.server) == "OK"
    with connect(old) as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.get("fer:shards")
    for url in (server.url("worker"), kept):
        with connect(url) as client:
            client.get("fer:shards")
