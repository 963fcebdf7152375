"""What Redis spends on a frame's way, written, read and ended, beside the commands that it cannot do without:
`python -m tests.benchmarks.delivery`."""

import time
from collections.abc import Callable
from statistics import median

import click
import redis

from ferstream.streams.frames.account import read_account
from ferstream.streams.frames.finish import FrameFinisher, answered
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.frames.writer import FrameWriter, UnaccountedDrops
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_frame, encode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader, Result

KEYS, BATCH = Keys(), 8


def frame(sequence: int, size: int) -> Frame:
    now = time.time()
    header = FrameHeader(
        camera_id="door", sequence=sequence, captured_at=now, deadline=now + 3600, width=1280, height=720, producer="bench:1"
    )
    return Frame(header, bytes(size))


def result(entry_id: str) -> Result:
    return Result(
        camera_id="door",
        sequence=1,
        captured_at=1.0,
        frame_id=entry_id,
        width=1280,
        height=720,
        faces=(),
        models={"detector": "d", "classifier": "c"},
        seconds={"detect": 0.01},
        worker="w",
    )


def deliver(client: "redis.Redis", frames: int, size: int) -> None:
    """As producers and workers do: one step a write, one for each batch that ends."""
    writer = FrameWriter(
        client,
        KEYS,
        ServerClock(),
        "door",
        group="workers",
        budget_bytes=1 << 30,
        drops=UnaccountedDrops(),
        on_dropped=lambda _reason, _frames: None,
    )
    reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=60)
    finisher = FrameFinisher(client, KEYS, group="workers", keep_results_s=600)
    reader.join()
    for first in range(0, frames, BATCH):
        for sequence in range(first, first + BATCH):
            writer.write(frame(sequence, size))
        entries = reader.read(BATCH, 0.1)
        finisher.end(0, [answered(entry, result(entry.entry_id)) for entry in entries], time.time())
        reader.release(entries)
    account = read_account(client, KEYS)
    if (account.published, account.balance) != (frames, 0):
        raise click.ClickException(f"the account is not as it must be: {account}")


def without_promises(client: "redis.Redis", frames: int, size: int) -> None:
    """The same stream with nothing that survives a lost reply, and no account."""
    stream, results = KEYS.frames(0), KEYS.results(0)
    client.xgroup_create(stream, "workers", id="0", mkstream=True)
    for first in range(0, frames, BATCH):
        for sequence in range(first, first + BATCH):
            client.xadd(stream, encode_frame(frame(sequence, size)))
        ((_, listed),) = client.xreadgroup("workers", "w", {stream: ">"}, count=BATCH, block=100)
        with client.pipeline(transaction=False) as pipe:
            for entry_id, _ in listed:
                pipe.xadd(results, encode_result(result(entry_id.decode())))
            pipe.xack(stream, "workers", *(entry_id for entry_id, _ in listed))
            pipe.xdel(stream, *(entry_id for entry_id, _ in listed))
            pipe.execute()


def server_us(url: str, way: Callable[["redis.Redis", int, int], None], frames: int, size: int) -> float:
    """Processor time of the server for each frame, in microseconds."""
    with connect(url) as client:
        client.flushall()
        before = client.info("cpu")
        way(client, frames, size)
        after = client.info("cpu")
    return sum(after[name] - before[name] for name in ("used_cpu_user", "used_cpu_sys")) / frames * 1e6


@click.command(context_settings={"show_default": True})
@click.option("--frames", type=click.IntRange(BATCH), default=4000, help="In each run.")
@click.option("--size", type=click.IntRange(1), default=60_000, help="Bytes of a picture.")
@click.option("--runs", type=click.IntRange(1), default=5, help="In turn; the median is printed.")
def main(frames: int, size: int, runs: int) -> None:
    """Measure both ways in turn, on the server that EmbeddedRedis takes."""
    frames -= frames % BATCH
    with EmbeddedRedis(max_memory="1gb") as server:
        ways = (deliver, without_promises)
        figures = [[server_us(server.url, way, frames, size) for way in ways] for _ in range(runs)]
    ours, least = (median(column) for column in zip(*figures, strict=True))
    click.echo(f"server time a frame: {ours:.0f} us, the bare commands {least:.0f} us, ratio {ours / least:.2f}")


if __name__ == "__main__":
    main()
