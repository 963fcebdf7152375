"""`make soak`: half an hour of steady load, and whether anything grows: memory, descriptors, threads, what waits, latencies.

Writes runs/soak/soak.json and soak.png. Exit status 1 where something grew by more than 2 % over the last half.
"""

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import matplotlib as mpl
import psutil
import redis
from prometheus_client.parser import text_string_to_metric_families

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.plays.scale_out.processes import Part
from tests.support.fleet import KEYS

CAMERAS, FPS, WORKERS = 6, 8, 2
STAGES = ("decode", "detect", "crop", "classify", "publish")
GROWTH = 0.02
#: Workers stand still for so long at the start. What waits then comes in the largest batches that there are, and nets take the
#: memory for a batch of a size when they first meet it: that is no growth.
STANDSTILL_S, STANDSTILLS = 4.0, 3
#: Of the last half, the first part and the last are compared by their medians: one sample alone is noise.
PART = 5

Samples = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn together: the samples whose names begin so, in a unit, and whether growth of them is a fault.

    `slack` is what may come and go without being growth, in the unit.
    """

    begins: str
    unit: str
    must_stay: bool
    slack: float = 0.0


SERIES = (
    Series("memory ", "MB", must_stay=True, slack=2.0),
    Series("descriptors ", "", must_stay=True, slack=1.0),
    Series("threads ", "", must_stay=True, slack=1.0),
    Series("redis memory", "MB", must_stay=True, slack=1.0),
    Series("results kept", "s", must_stay=True, slack=5.0),
    Series("waiting ", "frames", must_stay=False),
    Series("seconds ", "s", must_stay=False),
)


class Soak:
    """The processes, and what is sampled of them."""

    def __init__(self, stack: ExitStack, folder: Path, keep_results_s: float) -> None:
        server = stack.enter_context(EmbeddedRedis())
        self._client: redis.Redis = connect(server.url)
        stack.callback(self._client.close)
        common = ("run", "--redis", server.url, "--json")
        options = ("--threads", "1", "--device", "cpu", "--keep-results", f"{keep_results_s:g}")
        self._parts = {
            name: stack.enter_context(Part(name, "ferstream.workers.cli", *common, "--name", name, *options, folder=folder))
            for name in (f"worker-{number}" for number in range(WORKERS))
        }
        for part in self._parts.values():
            part.wait_until_ready()
        cameras = [word for number in range(CAMERAS) for word in ("--camera", f"cam-{number}=portraits:")]
        self._parts["producer"] = stack.enter_context(
            Part("producer", "ferstream.producer.cli", *common, "--fps", str(FPS), *cameras, folder=folder)
        )
        self._processes = {name: psutil.Process(part.process.pid) for name, part in self._parts.items()}
        self._spent: dict[str, tuple[float, float]] = {}

    def overload(self) -> None:
        """Let frames wait for the workers, some times."""
        workers = [process for name, process in self._processes.items() if name.startswith("worker")]
        for _ in range(STANDSTILLS):
            for worker in workers:
                worker.suspend()
            time.sleep(STANDSTILL_S)
            for worker in workers:
                worker.resume()
            time.sleep(STANDSTILL_S)

    def sample(self) -> dict[str, float]:
        """One look at everything."""
        found: dict[str, float] = {}
        for name, process in self._processes.items():
            found[f"memory {name}"] = process.memory_info().rss / 1e6
            found[f"descriptors {name}"] = process.num_fds()
            found[f"threads {name}"] = process.num_threads()
        info: Any = self._client.info("memory")
        # What is in streams comes and goes with the load: frames with what waits, results with what was answered of late.
        streams = [name(shard) for name in (KEYS.frames, KEYS.results) for shard in range(KEYS.shards)]
        found["redis memory"] = (info["used_memory"] - sum(self._client.memory_usage(name) or 0 for name in streams)) / 1e6
        found["results kept"] = self._kept_s()
        found["waiting frames"] = waiting(self._client, KEYS)
        pending: Any = self._client.xpending(KEYS.frames(0), "workers")
        found["waiting pending"] = pending["pending"]
        return found | self._stage_seconds()

    def _kept_s(self) -> float:
        """How old the oldest result is that Redis still has, in seconds."""
        oldest: Any = self._client.xrange(KEYS.results(0), count=1)
        newest: Any = self._client.xrevrange(KEYS.results(0), count=1)
        ends = [int(entry_id.partition(b"-")[0]) / 1000 for (entry_id, _), *_ in (oldest, newest) if oldest]
        return ends[1] - ends[0] if ends else 0.0

    def stop(self) -> dict[str, Any]:
        """The cameras first; returns the programs' sums."""
        return {name: self._parts[name].stop() for name in sorted(self._parts)}

    def _stage_seconds(self) -> dict[str, float]:
        """Mean seconds of a call of each stage since the last look, over all workers."""
        spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for name in (name for name in self._parts if name.startswith("worker")):
            for family in text_string_to_metric_families(self._parts[name].get("/metrics") or ""):
                for sample in family.samples:
                    for place, ending in enumerate(("_sum", "_count")):
                        if sample.name == f"fer_stage_duration_seconds{ending}":
                            spent[sample.labels["stage"]][place] += sample.value
        found = {}
        for stage in STAGES:
            seconds, calls = spent[stage]
            before_s, before = self._spent.get(stage, (0.0, 0.0))
            self._spent[stage] = (seconds, calls)
            found[f"seconds {stage}"] = (seconds - before_s) / (calls - before) if calls > before else 0.0
        return found


