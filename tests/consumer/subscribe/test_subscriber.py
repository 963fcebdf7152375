import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from ferstream import AsyncResultSubscriber, ResultSubscriber
from ferstream.streams.errors import FerstreamError, StoreError
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.wire.codec import encode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Result
from tests.support.fleet import wait_until
from tests.support.patience import PROCESS_S

KEYS = Keys()


def result(sequence, camera_id="door", captured_at=None):
    return Result(
        camera_id=camera_id,
        sequence=sequence,
        captured_at=1e9 + sequence / 10 if captured_at is None else captured_at,
        frame_id="1-1",
        width=640,
        height=480,
        faces=(),
        models={},
        seconds={},
        worker="w1",
    )


def publish(client, *sequences, shard=0, camera_id="door"):
    return [client.xadd(KEYS.results(shard), encode_result(result(s, camera_id))).decode() for s in sequences]


def sequences(url, **arguments):
    with ResultSubscriber(url, **({"from_": "0", "idle_timeout_s": 0.2} | arguments)) as subscriber:
        return [one.sequence for one in subscriber]


def later(step, seconds=0.2):
    timer = threading.Timer(seconds, step)
    timer.start()
    return timer


def test_reads_everything_there_is(client, redis_url):
    publish(client, *range(1200))
    assert sequences(redis_url) == list(range(1200))


@pytest.mark.parametrize(("latecomers", "expected"), [(False, [0, 100]), (True, [0, 100, 50])])
def test_what_comes_later_than_its_window_is_left_out_or_not_and_counted(client, redis_url, latecomers, expected):
    publish(client, 0, 100)
    with ResultSubscriber(redis_url, from_="0", order_window_s=0.05, latecomers=latecomers, idle_timeout_s=1.0) as subscriber:
        found = [one.sequence for one in islice(subscriber, 2)]
        publish(client, 50)
        found += [one.sequence for one in subscriber]
        assert (found, subscriber.late) == (expected, 1)


def test_dollar_means_from_now_and_misses_nothing_between_reads(client, redis_url):
    publish(client, 1, 2)
    with ResultSubscriber(redis_url, idle_timeout_s=1.5, block_s=0.05) as subscriber:
        batches = subscriber.batches()
        assert next(batches) == []
        seen = []
        for sequence in (3, 4, 5):
            publish(client, sequence)
            seen += next(batches)
        while len(seen) < 3:
            seen += next(batches)
        assert [delivery.result.sequence for delivery in seen] == [3, 4, 5]


def test_goes_on_from_a_position(client, redis_url):
    publish(client, *range(10))
    with ResultSubscriber(redis_url, from_="0") as subscriber:
        assert [one.sequence for one in islice(subscriber, 4)] == [0, 1, 2, 3]
        position = subscriber.position
    assert sequences(redis_url, from_=position) == [4, 5, 6, 7, 8, 9]


def test_a_break_loses_nothing(client, redis_url):
    publish(client, *range(10))
    with ResultSubscriber(redis_url, from_="0", idle_timeout_s=0.2) as subscriber:
        first = [one.sequence for one in islice(subscriber, 4)]
        assert first + [one.sequence for one in subscriber] == list(range(10))


def test_position_stays_before_results_that_still_wait_for_their_window(client, redis_url):
    ids = publish(client, 1)
    client.xadd(KEYS.results(0), encode_result(result(1, "yard", captured_at=5.0)))
    publish(client, 3, 2)
    with ResultSubscriber(redis_url, from_="0", order_window_s=60, block_s=0.05) as subscriber:
        batches = subscriber.batches()
        next(batches)
        assert subscriber.position == "0-0"
    assert sequences(redis_url, from_=ids[0], cameras=["door"]) == [3, 2]


def test_reads_all_shards_and_resumes_each(client, redis_url):
    client.set(KEYS.shard_count, 2)
    ids = [publish(client, 1, 2, shard=0)[0], publish(client, 3, 4, shard=1, camera_id="yard")[0]]
    assert sorted(sequences(redis_url)) == [1, 2, 3, 4]
    assert sorted(sequences(redis_url, from_=",".join(ids))) == [2, 4]
    with pytest.raises(FerstreamError, match="2 shards"):
        sequences(redis_url, shards=1, from_=",".join(ids))


