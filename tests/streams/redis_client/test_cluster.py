"""Frames and their account on a real Redis Cluster of three primaries, of Valkey and of Redis."""

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager

import pytest
import trustme

from ferstream.streams.errors import GroupGone, StoreFull, StoreRefused, StoreUnavailable
from ferstream.streams.frames.account import read_account
from ferstream.streams.frames.finish import FrameFinisher, answered, dead, expired
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.frames.writer import FrameWriter, UnaccountedDrops
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.cluster import node_of
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect, connect_async
from ferstream.streams.redis_client.preflight import check_server
from ferstream.streams.wire.keys import Keys
from tests.streams.frames.test_finish import add, result
from tests.support.fleet import frame
from tests.support.redis_cluster import RedisCluster, free_ports
from tests.support.redis_servers import tls_server

KEYS = Keys(shards=6)


@pytest.fixture
def client(cluster):
    client = connect(cluster.url)
    yield client
    client.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="of Linux")
def test_the_kernel_sends_nothing_that_was_given_up(cluster, client):
    """After a break of a line of more than seven seconds it sent a frame that had been counted as dropped."""
    with connect(f"redis://127.0.0.1:{cluster.ports[0]}") as alone:
        for one in (alone, node_of(client, KEYS.frames(0))):
            connection = one.connection_pool.get_connection()
            given_up_ms = connection._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            one.connection_pool.release(connection)
            assert 0 < given_up_ms < 1000 * connection.socket_timeout


def reader_of(client, shard, consumer="w", claim_after_s=60):
    reader = FrameReader(client, KEYS, group="workers", consumer=consumer, claim_after_s=claim_after_s, shards=[shard])
    reader.join()
    return reader


def writer_of(client, camera, drops, **settings):
    clock = ServerClock()
    clock.set_from(client)
    return FrameWriter(
        client,
        KEYS,
        clock,
        camera,
        group="workers",
        drops=UnaccountedDrops(),
        on_dropped=lambda *drop: drops.append(drop),
        **({"budget_bytes": 1 << 20} | settings),
    )


def end(client, shard, *endings):
    return FrameFinisher(client, KEYS, group="workers", keep_results_s=60).end(shard, endings, time.time())


def test_six_shards_lie_on_all_three_primaries(cluster, client):
    report = check_server(client, KEYS, ServerClock())
    assert report.warnings == ()
    assert report.max_memory_bytes == 0
    assert {cluster.port_of(KEYS.frames(shard)) for shard in range(6)} == set(cluster.ports)


def test_one_shard_is_warned_of_and_the_limits_of_all_primaries_add_up(cluster, client):
    for number, port in enumerate(cluster.ports, start=1):
        with cluster.node(port) as node:
            node.config_set("maxmemory", number * 100_000_000)
            node.config_set("maxmemory-policy", "allkeys-lru" if number == 2 else "noeviction")
    try:
        report = check_server(client, Keys(), ServerClock())
    finally:
        for port in cluster.ports:
            with cluster.node(port) as node:
                node.config_set("maxmemory", 0)
                node.config_set("maxmemory-policy", "noeviction")
    assert report.max_memory_bytes == 600_000_000
    assert [text.split()[0] for text in report.warnings] == ["maxmemory-policy", "1"]
    assert "1 of 3 primaries" in report.warnings[1]


def test_all_ask_one_node_for_the_time(cluster, client):
    asked = []
    for port in cluster.ports:
        with cluster.node(port) as node:
            node.config_resetstat()
    for _ in range(3):
        with connect(cluster.url) as other:
            ServerClock().set_from(other)
    for port in cluster.ports:
        with cluster.node(port) as node:
            asked.append(node.info("commandstats").get("cmdstat_time", {"calls": 0})["calls"])
    assert sorted(asked)[:2] == [0, 0]
    assert max(asked) >= 3  # a slow answer is asked for again


