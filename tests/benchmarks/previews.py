"""What previews cost a worker that has more frames than it can compute.

    python -m tests.benchmarks.previews

Without them, with nobody who looks, and with sixteen cameras looked at, at two sizes. Two workers stand side by side, one of them
without --previews, and compute in turns: a machine that is busy with other work is so for all ways, and what is told are ratios
within a round. A round's first and last frames do not count.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import redis

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


class Side:
    """One of the two workers, and its own keys."""

    def __init__(self, url: str, client: "redis.Redis", prefix: str, previews: str, folder: Path) -> None:
        self.client, self.keys = client, Keys(prefix)
        options = ["--prefix", prefix, "--previews", previews, "--threads", str(usable_cores()), "--device", "cpu"]
        self.worker = WorkerProcess(url, *options, log=folder / prefix)
        self.results = self.keys.results(0)

    def measure(self, pictures: list[bytes], count: int, side: int | None) -> tuple[float, float, int]:
        """Frames a second, processor seconds a frame, previews that were made."""
        process, now = psutil.Process(self.worker.process.pid), server_now(self.client)
        before, made = self.client.xlen(self.results), self.made()
        self.look(side, now)
        time.sleep(0.6)  # the worker knows by then who looks
        for number in range(count):
            at = now + number // CAMERAS * EVERY_S
            header = FrameHeader(
                camera_id=f"camera-{number % CAMERAS}",
                sequence=number,
                captured_at=at,
                deadline=at + 3600,
                width=1280,
                height=720,
            )
            self.client.xadd(self.keys.frames(0), encode_frame(Frame(header, pictures[number % len(pictures)])))
        moments = []
        for goal in (AROUND, count - AROUND):
            while (done := self.client.xlen(self.results) - before) < goal:
                self.look(side, server_now(self.client))
                time.sleep(0.02)
            moments.append((done, time.perf_counter(), sum(process.cpu_times()[:2])))
        wait_until(lambda: not self.client.xlen(self.keys.frames(0)), 60)
        (frames, at, cpu), (frames_after, at_after, cpu_after) = moments
        frames = frames_after - frames
        return frames / (at_after - at), (cpu_after - cpu) / frames, self.made() - made

    def look(self, side: int | None, now: float) -> None:
        if side:
            lines: dict[Any, Any] = {f"{side} camera-{number}": repr(now + WATCH_S) for number in range(CAMERAS)}
            self.client.delete(self.keys.watched)
            self.client.hset(self.keys.watched, mapping=lines)
        else:
            self.client.delete(self.keys.watched)

    def made(self) -> int:
        lines = self.worker.get("/metrics")[1].splitlines()
        return next((int(float(line.split()[1])) for line in lines if line.startswith('fer_previews_total{outcome="made"}')), 0)


def measure(rounds: int, count: int) -> dict[str, dict[str, float]]:
    """Of each way the median over rounds of its ratios to the worker without previews, and of previews a frame."""
    pictures, ratios = make_frames(32), {way: [] for way in WAYS}  # type: dict[str, list[tuple[float, float, float]]]
    with EmbeddedRedis(max_memory="2gb") as server, tempfile.TemporaryDirectory() as name, connect(server.url) as client:
        without, with_ = (Side(server.url, client, *how, Path(name)) for how in (("off", "off"), ("plain", "plain")))
        with without.worker.wait_until_ready(), with_.worker.wait_until_ready():
            for side in (without, with_):
                side.measure(pictures, 3 * AROUND, None)  # warm
            for turn in range(rounds):
                ways = list(WAYS)[turn % len(WAYS) :] + list(WAYS)[: turn % len(WAYS)]
                told = {way: (without if WAYS[way] is None else with_).measure(pictures, count, WAYS[way]) for way in ways}
                for way, (rate, cpu, made) in told.items():
                    ratios[way].append((rate / told["off"][0], cpu / told["off"][1], made / count))
    names = ("frames_per_second", "cpu_per_frame", "previews_per_frame")
    return {way: dict(zip(names, map(median, zip(*rows, strict=True)), strict=True)) for way, rows in ratios.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--frames", type=int, default=256, help="of a round, each way")
    parser.add_argument("--json", type=Path, help="also write the ratios here")
    arguments = parser.parse_args()
    told = measure(arguments.rounds, arguments.frames)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    print("| 16 cameras, to a worker without previews | frames a second | processor time a frame | previews a frame |")  # noqa: T201
    print("|---|---|---|---|")  # noqa: T201
    for way, row in told.items():
        print(f"| {way} | {row['frames_per_second']:.3f} | {row['cpu_per_frame']:.3f} | {row['previews_per_frame']:.2f} |")  # noqa: T201


if __name__ == "__main__":
    main()
