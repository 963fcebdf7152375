"""What previews cost a worker that has more frames than it can compute.

    python -m tests.benchmarks.previews

Without them, with nobody who looks, and with sixteen cameras looked at, at two sizes. Two workers stand side by side, one of them
without --previews, and compute in turns: a machine that is busy with other work is so for all ways, and what is told are ratios
within a round. A round's first and last frames do not count. The share is of the processor time, as the worker itself counts it.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import redis
from prometheus_client.parser import text_string_to_metric_families

from ferstream.streams.frames.previews import EVERY_S, WATCH_S
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_frame
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader
from ferstream.workers.settings import usable_cores
from tests.benchmarks.measuring import make_frames
from tests.support.fleet import WorkerProcess, server_now, wait_until

CAMERAS, AROUND = 16, 32
#: Each way by the pixels that are asked for; None: of the worker without previews, 0: nobody looks.
WAYS: dict[str, int | None] = {"off": None, "nobody looks": 0, "320 px": 320, "640 px": 640}


@dataclass(frozen=True, slots=True)
class Moment:
    """What a worker has done so far."""

    at: float
    frames: float
    cpu_s: float
    previews: float
    previews_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Of one way in one round."""

    frames_per_second: float
    cpu_per_frame: float
    previews_per_frame: float
    share_of_cpu: float

    def beside(self, off: "Told") -> "Told":
        return Told(
            frames_per_second=self.frames_per_second / off.frames_per_second,
            cpu_per_frame=self.cpu_per_frame / off.cpu_per_frame,
            previews_per_frame=self.previews_per_frame,
            share_of_cpu=self.share_of_cpu,
        )


class Side:
    """One of the two workers, and its own keys."""

    def __init__(self, url: str, client: "redis.Redis", prefix: str, previews: str, folder: Path) -> None:
        self.client, self.keys = client, Keys(prefix)
        options = ["--prefix", prefix, "--previews", previews, "--threads", str(usable_cores()), "--device", "cpu"]
        self.worker = WorkerProcess(url, *options, log=folder / prefix)

    def measure(self, pictures: list[bytes], count: int, side: int | None) -> Told:
        self.look(side)
        time.sleep(0.6)  # the worker knows by then who looks
        before = self.client.xlen(self.keys.results(0))
        self.add(pictures, count)
        first, last = (self.moment(before + goal, side) for goal in (AROUND, count - AROUND))
        wait_until(lambda: not self.client.xlen(self.keys.frames(0)), 60)
        frames, cpu_s = last.frames - first.frames, last.cpu_s - first.cpu_s
        return Told(
            frames_per_second=frames / (last.at - first.at),
            cpu_per_frame=cpu_s / frames,
            previews_per_frame=(last.previews - first.previews) / frames,
            share_of_cpu=(last.previews_s - first.previews_s) / cpu_s,
        )

    def add(self, pictures: list[bytes], count: int) -> None:
        """Ten frames a second of each camera, which come all at once: every one could have a preview."""
        now = server_now(self.client)
        for number in range(count):
            header = FrameHeader(
                camera_id=f"camera-{number % CAMERAS}",
                sequence=number,
                captured_at=now + number // CAMERAS * EVERY_S,
                deadline=now + 3600,
                width=1280,
                height=720,
            )
            self.client.xadd(self.keys.frames(0), encode_frame(Frame(header, pictures[number % len(pictures)])))

    def moment(self, results: int, side: int | None) -> Moment:
        """When so many results are out; until then somebody looks."""
        while self.client.xlen(self.keys.results(0)) < results:
            self.look(side)
            time.sleep(0.02)
        sums: Counter[str] = Counter()
        for family in text_string_to_metric_families(self.worker.get("/metrics")[1]):
            for sample in family.samples:
                sums[sample.name + sample.labels.get("outcome", "")] += sample.value  # type: ignore[assignment]
        return Moment(
            at=time.perf_counter(),
            frames=sums["fer_frames_published_total"],
            cpu_s=sums["process_cpu_seconds_total"],
            previews=sums["fer_previews_totalmade"],
            previews_s=sums["fer_preview_seconds_total"],
        )

    def look(self, side: int | None) -> None:
        if side:
            until = repr(server_now(self.client) + WATCH_S)
            lines: dict[Any, Any] = {f"{side} camera-{number}": until for number in range(CAMERAS)}
            self.client.hset(self.keys.watched, mapping=lines)
            self.client.hdel(self.keys.watched, *(f"{320 + 640 - side} camera-{number}" for number in range(CAMERAS)))
        else:
            self.client.delete(self.keys.watched)


def measure(rounds: int, count: int) -> dict[str, Told]:
    """Of each way the median over rounds, beside the worker without previews."""
    pictures = make_frames(32)
    told: dict[str, list[Told]] = {way: [] for way in WAYS}
    with EmbeddedRedis(max_memory="2gb") as server, tempfile.TemporaryDirectory() as name, connect(server.url) as client:
        without, with_ = (Side(server.url, client, *how, Path(name)) for how in (("off", "off"), ("plain", "plain")))
        with without.worker.wait_until_ready(), with_.worker.wait_until_ready():
            for side in (without, with_):
                side.measure(pictures, 3 * AROUND, None)  # warm
            for turn in range(rounds):
                ways = list(WAYS)[turn % len(WAYS) :] + list(WAYS)[: turn % len(WAYS)]
                seen = {way: (without if WAYS[way] is None else with_).measure(pictures, count, WAYS[way]) for way in ways}
                for way, one in seen.items():
                    told[way].append(one.beside(seen["off"]))
    return {way: middle(rows) for way, rows in told.items()}


def middle(rows: list[Told]) -> Told:
    return Told(**{name: median(getattr(row, name) for row in rows) for name in Told.__dataclass_fields__})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--frames", type=int, default=256, help="of a round, each way")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    told = measure(arguments.rounds, arguments.frames)
    if arguments.json:
        numbers = {way: {name: getattr(one, name) for name in Told.__dataclass_fields__} for way, one in told.items()}
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n", "utf-8")
    print("| beside a worker without previews | frames a second | processor time a frame | previews a frame | their share |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for way, one in told.items():
        ratios = f"{one.frames_per_second:.3f} | {one.cpu_per_frame:.3f} | {one.previews_per_frame:.2f} | {one.share_of_cpu:.2%}"
        print(f"| {way} | {ratios} |")  # noqa: T201


if __name__ == "__main__":
    main()