def test_shards_that_become_known_later_are_read_from_their_beginning(client, redis_url):
    subscriber = ResultSubscriber(redis_url, block_s=0.05)
    with subscriber:
        batches = subscriber.batches()
        next(batches)
        client.set(KEYS.shard_count, 2)
        publish(client, 5, shard=1, camera_id="yard")
        seen = []
        until = time.monotonic() + 6
        while not seen and time.monotonic() < until:
            seen += next(batches)
        assert [delivery.result.sequence for delivery in seen] == [5]


def test_only_the_cameras_asked_for(client, redis_url):
    publish(client, 1, 2)
    publish(client, 3, camera_id="yard")
    assert sequences(redis_url, cameras=["yard"]) == [3]


def test_leaves_out_repeats_unless_asked(client, redis_url):
    publish(client, 1, 2, 1, 2, 3)
    assert sequences(redis_url) == [1, 2, 3]
    assert sequences(redis_url, repeats=True) == [1, 2, 1, 2, 3]


def test_a_producer_that_counts_anew_repeats_nothing(client, redis_url):
    client.xadd(KEYS.results(0), encode_result(result(1, captured_at=10.0)))
    client.xadd(KEYS.results(0), encode_result(result(1, captured_at=90.0)))
    assert sequences(redis_url) == [1, 1]


def test_orders_by_capture_within_the_window(client, redis_url):
    publish(client, 3, 1, 2, 5, 4)
    assert sequences(redis_url, order_window_s=0.3, idle_timeout_s=1.0) == [1, 2, 3, 4, 5]


def test_passes_over_what_cannot_be_read_and_counts_it(client, redis_url, caplog):
    publish(client, 1)
    for fields in ({"r": b"\x81"}, {"x": b"1"}, {"r": b"\x81\xa7version\x09"}, {"x": b"2"}):
        client.xadd(KEYS.results(0), fields)
    publish(client, 2)
    with ResultSubscriber(redis_url, from_="0", idle_timeout_s=0.2) as subscriber:
        assert [one.sequence for one in subscriber] == [1, 2]
        assert subscriber.undecodable == 4
        assert subscriber.undecodable_reasons == {"not-msgpack": 1, "missing-field": 2, "wrong-version": 1}
    assert len(caplog.records) == 3


def test_a_group_shares_and_acknowledges_when_the_next_is_asked_for(client, redis_url):
    publish(client, 1, 2, 3)
    with ResultSubscriber(redis_url, from_="0", group="g", consumer="a") as subscriber:
        assert [one.sequence for one in islice(subscriber, 2)] == [1, 2]
    # 1 was done with when 2 was asked for; 2 was in our hands; 3 was read and not given out
    assert client.xpending(KEYS.results(0), "g")["pending"] == 2
    assert sequences(redis_url, group="g", consumer="a") == [2, 3]
    assert client.xpending(KEYS.results(0), "g")["pending"] == 0
    assert client.xinfo_consumers(KEYS.results(0), "g") == []
    assert sequences(redis_url, group="g", consumer="b") == []


def test_a_group_claims_what_a_dead_member_left(client, redis_url):
    publish(client, *range(5))
    client.xgroup_create(KEYS.results(0), "g", "0")
    client.xreadgroup("g", "dead", {KEYS.results(0): ">"}, count=3)
    assert sequences(redis_url, group="g", claim_after_s=0.3, idle_timeout_s=1.5, block_s=0.1) == [3, 4, 0, 1, 2]
    assert client.xpending(KEYS.results(0), "g")["pending"] == 0


def pending(client):
    """What the group has pending: with whom, how often it was delivered, and how many milliseconds it has been idle."""
    return [
        (one["consumer"], one["times_delivered"], one["time_since_delivered"])
        for one in client.xpending_range(KEYS.results(0), "g", "-", "+", 100)
    ]


def renewals(client):
    """How often the idle time of what is pending falls, as it is asked on and on."""
    idle_ms = max(idle for *_, idle in pending(client))
    while True:
        before, idle_ms = idle_ms, max(idle for *_, idle in pending(client))
        yield idle_ms < before


def test_a_slow_member_that_lives_keeps_what_it_has(client, redis_url):
    publish(client, 1, 2, 3)
    with ResultSubscriber(redis_url, from_="0", group="g", consumer="slow", claim_after_s=0.3) as slow:
        assert next(iter(slow)).sequence == 1
        renewed = renewals(client)
        wait_until(lambda: next(renewed))
        wait_until(lambda: next(renewed))
        assert [(consumer, times) for consumer, times, _ in pending(client)] == [(b"slow", 1)] * 3


