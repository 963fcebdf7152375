"""Results a second into each store, one face each: `python -m tests.benchmarks.sinks`; --write renews docs/sinks.md.

The sink is a process as it is in service; Redis, and PostgreSQL, are on the same machine. CPU time is the sink's own.
"""

import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import psutil

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys
from tests.benchmarks.subscriber import fill
from tests.support.paths import ROOT
from tests.support.postgresql import PostgresqlServer
from tests.support.programs import start

PAGE = ROOT / "docs" / "sinks.md"
KINDS = ("jsonl", "sqlite", "parquet", "postgresql")
MARKS = ("<!-- figures: sinks -->\n\n", "\n<!-- end: sinks -->")


@dataclass(frozen=True, slots=True)
class Speed:
    """One sink's: by the clock, and by what a result takes of a core."""

    kind: str
    per_second: float
    cpu_us: float


def measure(kind: str, results: int, folder: Path, url: str) -> Speed:
    """Empty a stream of results into a store."""
    where = {"sqlite": ("--file", str(folder / "a.db")), "postgresql": ("--url", url)}.get(kind, ("--dir", str(folder)))
    with EmbeddedRedis() as server, connect(server.url) as client:
        fill(server.url, results)
        process = start("consumer", "sink", kind, *where, "--redis", server.url, "--metrics-port", "0", "--consumer", "bench")
        stream, group = Keys().results(0), f"{kind}-results"
        begun, cpu = 0.0, 0.0
        while True:
            told = next((one for one in client.xinfo_groups(stream) if one["name"] == group.encode()), None)
            if told and not begun and told["last-delivered-id"] != b"0-0":
                begun, cpu = time.perf_counter(), sum(psutil.Process(process.pid).cpu_times()[:2])
            if told and told["lag"] == 0 and told["pending"] == 0:
                seconds = time.perf_counter() - begun
                cpu = sum(psutil.Process(process.pid).cpu_times()[:2]) - cpu
                break
            if process.poll() is not None:
                raise click.ClickException(process.communicate()[1])
            time.sleep(0.01)
        process.terminate()
        process.communicate()
    return Speed(kind, results / seconds, cpu / results * 1e6)


def table(speeds: list[Speed]) -> str:
    """The speeds as Markdown."""
    rows = [f"| `{speed.kind}` | {speed.per_second:,.0f} | {speed.cpu_us:.0f} | {1e6 / speed.cpu_us:,.0f} |" for speed in speeds]
    head = "| kind | results a second | microseconds of a core a result | results a second of a whole core |\n|---|---|---|---|"
    return "\n".join([head, *rows]) + "\n"


@click.command()
@click.option("--results", default=30_000, show_default=True, help="Results of one face each.")
@click.option("--only", multiple=True, type=click.Choice(KINDS), help="Only this kind; may be repeated.")
@click.option("--write", is_flag=True, help="Put the table into docs/sinks.md.")
def main(results: int, only: tuple[str, ...], write: bool) -> None:
    """Results a second into each store."""
    speeds = []
    with PostgresqlServer() as postgresql:
        for kind in only or KINDS:
            with tempfile.TemporaryDirectory() as folder:
                speeds.append(measure(kind, results, Path(folder), postgresql.url))
    click.echo(table(speeds))
    if write:
        text = PAGE.read_text("utf-8")
        before, after = (re.escape(mark) for mark in MARKS)
        figures = f"{MARKS[0]}{table(speeds)}{MARKS[1]}"
        PAGE.write_text(re.sub(f"{before}.*?{after}", lambda _: figures, text, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
