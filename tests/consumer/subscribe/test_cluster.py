"""Subscribers on a real Redis Cluster of three primaries, Redis 6.2 and newer."""

import asyncio
import os
import signal

import pytest

from ferstream import AsyncResultSubscriber, ResultSubscriber
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import StatusBoard, read_statuses
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect, connect_async
from ferstream.streams.redis_client.preflight import check_server
from ferstream.streams.wire.codec import encode_result
from ferstream.streams.wire.keys import Keys
from tests.consumer.subscribe.test_subscriber import result as numbered
from tests.support.fleet import wait_until

KEYS = Keys(shards=6)


@pytest.fixture
def client(cluster):
    client = connect(cluster.url)
    yield client
    client.close()


def publish(client, *sequences):
    for sequence in sequences:
        client.xadd(KEYS.results(sequence % 6), encode_result(numbered(sequence, camera_id=f"c{sequence % 6}")))


def test_statuses_and_the_number_of_shards_are_found(cluster, client):
    check_server(client, KEYS, ServerClock())
    status = CameraStatus(camera_id="door", state="live", url="rtsp://x")
    StatusBoard(client, KEYS.cameras).renew({"door": status})
    assert [one.camera_id for one in read_statuses(client, KEYS.cameras, CameraStatus)] == ["door"]
    publish(client, *range(60))
    with ResultSubscriber(cluster.url, from_="0", idle_timeout_s=0.3) as subscriber:
        assert sorted(found.sequence for found in subscriber) == list(range(60))


@pytest.mark.parametrize("group", [None, "readers"])
def test_subscribers_read_every_shard_from_a_position(cluster, client, group):
    publish(client, *range(1200))
    settings = {"shards": 6, "idle_timeout_s": 0.3, "group": group, "consumer": group and "me"}
    with ResultSubscriber(cluster.url, from_="0", **settings) as subscriber:
        first = [found.sequence for _, found in zip(range(700), subscriber, strict=False)]
    with ResultSubscriber(cluster.url, from_=subscriber.position, **settings) as subscriber:
        first += [found.sequence for found in subscriber]
    assert set(first) == set(range(1200))
    assert len(first) == 1200 + bool(group)  # the last one of the first was not asked beyond, so not acknowledged


async def test_the_async_subscriber_reads_every_shard_and_new_results(cluster, client):
    publish(client, *range(30))
    found = []
    async with AsyncResultSubscriber(cluster.url, from_="0", shards=6, idle_timeout_s=0.6) as subscriber:
        async for one in subscriber:
            found.append(one.sequence)
            if len(found) == 30:
                await asyncio.to_thread(publish, client, *range(30, 36))
    assert sorted(found) == list(range(36))


async def test_the_async_client_follows_a_moved_slot(cluster, client):
    slot, old, new = 1584, cluster.ports[0], cluster.ports[1]
    reader = connect_async(cluster.url)
    publish(client, 3, 9)
    assert await reader.xlen(KEYS.results(3)) == 2
    cluster.move_slot(slot, old, new)
    try:
        assert await reader.xlen(KEYS.results(3)) == 2
    finally:
        cluster.move_slot(slot, new, old)
        await reader.aclose()


def test_a_group_on_a_cluster_acknowledges_claims_and_leaves(cluster, client):
    publish(client, *range(12))
    settings = {"shards": 6, "from_": "0", "group": "readers", "idle_timeout_s": 0.4}
    with (
        ResultSubscriber(cluster.url, consumer="one", **settings) as silent,
        ResultSubscriber(cluster.url, consumer="two", claim_after_s=0.2, **settings) as other,
    ):
        assert next(iter(silent))
        assert sorted(found.sequence for found in other) == list(range(12))
    assert sum(client.xpending(KEYS.results(shard), "readers")["pending"] for shard in range(6)) == 0
    assert all(b"two" not in {c["name"] for c in client.xinfo_consumers(KEYS.results(s), "readers")} for s in range(6))


def test_a_primary_that_hangs_holds_up_no_acknowledgement_of_the_others(cluster, client):
    port = cluster.ports[0]
    hung, others = [], []
    for shard in range(6):
        (hung if cluster.port_of(KEYS.results(shard)) == port else others).append(shard)
    publish(client, *range(6))

    def pending(shards):
        return sum(client.xpending(KEYS.results(shard), "readers")["pending"] for shard in shards)

    url = f"{cluster.url}?socket_timeout=0.3"
    with ResultSubscriber(url, shards=6, from_="0", group="readers", block_s=0.05) as subscriber:
        batches, seen = subscriber.batches(), []
        while len(seen) < 6:
            seen += [delivery.shard for delivery in next(batches)]
        os.kill(cluster.pid(port), signal.SIGSTOP)
        try:
            for number in range(10):
                publish(client, *(6 * number + shard for shard in others))
                next(batches)
            wait_until(lambda: next(batches) is not None and pending(others) == 0)
        finally:
            os.kill(cluster.pid(port), signal.SIGCONT)
        wait_until(lambda: next(batches) is not None and pending(hung) == 0)