def test_a_member_claims_nothing_of_its_own(client, redis_url):
    publish(client, 1)
    settings = {"group": "g", "consumer": "a", "acknowledge_each": False, "claim_after_s": 0.1, "block_s": 0.02}
    with ResultSubscriber(redis_url, from_="0", **settings) as subscriber:
        batches = subscriber.batches()
        while not next(batches):
            pass
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            assert next(batches) == []
        assert [times for _, times, _ in pending(client)] == [1]


def test_counts_pending_results_that_redis_trimmed(client, redis_url):
    publish(client, 1, 2)
    client.xgroup_create(KEYS.results(0), "g", "0")
    client.xreadgroup("g", "a", {KEYS.results(0): ">"})
    client.xtrim(KEYS.results(0), maxlen=0, approximate=False)
    with ResultSubscriber(redis_url, group="g", consumer="a", idle_timeout_s=0.3) as subscriber:
        assert list(subscriber) == []
        assert subscriber.lost == 2
    assert client.xpending(KEYS.results(0), "g")["pending"] == 0


def test_counts_what_redis_trimmed_of_a_dead_member(client, redis_url):
    publish(client, 1, 2)
    client.xgroup_create(KEYS.results(0), "g", "0")
    client.xreadgroup("g", "dead", {KEYS.results(0): ">"})
    client.xtrim(KEYS.results(0), maxlen=0, approximate=False)
    with ResultSubscriber(redis_url, group="g", claim_after_s=0.2, idle_timeout_s=1.0, block_s=0.05) as subscriber:
        assert list(subscriber) == []
        assert subscriber.lost == 2
    assert client.xpending(KEYS.results(0), "g")["pending"] == 0


def test_what_is_not_acknowledged_stays_pending_until_it_is(client, redis_url):
    publish(client, 1, 2)
    with ResultSubscriber(redis_url, from_="0", group="g", acknowledge_each=False, block_s=0.05) as subscriber:
        batches = subscriber.batches()
        read = []
        while len(read) < 2:
            read += next(batches)
        next(batches)
        assert client.xpending(KEYS.results(0), "g")["pending"] == 2
        subscriber.acknowledge()
        wait_until(lambda: next(batches) == [] and client.xpending(KEYS.results(0), "g")["pending"] == 0)


def test_a_deleted_group_is_made_again_from_where_it_was(client, redis_url):
    publish(client, 1, 2)
    with ResultSubscriber(redis_url, from_="0", group="g", idle_timeout_s=3, block_s=0.1) as subscriber:
        seen = iter(subscriber)
        assert [next(seen).sequence, next(seen).sequence] == [1, 2]
        timers = [later(lambda: client.xgroup_destroy(KEYS.results(0), "g")), later(lambda: publish(client, 3), 0.5)]
        assert next(seen).sequence == 3
        for timer in timers:
            timer.join()


def test_a_full_redis_lets_a_member_into_its_group(client, redis_url):
    publish(client, 1)
    client.xgroup_create(KEYS.results(0), "g", id="0")
    limit = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", 1)
    try:
        assert sequences(redis_url, group="g") == [1]
    finally:
        client.config_set("maxmemory", limit)


@pytest.mark.parametrize("group", [None, "g"])
def test_a_deleted_stream_goes_on_also_with_smaller_ids(client, redis_url, group):
    for number in (1, 2):
        client.xadd(KEYS.results(0), encode_result(result(number)), id=f"9999999999999-{number}")
    with ResultSubscriber(redis_url, from_="0", group=group, idle_timeout_s=8, block_s=0.1) as subscriber:
        seen = iter(subscriber)
        assert [next(seen).sequence, next(seen).sequence] == [1, 2]
        timers = [later(lambda: client.delete(KEYS.results(0))), later(lambda: publish(client, 3), 0.6)]
        assert next(seen).sequence == 3
        for timer in timers:
            timer.join()