def waiting(client: "redis.Redis", keys: Keys) -> int:
    return sum(int(client.xlen(keys.frames(shard))) for shard in range(keys.shards))


def growth(values: list[float], slack: float) -> float:
    """By which share the last half grew; 0 where it is no more than `slack`."""
    half = values[len(values) // 2 :]
    part = max(1, len(half) // PART)
    begin, end = median(half[:part]), median(half[-part:])
    return 0.0 if end - begin <= slack else (end - begin) / max(begin, 1e-9)


def draw(minutes: list[float], samples: Samples, path: Path) -> None:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(SERIES), 1, figsize=(9, 2.2 * len(SERIES)), sharex=True, layout="constrained")
    for series, axis in zip(SERIES, axes, strict=True):
        for name in (name for name in samples if name.startswith(series.begins)):
            axis.plot(minutes, samples[name], linewidth=1, label=name.removeprefix(series.begins) or name)
        axis.set_title(f"{series.begins.strip()}{f' ({series.unit})' if series.unit else ''}", loc="left", fontsize=9)
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=7, loc="upper left", ncols=5, frameon=False)
    axes[-1].set_xlabel("minutes")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def watch(soak: Soak, seconds: float, every_s: float, tell: Callable[[str], None]) -> tuple[list[float], Samples]:
    """Sample until time is up; the first look, before anything was measured, does not count."""
    soak.sample()
    started, minutes, samples = time.monotonic(), [], defaultdict(list)
    while time.monotonic() < started + seconds:
        time.sleep(every_s)
        for name, value in soak.sample().items():
            samples[name].append(value)
        minutes.append((time.monotonic() - started) / 60)
        tell(f"\r{minutes[-1]:5.1f} of {seconds / 60:g} minutes")
    return minutes, samples


@click.command(context_settings={"show_default": True})
@click.option("--minutes", type=click.FloatRange(0.2), default=30.0, help="How long.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/soak"), help="Where files go.")
def main(minutes: float, out: Path) -> None:
    """Six cameras, two workers, and a look at everything some hundred times."""
    out.mkdir(parents=True, exist_ok=True)
    # Results fill up for as long as they are kept, which must be over well before the last half begins.
    keep_results_s = min(600.0, minutes * 60 / 4)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="fer-soak-"))
        soak = Soak(stack, folder, keep_results_s)
        soak.overload()
        times, samples = watch(
            soak, minutes * 60, max(1.0, minutes * 60 / 400), lambda line: click.echo(line, err=True, nl=False)
        )
        sums = soak.stop()
    click.echo(err=True)
    grew = {
        name: growth(values, series.slack)
        for series in SERIES
        for name, values in samples.items()
        if series.must_stay and name.startswith(series.begins)
    }
    report = {"minutes": times, "samples": samples, "growth_of_the_last_half": grew, "sums": sums}
    (out / "soak.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(times, samples, out / "soak.png")
    for name, share in grew.items():
        values = samples[name]
        click.echo(
            f"{'NO ' if share > GROWTH else 'yes'}  {name}: {values[len(values) // 2]:.4g} -> {values[-1]:.4g} ({share:+.1%})"
        )
    click.echo(f"samples and plot are in {out}, logs in {folder}")
    sys.exit(any(share > GROWTH for share in grew.values()))


if __name__ == "__main__":
    main()
