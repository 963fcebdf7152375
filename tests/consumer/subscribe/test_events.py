"""Events of tracks for subscribers: as results, from streams of their own."""

import asyncio

from ferstream import EMOTIONS, AsyncEventSubscriber, EventSubscriber
from ferstream.streams.wire.codec import encode_event, encode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Event
from tests.consumer.subscribe.test_subscriber import result

KEYS = Keys()


def event(number, camera_id="door", **fields):
    return Event(
        **{
            "event_id": f"{camera_id}-{number}",
            "kind": "appeared",
            "camera_id": camera_id,
            "track": 1,
            "at": 1e9 + number / 10,
            "media_time": None,
            "sequence": number,
            "emotion": "happiness",
            "before": None,
            "since": 1e9,
            "duration": 0.0,
            "peak": None,
            "probabilities": (1 / len(EMOTIONS),) * len(EMOTIONS),
            "shares": {"happiness": 1.0},
            "best_sequence": number,
            "box": (1.0, 2.0, 3.0, 4.0),
        }
        | fields
    )


def publish(client, *events, shard=0):
    return [client.xadd(KEYS.events(shard), encode_event(one)).decode() for one in events]


def numbers(url, **arguments):
    with EventSubscriber(url, **({"from_": "0", "idle_timeout_s": 0.2} | arguments)) as subscriber:
        return [one.sequence for one in subscriber]


def test_events_come_from_all_shards_in_the_order_of_their_streams(client, redis_url):
    client.set(KEYS.shard_count, 2)
    publish(client, *(event(n) for n in range(600)))
    publish(client, *(event(n, "yard") for n in range(600, 1200)), shard=1)
    got = numbers(redis_url)
    assert [n for n in got if n < 600] == list(range(600))
    assert [n for n in got if n >= 600] == list(range(600, 1200))


def test_a_repeat_is_known_by_its_id_and_two_events_of_a_frame_are_two(client, redis_url):
    publish(client, event(1), event(1), event(1, event_id="another"), event(2, "yard"))
    assert numbers(redis_url) == [1, 1, 2]
    assert numbers(redis_url, repeats=True) == [1, 1, 1, 2]
    assert numbers(redis_url, cameras=["yard"]) == [2]


def test_goes_on_from_a_position_and_in_a_group(client, redis_url):
    ids = publish(client, *map(event, range(4)))
    assert numbers(redis_url, from_=ids[1]) == [2, 3]
    with EventSubscriber(redis_url, from_="0", group="alarms", consumer="a", acknowledge_each=False) as crashed:
        assert next(iter(crashed)).sequence == 0
        # not acknowledged: what follows is its next start
        assert numbers(redis_url, group="alarms", consumer="a") == [0, 1, 2, 3]
    assert client.xpending(KEYS.events(0), "alarms")["pending"] == 0


def test_asyncio_gives_each_with_its_entry(client, redis_url):
    (entry_id,) = publish(client, event(7))

    async def read():
        async with AsyncEventSubscriber(redis_url, from_="0", idle_timeout_s=0.2) as subscriber:
            return [delivery async for delivery in subscriber.deliveries()]

    (delivery,) = asyncio.run(read())
    assert (delivery.event.sequence, delivery.shard, delivery.entry_id) == (7, 0, entry_id)
    assert delivery.published_at == int(entry_id.split("-")[0]) / 1000


def test_what_is_no_event_is_passed_over_and_counted(client, redis_url):
    client.xadd(KEYS.events(0), encode_result(result(1)))
    publish(client, event(2))
    with EventSubscriber(redis_url, from_="0", idle_timeout_s=0.2) as subscriber:
        assert [one.sequence for one in subscriber] == [2]
        assert subscriber.undecodable_reasons == {"missing-field": 1}