def test_nothing_is_opened_and_no_list_of_commands_is_asked_for(cluster):
    asked = []
    with (
        connect("redis+cluster://127.0.0.1:1,127.0.0.1:2") as nowhere,
        pytest.raises(StoreUnavailable, match="connecting to 127"),
        translated(),
    ):
        nowhere.ping()
    for port in cluster.ports:
        with cluster.node(port) as node:
            node.config_resetstat()
    with connect(f"redis+cluster://127.0.0.1:1,127.0.0.1:{cluster.ports[1]}") as client:
        reader_of(client, 0).read(1, 0.01)
        client.xread({KEYS.results(1): "0"})
    for port in cluster.ports:
        with cluster.node(port) as node:
            asked += [name for name in node.info("commandstats") if name.startswith("cmdstat_command")]
    assert asked == []


def test_a_script_and_a_multi_go_by_their_keys(cluster, client):
    for shard in range(6):
        assert client.eval("return redis.call('HSET', KEYS[1], 'a', ARGV[1])", 1, KEYS.results(shard), shard) == 1
        with client.pipeline(transaction=True) as multi:
            multi.hgetall(KEYS.results(shard))
            multi.exists(KEYS.results(shard), KEYS.dead(shard))
            assert multi.execute() == [{b"a": str(shard).encode()}, 1]
    assert client.pipeline().execute() == []


@pytest.mark.parametrize("shard", range(6))
def test_a_frame_lives_and_ends_on_the_primary_of_its_shard(cluster, client, shard):
    reader = reader_of(client, shard)
    ids = [add(client, shard) for _ in range(4)]
    with cluster.node(cluster.port_of(KEYS.frames(shard))) as node:
        assert node.xlen(KEYS.frames(shard)) == 4
    first, second, third, fourth = reader.read(9, 0.01)
    assert [entry.entry_id for entry in (first, second, third, fourth)] == ids
    endings = [answered(first, result(first)), expired(second), expired(third), dead(fourth, "bad", "it was", time.time())]
    assert end(client, shard, *endings) == [True] * 4
    assert (client.xlen(KEYS.frames(shard)), client.xlen(KEYS.results(shard)), client.xlen(KEYS.dead(shard))) == (0, 1, 1)
    assert reader.pending(client) == 0
    reader.leave()


def test_a_multi_is_done_whole_or_not_at_all(cluster, client):
    client.set("{2}:text", "no stream")
    with client.pipeline(transaction=True) as multi:
        multi.xadd(KEYS.results(2), {"r": "1"})
        multi.execute_command("NO-SUCH-COMMAND", "{2}:x")
        with pytest.raises(StoreRefused), translated():
            multi.execute()
    assert client.xlen(KEYS.results(2)) == 0


def test_a_writer_makes_room_and_finds_what_was_answered(client):
    drops: list = []
    writer = writer_of(client, "door", drops, budget_bytes=250)
    for sequence in range(4):
        writer.write(frame(sequence, b"x" * 100, time.time(), camera="door", producer="test:1"))
    assert drops == [("budget", 1), ("budget", 1)]
    shard = KEYS.shard_of("door")
    end(client, shard, *(expired(entry) for entry in reader_of(client, shard).read(1, 0.01)))
    writer.maintain()
    assert (writer.waiting(), writer.waiting_bytes) == (1, 100)


