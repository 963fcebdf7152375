"""Results a second out of a full stream, by the blocking and the asyncio subscriber: `python -m tests.benchmarks.subscriber`."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count, islice, repeat
from statistics import median

import click

from ferstream import EMOTIONS, AsyncResultSubscriber, Face, Result, ResultSubscriber
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_result
from ferstream.streams.wire.keys import Keys

FACE = Face(
    box=(10.0, 20.0, 60.0, 80.0), score=0.9, quality=0.8, emotion="happiness", probabilities=tuple(1 / 8 for _ in EMOTIONS)
)


def fill(url: str, results: int) -> None:
    """One camera's results, with a face each."""
    with connect(url) as client:
        pipe = client.pipeline(transaction=False)
        for sequence in range(results):
            one = Result(
                camera_id="door",
                sequence=sequence,
                captured_at=1e9 + sequence / 30,
                frame_id="1-1",
                width=640,
                height=480,
                faces=(FACE,),
                models={"detector": "d", "classifier": "c"},
                seconds={"detect": 0.01, "classify": 0.01},
                worker="w",
            )
            pipe.xadd(Keys().results(0), encode_result(one))
            if sequence % 1000 == 999:
                pipe.execute()
        pipe.execute()


def read(url: str, results: int, group: str | None) -> None:
    """All of them, with `for`."""
    with ResultSubscriber(url, from_="0", group=group) as subscriber:
        for one in subscriber:
            if one.sequence == results - 1:
                return


async def read_async(url: str, results: int, group: str | None) -> None:
    """All of them, with `async for`."""
    async with AsyncResultSubscriber(url, from_="0", group=group) as subscriber:
        async for one in subscriber:
            if one.sequence == results - 1:
                return


def per_second(results: int, groups: Iterator[str | None], read_all: Callable[[str | None], None]) -> float:
    """The median of five readings, after one that does not count; each with the next group."""
    times = []
    for group in islice(groups, 6):
        started = time.perf_counter()
        read_all(group)
        times.append(time.perf_counter() - started)
    return results / median(times[1:])


@click.command()
@click.option("--results", default=50_000, show_default=True, help="Results in the stream.")
def main(results: int) -> None:
    """Results a second, read after a position and in a group."""
    with EmbeddedRedis() as server:
        fill(server.url, results)
        new_groups = (f"group-{number}" for number in count())
        for name, groups in (("after a position", repeat(None)), ("in a group", new_groups)):
            blocking = per_second(results, groups, lambda group: read(server.url, results, group))
            with_asyncio = per_second(results, groups, lambda group: asyncio.run(read_async(server.url, results, group)))
            click.echo(
                f"{name:<18}ResultSubscriber {blocking:8,.0f}   AsyncResultSubscriber {with_asyncio:8,.0f} results a second"
            )


if __name__ == "__main__":
    main()
