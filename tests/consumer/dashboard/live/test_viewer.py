"""What waits for a viewer that reads slowly, or not at all."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from ferstream.consumer.dashboard.live.messages import Watch, read_watch
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.live.viewer import MOST_EVENTS, Viewer


class Line:
    """A connection that takes messages while it is open."""

    def __init__(self):
        self.sent, self.open = [], asyncio.Event()

    async def send(self, message):
        await self.open.wait()
        self.sent.append(message)


@asynccontextmanager
async def viewer_on(line, registry=None, *, pictures=True):
    viewer = Viewer(line.send, DashboardMetrics(registry or CollectorRegistry()), pictures=pictures)
    viewer.watch(Watch(type="watch", pictures={"door": 320, "hall": 320}, results=["*"]))
    task = asyncio.create_task(viewer.run())
    await asyncio.sleep(0)
    yield viewer
    task.cancel()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_whoever_asks_what_it_watches_misses_no_change():
    async with viewer_on(Line()) as viewer, asyncio.timeout(5):
        await viewer.watches_otherwise(60)  # it came before
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await viewer.watches_otherwise(60)


async def test_of_each_camera_the_newest_picture_waits_and_the_others_are_skipped():
    line, registry = Line(), CollectorRegistry()
    async with viewer_on(line, registry) as viewer:
        viewer.offer("picture", "door", b"under way")
        await settle()
        for number in range(5):
            viewer.offer("picture", "door", b"door %d" % number)
            viewer.offer("picture", "hall", b"hall %d" % number)
        viewer.offer_event("event")
        line.open.set()
        await settle()
    assert line.sent == [b"under way", "event", b"door 4", b"hall 4"]
    samples = {name: registry.get_sample_value(f"fer_dashboard_{name}_total") for name in ("messages_skipped", "pictures_sent")}
    assert samples == {"messages_skipped": 8, "pictures_sent": 3}


async def test_events_come_in_order_and_the_oldest_of_too_many_are_left_out():
    line = Line()
    async with viewer_on(line) as viewer:
        for number in range(MOST_EVENTS + 3):
            viewer.offer_event(str(number))
        line.open.set()
        await settle()
    assert line.sent == [str(number) for number in range(3, MOST_EVENTS + 3)]


async def test_what_it_no_longer_watches_is_not_sent():
    line = Line()
    async with viewer_on(line) as viewer:
        viewer.offer_event("under way")
        await settle()
        viewer.offer("picture", "door", b"door")
        viewer.offer("picture", "hall", b"hall")
        viewer.offer("status", "", "status")
        viewer.watch(Watch(type="watch", pictures={"hall": 320}))
        line.open.set()
        await settle()
    assert line.sent == ["under way", b"hall", "status"]
    assert not viewer.sees_results("door")


async def test_who_may_see_no_pictures_is_offered_none():
    async with viewer_on(Line(), pictures=False) as viewer:
        assert not viewer.sees_pictures("door")
        assert viewer.sees_pictures_of(["door"]) == []
        assert viewer.sees_results("door")


async def test_a_message_that_is_not_taken_is_known_by_how_long_that_takes():
    line = Line()
    async with viewer_on(line) as viewer:
        assert viewer.stuck_s() == 0
        viewer.offer_event("under way")
        await settle()
        assert viewer.stuck_s() > 0
        line.open.set()
        await settle()
        assert viewer.stuck_s() == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"type":"hello"}',
        '{"type":"watch","pictures":["door"]}',
        '{"type":"watch","pictures":{"door":"large"}}',
        '{"type":"watch","pictures":{"door":0}}',
        '{"type":"watch","pictures":{"door":100000}}',
        '{"type":"watch","results":[1]}',
        '{"type":"watch","more":1}',
        '{"type":"watch","results":[' + ",".join(['"a"'] * 3000) + "]}",
        "[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_no_watch_is_refused(text):
    with pytest.raises(ValueError, match=r"viewer|at most"):
        read_watch(text)


def test_a_watch():
    watch = read_watch('{"type":"watch","pictures":{"door":640,"*":320}}')
    assert (watch.pictures, watch.results) == ({"door": 640, "*": 320}, [])