def test_a_move_of_a_slot_is_followed_by_all_and_nothing_is_lost_or_done_twice(cluster, client):
    shard, slot = 3, 1584
    old, new = (cluster.port_of(KEYS.frames(shard)), cluster.ports[1])
    drops: list = []
    camera = next(name for name in map(str, range(99)) if KEYS.shard_of(name) == shard)
    writer, reader = writer_of(client, camera, drops), reader_of(client, shard)
    moving, ended, written = threading.Event(), [], 0
    mover = threading.Thread(target=lambda: (moving.wait(), cluster.move_slot(slot, old, new)))
    mover.start()
    while written < 150 or mover.is_alive():
        writer.write(frame(written, b"x" * 5000, time.time(), camera=camera, producer="test:1"))
        written += 1
        if written == 50:
            moving.set()
        entries = reader.read(8, 0.001)
        half = len(entries) // 2
        ended += end(client, shard, *(answered(entry, result(entry)) for entry in entries[:half]), *map(expired, entries[half:]))
        reader.release(entries)
    mover.join()
    ended += end(client, shard, *map(expired, reader.read(1000, 0.001)))
    writer.maintain()
    holder = node_of(client, KEYS.frames(shard)).info("server")["run_id"]
    cluster.move_slot(slot, new, old)
    assert ended == [True] * written
    assert drops == []
    assert writer.waiting() == 0
    account = read_account(client, KEYS)
    assert (account.captured, account.balance) == (written, 0)
    with cluster.node(new) as node:
        assert node.info("server")["run_id"] == holder


def add_in_a_multi(client, stream):
    with client.pipeline(transaction=True) as multi:
        multi.xadd(stream, {"a": "b"})
        multi.execute()


@pytest.mark.parametrize("write", [lambda client, stream: client.xadd(stream, {"a": "b"}), add_in_a_multi])
def test_a_lost_reply_is_not_asked_for_again(cluster, write):
    """The server stops, the client gives up, the server goes on and does what it was sent: once. Others are served meanwhile."""
    stream, other = KEYS.frames(0), KEYS.frames(1)
    port = cluster.port_of(stream)
    assert port != cluster.port_of(other)
    served = 0
    with connect(cluster.url) as control, connect(f"{cluster.url}?socket_timeout=0.5") as impatient, ThreadPoolExecutor() as pool:
        impatient.exists(stream)
        os.kill(cluster.pid(port), signal.SIGSTOP)
        try:
            lost = pool.submit(write, impatient, stream)
            while not lost.done():
                served += impatient.xlen(other) == 0
            with pytest.raises(StoreUnavailable, match=f":{port}"), translated():
                lost.result()
        finally:
            os.kill(cluster.pid(port), signal.SIGCONT)
        assert control.xlen(stream) == 1
    assert served > 10


def test_many_threads_share_a_client(cluster):
    with connect(cluster.url) as client, ThreadPoolExecutor(12) as pool:

        def write(number):
            for _ in range(20):
                client.xadd(KEYS.results(number % 6), {"a": "b"})
                add_in_a_multi(client, KEYS.results(number % 6))

        list(pool.map(write, range(12)))
        assert [client.xlen(KEYS.results(shard)) for shard in range(6)] == [80] * 6


@pytest.fixture
def move(cluster):
    """Moves the slot of a shard to another node while something is done, then back."""
    slot, old, new = 1584, cluster.port_of(KEYS.frames(3)), cluster.ports[1]

    @contextmanager
    def move():
        with cluster.moving(slot, old, new):
            yield f"127.0.0.1:{new}"
        cluster.move_slot(slot, new, old)

    return move


def test_a_slot_moves_to_a_node_that_joined_since(client, move):
    client.xadd(KEYS.results(3), {"a": "b"})
    with move() as new:
        client.run(lambda cluster: cluster.nodes_manager.nodes_cache.pop(new))
        client.xadd(KEYS.frames(3), {"a": "b"})  # on its new node, ahead of its slot
    assert (client.xlen(KEYS.results(3)), client.xlen(KEYS.frames(3))) == (1, 1)


