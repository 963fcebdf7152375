"""The reader of previews, on one real server and on a cluster."""

import asyncio
import time

import pytest

from ferstream.consumer.dashboard.live.preview_reader import PreviewReader
from ferstream.streams.errors import StoreError
from ferstream.streams.redis_client.connect import connect, connect_async
from ferstream.streams.wire.codec import encode_preview
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Preview

KEYS = Keys(shards=6)


def put(client, camera, sequence):
    one = Preview(camera_id=camera, sequence=sequence, captured_at=1.0, width=4, height=4, blurred=False, jpeg=b"jpeg")
    client.xadd(KEYS.preview(camera), encode_preview(one), id=f"{sequence}-1", maxlen=1, approximate=False)
    client.pexpire(KEYS.preview(camera), 3000)


async def read_all(reader, cameras, count):
    found = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += await reader.read(cameras, 0.1)
    return sorted((one.camera_id, one.sequence) for one in found)


async def test_each_preview_is_read_once_and_only_of_the_cameras_asked_for(client, redis_url):
    await read_once_each(client, redis_url)


async def test_a_cluster_is_read_shard_by_shard(cluster):
    with connect(cluster.url) as writer:
        await read_once_each(writer, cluster.url)
        await told_at_once(writer, cluster.url)


async def test_one_that_waits_is_told_at_once_and_what_is_no_preview_is_passed_over(client, redis_url):
    await told_at_once(client, redis_url)


async def read_once_each(writer, url):
    client = connect_async(url)
    reader = PreviewReader(client, KEYS)
    for camera in ("door", "hall", "yard"):
        put(writer, camera, 1)
        put(writer, camera, 2)
    assert await read_all(reader, ["door", "hall"], 2) == [("door", 2), ("hall", 2)]
    assert await read_all(reader, ["door", "hall", "yard"], 1) == [("yard", 2)]
    started = time.monotonic()
    assert await reader.read(["door"], 0.1) == []
    assert await reader.read([], 0.1) == []
    assert time.monotonic() - started > 0.1
    put(writer, "hall", 3)
    assert await read_all(reader, ["door", "hall"], 1) == [("hall", 3)]
    await reader.close()
    await client.aclose()


async def told_at_once(writer, url):
    client = connect_async(url)
    reader = PreviewReader(client, KEYS)
    waiting = asyncio.create_task(reader.read(["lift", "roof"], 2.0))
    await asyncio.sleep(0.2)
    put(writer, "lift", 7)
    async with asyncio.timeout(30):
        assert [one.sequence for one in await waiting] == [7]
    writer.xadd(KEYS.preview("roof"), {"x": "y"})
    while not reader.undecodable:
        await reader.read(["lift", "roof"], 0.1)
    await reader.close()
    await client.aclose()


async def test_where_redis_is_away_it_says_so():
    client = connect_async("redis://127.0.0.1:1")
    reader = PreviewReader(client, KEYS)
    with pytest.raises(StoreError):
        await reader.read(["door"], 0.1)
    await reader.close()
    await client.aclose()