def test_a_lost_connection_is_told_once_and_mended(client, redis_url, caplog):
    publish(client, 1)
    with ResultSubscriber(redis_url, from_="0", group="g", idle_timeout_s=5) as subscriber:
        seen = iter(subscriber)
        assert next(seen).sequence == 1
        timers = [later(lambda: client.client_kill_filter(_type="normal", skipme=True)), later(lambda: publish(client, 2), 0.4)]
        assert next(seen).sequence == 2
        for timer in timers:
            timer.join()
    assert [record.levelname for record in caplog.records if "trying again" in record.message] == ["WARNING"]


def test_waits_for_a_redis_that_is_down(tmp_path, caplog):
    with EmbeddedRedis() as server:
        url = server.url
    with ResultSubscriber(url, idle_timeout_s=0.5) as subscriber:
        assert list(subscriber) == []
        assert not subscriber.connected
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def test_a_wrong_password_is_no_reason_to_wait(client, redis_url):
    client.config_set("requirepass", "right")
    try:
        with ResultSubscriber(redis_url) as subscriber, pytest.raises(StoreError, match="refused"):
            next(iter(subscriber))
    finally:
        client.execute_command("AUTH", "right")
        client.config_set("requirepass", "")


@pytest.mark.parametrize("from_", ["", "x", "1-2-3", "1,,2", "-1", "12-"])
def test_a_wrong_position_is_refused(from_):
    with pytest.raises(FerstreamError, match="position"):
        ResultSubscriber("redis://host", from_=from_)


def test_the_time_that_the_caller_takes_is_no_silence(client, redis_url):
    publish(client, *range(501))
    with ResultSubscriber(redis_url, from_="0", idle_timeout_s=0.2) as subscriber:
        for one in subscriber:
            if one.sequence == 499:  # the last one of a read
                time.sleep(0.3)
    assert one.sequence == 500


@pytest.mark.parametrize("reading", [True, False], ids=["while it waits", "while the caller has one"])
def test_another_thread_closes_it(client, redis_url, reading):
    publish(client, 1, 2)
    subscriber, closed, seen = ResultSubscriber(redis_url, from_="0", group="g"), threading.Event(), []

    def read():
        for one in subscriber:
            seen.append(one.sequence)
            if not reading:
                closed.wait(30)

    with ThreadPoolExecutor(1) as threads:
        end = threads.submit(read)
        wait_until(lambda: len(seen) == (2 if reading else 1))
        subscriber.close()
        closed.set()
        assert end.result(30) is None
    assert seen == ([1, 2] if reading else [1])


async def test_another_task_closes_it(client, redis_url):
    publish(client, 1)
    subscriber, begun = AsyncResultSubscriber(redis_url, from_="0", group="g", block_s=0.1), asyncio.Event()

    async def read():
        async for _ in subscriber:
            begun.set()

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        await begun.wait()
        await subscriber.close()


async def test_the_blocking_one_works_where_an_event_loop_runs(client, redis_url):
    publish(client, 1, 2)
    assert sequences(redis_url) == [1, 2]


def test_a_program_ends_that_closes_nothing(client, redis_url):
    publish(client, 1)
    code = f"import ferstream; s = ferstream.ResultSubscriber({redis_url!r}, from_='0'); print(next(iter(s)).sequence)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


async def test_async_reads_resumes_and_acknowledges(client, redis_url):
    publish(client, *range(6))
    async with AsyncResultSubscriber(redis_url, from_="0", group="g", idle_timeout_s=0.3) as subscriber:
        assert [one.sequence async for one in subscriber] == list(range(6))
    assert client.xpending(KEYS.results(0), "g")["pending"] == 0
    async with AsyncResultSubscriber(redis_url, from_="0", idle_timeout_s=0.3, order_window_s=0.1) as subscriber:
        assert len([one async for one in subscriber]) == 6
        position = subscriber.position
    publish(client, 6)
    async with AsyncResultSubscriber(redis_url, from_=position, idle_timeout_s=0.3) as subscriber:
        assert [delivery.result.sequence async for delivery in subscriber.deliveries()] == [6]


async def test_async_survives_a_lost_connection_and_can_be_cancelled(client, redis_url):
    async with AsyncResultSubscriber(redis_url, from_="0") as subscriber:

        async def first():
            return (await anext(aiter(subscriber))).sequence

        task = asyncio.create_task(first())
        await asyncio.sleep(0.2)
        client.client_kill_filter(_type="normal", skipme=True)
        await asyncio.sleep(0.2)
        publish(client, 7)
        assert await task == 7
        task = asyncio.create_task(first())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