async def test_an_async_client_follows_a_slot_gives_a_lost_reply_up_and_closes(cluster, client, move):
    port = cluster.port_of(KEYS.frames(3))
    client.xadd(KEYS.results(3), {"a": "b"})
    impatient = connect_async(f"{cluster.url}?socket_timeout=0.5")
    assert await impatient.xread({KEYS.results(3): "0"}) != []
    with move() as new:
        impatient._opened.nodes_manager.nodes_cache.pop(new)
        await impatient.xadd(KEYS.frames(3), {"a": "b"})
    assert await impatient.xlen(KEYS.frames(3)) == 1
    os.kill(cluster.pid(port), signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable, match=f":{port}"), translated():
            await impatient.xadd(KEYS.frames(3), {"a": "b"})
        assert await impatient.xlen(KEYS.frames(1)) == 0
    finally:
        os.kill(cluster.pid(port), signal.SIGCONT)
        await impatient.aclose()
    assert client.xlen(KEYS.frames(3)) == 2


async def test_a_cluster_with_users_and_one_that_is_refused(cluster):
    for port in cluster.ports:
        with cluster.node(port) as node:
            node.acl_setuser("someone", enabled=True, passwords=["+s@cr/t"], keys=["*"], commands=["+@all"])
    url, wrong = (cluster.url.replace("://", f"://someone:{password}@") for password in ("s%40cr%2Ft", "guessed"))
    with connect(url) as client, connect(wrong) as stranger:
        assert [add(client, shard) != "" for shard in range(6)] == [True] * 6
        with pytest.raises(StoreRefused) as caught, translated():
            stranger.ping()
    async with aclosing(connect_async(url)) as reader, aclosing(connect_async(wrong)) as strange_reader:
        assert await reader.xlen(KEYS.frames(0)) == 1
        with pytest.raises(StoreRefused) as caught_too, translated():
            await strange_reader.ping()
    assert "guessed" not in f"{caught.value}{caught_too.value}"


def test_wrong_schemes_are_told_what_to_write(cluster, redis_url):
    with connect(f"redis://127.0.0.1:{cluster.ports[0]}") as plain, pytest.raises(StoreRefused, match=r"redis\+cluster://"):
        check_server(plain, KEYS, ServerClock())
    with pytest.raises(StoreRefused, match="one database"):
        connect(f"{cluster.url}/1")


def test_a_single_server_is_no_cluster():
    with EmbeddedRedis() as server, connect(server.url) as control:
        (port,) = free_ports(1)
        control.config_set("port", port)
        with (
            connect(f"redis+cluster://127.0.0.1:{port}") as client,
            pytest.raises(StoreRefused, match="no Redis Cluster"),
        ):
            check_server(client, KEYS, ServerClock())


def test_a_full_primary_and_a_deleted_group(cluster, client):
    reader = reader_of(client, 1)
    client.delete(KEYS.frames(1))
    with pytest.raises(GroupGone):
        reader.read(1, 0.01)
    reader.join()
    add(client, 1)
    (entry,) = reader.read(1, 0.01)
    with cluster.node(cluster.port_of(KEYS.frames(1))) as node:
        node.config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreFull), translated():
                client.xadd(KEYS.frames(1), {"m": "x"})
            assert end(client, 1, answered(entry, result(entry))) == [True]  # what frees memory works
        finally:
            node.config_set("maxmemory", 0)


async def test_a_cluster_that_speaks_tls(tmp_path):
    authority, files = trustme.CA(), {name: tmp_path / f"{name}.pem" for name in ("cert", "key", "ca")}
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(files["key"])
    certificate.cert_chain_pems[0].write_to_path(files["cert"])
    authority.cert_pem.write_to_path(files["ca"])
    tls = {"tls-cert-file": files["cert"], "tls-key-file": files["key"], "tls-ca-cert-file": files["ca"]}
    with RedisCluster(tls_server(), tls=tls) as cluster:
        with connect(cluster.url) as client:
            check_server(client, KEYS, ServerClock())
            assert [add(client, shard) != "" for shard in range(6)] == [True] * 6
        async with aclosing(connect_async(cluster.url)) as reader:
            assert await reader.xlen(KEYS.frames(0)) == 1
        with connect(cluster.url.partition("?")[0]) as stranger, pytest.raises(StoreRefused, match="certificate"):
            check_server(stranger, KEYS, ServerClock())
