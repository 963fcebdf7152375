"""Redis's users: each program can do all of its work under its own, on a real server, and nothing that is another's."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ferstream import ResultSubscriber
from ferstream.consumer.dashboard.live.preview_reader import PreviewReader
from ferstream.consumer.deployment.deployment import DeploymentReader
from ferstream.streams.frames.previews import WATCH_S, read_watched, watch
from ferstream.streams.local.embedded_redis import find_redis_server
from ferstream.streams.redis_client.acl_check import check_rights, dashboard_commands
from ferstream.streams.redis_client.connect import connect, connect_async
from ferstream.streams.wire.codec import decode_event, encode_preview
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Preview
from tests.support.deploy.deployed_redis import ROLES, DeployedRedis, make_secrets, servers, version_of
from tests.support.fleet import KEYS, WorkerProcess, add, frame, portrait_jpeg, results, server_now, wait_until
from tests.support.patience import PROCESS_S
from tests.support.redis_cluster import RedisCluster
from tests.test_path import Producer

FRAMES, RESULTS, DEAD, EVENTS = KEYS.frames(0), KEYS.results(0), KEYS.dead(0), KEYS.events(0)
PREVIEW = KEYS.preview("door")


@pytest.fixture(scope="module", params=servers(), ids=version_of)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRedis]:
    with DeployedRedis(tmp_path_factory.mktemp("redis"), request.param) as server:
        yield server


class Program:
    """One program under the URL file of its role. Use as a context."""

    def __init__(self, module: str, role: str, server: DeployedRedis, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    f"from ferstream.{module}.cli import main; main()",
                    *arguments,
                    f"--redis-url-file={server.url_file(role)}",
                ],
                stdout=output,
                stderr=output,
            )

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def test_every_program_does_all_of_its_work_and_is_refused_nothing(server, tmp_path):
    cameras = tmp_path / "cameras.yaml"
    cameras.write_text("cameras: {one: 'portraits:', two: 'portraits:'}")
    written = server.url_file("worker")
    with (
        WorkerProcess(None, "--name=first", "--previews=plain", f"--redis-url-file={written}", log=tmp_path / "first") as first,
        Program("consumer", "consumer", server, tmp_path / "log", "log", f"--dir={tmp_path}/kept", "--metrics-port=0") as logger,
        Program("consumer", "tracker", server, tmp_path / "track", "track", "--left-after=1", "--metrics-port=0") as tracker,
    ):
        first.wait_until_ready()
        now = server_now(server.admin)
        add(server.admin, frame(1, portrait_jpeg(), now - 90, 60.0))  # expires
        add(server.admin, frame(2, b"no jpeg", now))  # becomes a dead letter
        with Program(
            "producer", "producer", server, tmp_path / "producer", "run", f"--cameras={cameras}", "--fps=4", "--metrics-port=0"
        ) as producer:
            server.admin.hset(KEYS.watched, "320 one", repr(now + 3600))
            wait_until(lambda: {result.camera_id for result in results(server.admin)} >= {"one", "two"})
            wait_until(lambda: server.admin.exists(KEYS.preview("one")))
            cameras.write_text("cameras: {one: 'portraits:'}")
            producer.process.send_signal(signal.SIGHUP)
            wait_until(lambda: not server.admin.hexists(KEYS.cameras, "two"))
            # A worker that dies leaves frames to another.
            first.process.kill()
            wait_until(lambda: server.admin.xlen(FRAMES) >= 2)
            server.admin.xreadgroup("workers", "first", {FRAMES: ">"}, count=1)
            with WorkerProcess(server.url("worker"), "--name=second", "--claim-after=0.2", log=tmp_path / "second") as second:
                wait_until(lambda: "second" in {result.worker for result in results(server.admin)})
                assert producer.stop() == 0
                wait_until(lambda: server.admin.xlen(FRAMES) == 0)
                assert second.wait_until_ready().stop() == 0
        said = subprocess.run(
            [
                sys.executable,
                "-c",
                "from ferstream.consumer.cli import main; main()",
                "tail",
                "--json",
                "--from=0",
                "--count=3",
                f"--redis-url-file={server.url_file('consumer')}",
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=PROCESS_S,
        )
        assert len([json.loads(line) for line in said.stdout.splitlines()]) == 3
        with Program("consumer", "consumer", server, tmp_path / "cameras", "cameras") as cameras_command:
            assert cameras_command.process.wait(30) == 0
        wait_until(lambda: any(Path(tmp_path / "kept").glob("*")))
        assert logger.stop() == 0
        # Faces appear, and leave when nothing comes any more.
        wait_until(lambda: {"appeared", "left"} <= {decode_event("1-0", one).kind for _, one in server.admin.xrange(EVENTS)})
        assert tracker.stop() == 0
    assert server.admin.xlen(DEAD) == 1
    assert server.refused() == set(), "a program needs a right that users.acl.template does not give"
    assert "refused" not in "".join((tmp_path / name).read_text() for name in ("producer", "second", "log", "cameras", "track"))


def test_a_redis_cluster_takes_the_same_users(tmp_path):
    with RedisCluster() as cluster:
        where = ["--cluster", "--host=127.0.0.1", f"--port={cluster.ports[0]}", f"--redis={version_of(find_redis_server())}"]
        assert make_secrets(tmp_path, *where).returncode == 0
        for node in (cluster.node(port) for port in cluster.ports):
            with node:
                for line in (tmp_path / "redis_users.acl").read_text().splitlines()[1:]:
                    node.execute_command("ACL", "SETUSER", *line.split()[1:])
        urls = {role: (tmp_path / f"redis_url_{role}").read_text() for role in ROLES}
        shards = "--shards=6"
        with (
            WorkerProcess(urls["worker"], shards, log=tmp_path / "worker").wait_until_ready() as worker,
            Producer(
                urls["producer"], shards, "--fps=4", *(f"--camera={name}=portraits:" for name in "abc"), log=tmp_path / "producer"
            ) as producer,
        ):
            seen: set[str] = set()
            with ResultSubscriber(urls["consumer"], from_="0", group="loggers", idle_timeout_s=30) as subscriber:
                for result in subscriber:
                    seen.add(result.camera_id)
                    if seen == set("abc"):
                        break
            assert producer.stop()["written"] > 0
            assert worker.stop() == 0
        for node in (cluster.node(port) for port in cluster.ports):
            with node:
                assert {entry["object"] for entry in node.acl_log()} <= {"client"}


#: What each may do beyond what the fleet above did: what it does after a lost reply, and what redis_exporter asks.
ALLOWED = {
    "producer": [f"XLEN {FRAMES}", f"HGET {KEYS.last(0)} one"],
    "worker": [f"XRANGE {RESULTS} 0 +", f"XREVRANGE {PREVIEW} + - COUNT 1", f"HGETALL {KEYS.watched}", f"PEXPIRE {PREVIEW} 10"],
    "consumer": [
        *(f"XINFO STREAM {RESULTS}", f"HGETALL {KEYS.workers}", f"HGETALL {KEYS.trackers}", f"XREAD STREAMS {EVENTS} 0"),
        *(f"HSET {KEYS.sinks} minutes x", f"HDEL {KEYS.sinks} minutes", "EVAL return{} 0"),
        *(f"XGROUP CREATE {RESULTS} readers 0", f"XINFO GROUPS {RESULTS}", f"XINFO CONSUMERS {RESULTS} readers"),
        *(f"XCLAIM {RESULTS} readers me 1 0-1 JUSTID", f"XADD {KEYS.audit} * a x"),
    ],
    "dashboard": [
        *(
            "INFO memory",
            f"XREAD STREAMS {EVENTS} {RESULTS} {PREVIEW} 0 0 0",
            f"XINFO STREAM {RESULTS}",
            f"XADD {KEYS.audit} * a x",
        ),
        *(f"HGETALL {name}" for name in (KEYS.cameras, KEYS.workers, KEYS.trackers, KEYS.sinks, KEYS.watched)),
        *(f"HSET {KEYS.watched} door x", f"PEXPIRE {KEYS.watched} 1000", f"HDEL {KEYS.watched} door"),
    ],
    "tracker": [f"HDEL {KEYS.tracks(0)} door", f"XREAD STREAMS {RESULTS} 0", f"XADD {KEYS.audit} * a x"],
    "metrics": ["INFO all", "SLOWLOG LEN", "LATENCY LATEST", "PING", "CLIENT SETNAME exporter"],
    "admin": [
        *("INFO all", "CONFIG GET maxmemory", "CLIENT LIST", "ACL LIST", "ACL LOG", "SLOWLOG GET", "DBSIZE", "PING"),
        *(f"XREVRANGE {DEAD} + -", f"XINFO STREAM {FRAMES} FULL", f"MEMORY USAGE {FRAMES}", f"HGETALL {KEYS.cameras}"),
        *(f"XTRIM {RESULTS} MAXLEN 9", f"DEL {KEYS.shard_count}", f"DEL {DEAD}", f"XGROUP DESTROY {FRAMES} nobody"),
    ],
}
NOBODY = (
    "FLUSHALL",
    "FLUSHDB",
    "SWAPDB 0 1",
    "KEYS *",
    "SCAN 0",
    "CONFIG SET maxmemory 1",
    "ACL SETUSER admin +@all",
    "ACL DELUSER worker",
    "SHUTDOWN NOSAVE",
    "MONITOR",
    "CLIENT KILL TYPE normal",
    "REPLICAOF 127.0.0.1 1",
    "SUBSCRIBE anything",
    f"XADD {Keys('other').frames(0)} * j x",
    f"XRANGE {Keys('other').results(0)} - +",
    f"DEL {Keys('other').results(0)}",
)
#: Frames end in a script, sinks take a group in one, and `fer status` reads the account with one; it may do what its user may.
NO_SCRIPTS = ("metrics",)
ONLY_ADMIN = (
    "CONFIG GET *",
    "ACL LIST",
    "ACL LOAD",
    "CLIENT LIST",
    f"DEL {RESULTS}",
    f"DEL {FRAMES}",
    f"XTRIM {FRAMES} MAXLEN 0",
    f"DUMP {FRAMES}",
)
PROGRAMS_MAY_NOT = {
    "producer": (
        f"XREADGROUP GROUP workers p STREAMS {FRAMES} >",
        f"XREAD STREAMS {RESULTS} 0",
        f"XADD {RESULTS} * r x",
        f"XRANGE {RESULTS} - +",
        f"XRANGE {DEAD} - +",
    ),
    "worker": (
        f"HSET {KEYS.watched} door x",
        f"HSET {KEYS.cameras} door x",
        f"HGETALL {KEYS.cameras}",
        f"HSET {KEYS.last(0)} door x",
    ),
    # Pictures are in frames, and may be in dead letters.
    "consumer": (
        f"XRANGE {FRAMES} - +",
        f"XREVRANGE {FRAMES} + -",
        f"XREAD STREAMS {FRAMES} 0",
        f"XREADGROUP GROUP workers spy STREAMS {FRAMES} >",
        f"XINFO STREAM {FRAMES} FULL",
        f"XREVRANGE {DEAD} + -",
        f"XADD {RESULTS} * r x",
        f"XADD {EVENTS} * e x",
        f"XREVRANGE {KEYS.audit} + -",
        f"HGETALL {KEYS.tracks(0)}",
        f"HSET {KEYS.cameras} door x",
        f"HSET {KEYS.workers} w x",
        f"SET {KEYS.shard_count} 2",
        f"XREAD STREAMS {PREVIEW} 0",
        f"HSET {KEYS.watched} door x",
    ),
    "dashboard": (
        f"XRANGE {FRAMES} - +",
        f"XREAD STREAMS {FRAMES} 0",
        f"XINFO STREAM {FRAMES}",
        f"XREVRANGE {DEAD} + -",
        f"XADD {RESULTS} * r x",
        f"XADD {PREVIEW} * j x",
        f"PEXPIRE {PREVIEW} 1000000",
        f"PEXPIRE {RESULTS} 1",
        f"HSET {KEYS.account(0)} captured 1",
        f"HSET {KEYS.cameras} door x",
        f"HDEL {KEYS.workers} w",
        f"XREVRANGE {KEYS.audit} + -",
        f"SET {KEYS.shard_count} 2",
    ),
    "tracker": (
        f"XREAD STREAMS {FRAMES} 0",
        f"XADD {RESULTS} * r x",
        f"XREVRANGE {DEAD} + -",
        f"HSET {KEYS.cameras} door x",
        f"SET {KEYS.shard_count} 2",
    ),
    "metrics": (f"XRANGE {RESULTS} - +", f"GET {KEYS.shard_count}", f"XINFO STREAM {FRAMES}", f"MEMORY USAGE {FRAMES}"),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_its_own_and_nothing_else(server, role):
    server.admin.xadd(FRAMES, {"j": "picture"})
    server.admin.xadd(RESULTS, {"r": "result"})
    client = connect(server.url(role))
    refused = set()
    forbidden = {
        *NOBODY,
        *(["EVAL return 1 0"] if role in NO_SCRIPTS else []),
        *(() if role == "admin" else (*ONLY_ADMIN, *PROGRAMS_MAY_NOT[role])),
    }
    for line in (*ALLOWED[role], *forbidden):
        try:
            client.execute_command(*line.split())
        except redis.exceptions.NoPermissionError:
            refused.add(line)
    client.close()
    assert refused == forbidden
    server.refused()


async def test_a_page_shows_how_it_all_is_and_previews_but_no_frame(server):
    server.admin.delete(FRAMES, KEYS.workers)
    server.admin.xgroup_create(FRAMES, "workers", id="0", mkstream=True)
    server.admin.xadd(FRAMES, {"j": "picture"})
    server.admin.xreadgroup("workers", "one", {FRAMES: ">"})
    server.admin.hset(KEYS.account(0), "captured", 1)
    server.admin.set(KEYS.shard_count, 1)
    one = Preview(camera_id="door", sequence=1, captured_at=1.0, width=4, height=4, blurred=False, jpeg=b"jpeg")
    server.admin.xadd(PREVIEW, encode_preview(one))
    with connect(server.url("dashboard")) as client:
        check_rights(client, dashboard_commands(KEYS))
        seen = DeploymentReader(client, KEYS.prefix).read()
        old = float(server.version) < 7
        assert (seen.server is None, seen.account is None, seen.oldest_waiting_s is None) == (False, old, old)
        assert seen.hidden == {"others"} | ({"account", "frames"} if old else set())
        for change in ("XRANGE", "XREVRANGE"):
            with pytest.raises(redis.exceptions.ResponseError):
                client.eval(f"return redis.call('{change}', KEYS[1], '-', '+')", 1, FRAMES)
        with pytest.raises(redis.exceptions.ResponseError):
            client.eval("return redis.call('DEL', KEYS[1])", 1, FRAMES)
    async with connect_async(server.url("dashboard")) as client:
        await watch(client, KEYS, {"door": 320}, server_now(server.admin) + WATCH_S)
        reader = PreviewReader(client, KEYS)
        assert await reader.read(["door"], 1.0) == [one]
        await reader.close()
    assert "door" in read_watched(server.admin, KEYS, server_now(server.admin))
    server.refused()


def test_without_a_name_and_password_there_is_nothing_to_see(server):
    client = connect(f"redis://localhost:{server.port}")
    with pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()
    client.close()


def test_secrets_are_kept_unless_new_ones_are_wanted(tmp_path):
    def all_of() -> dict[str, str]:
        return {file.name: file.read_text() for file in tmp_path.iterdir()}

    assert make_secrets(tmp_path).returncode == 0

    first = all_of()
    mounted = (tmp_path / "redis_users.acl").open()  # a container holds the file, not its name
    assert make_secrets(tmp_path).returncode == 0
    assert all_of() == first
    assert make_secrets(tmp_path, "--new", "worker").returncode == 0
    assert {name for name, text in all_of().items() if text != first[name]} == {"redis_url_worker", "redis_users.acl"}
    assert make_secrets(tmp_path, "--new").returncode == 0
    assert not set(all_of().values()) & set(first.values())
    with mounted:
        assert mounted.read() == all_of()["redis_users.acl"], "a container that runs would see the old file for good"


def test_nobody_else_of_this_machine_reads_secrets_and_the_server_holds_no_password(tmp_path):
    folder = tmp_path / "secrets"
    said = make_secrets(folder, "--prefix", "site-a")
    assert folder.stat().st_mode & 0o777 == 0o700
    acl = (folder / "redis_users.acl").read_text()
    for role in ROLES:
        password = (folder / f"redis_url_{role}").read_text().split(":")[2].split("@")[0]
        assert len(password) > 30
        assert password not in acl + said.stdout + said.stderr
    assert "~site-a:frames:*" in acl
    assert "~fer:" not in acl


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    done = make_secrets(tmp_path / "file" / "secrets")
    assert done.returncode == 1
    assert done.stderr.startswith("make_secrets: ")
    assert len(done.stderr.splitlines()) == 1
