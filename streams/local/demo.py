"""`fer-demo`: the whole path on one machine, each part a process of its own, with an embedded Redis between them."""

import json
import os
import re
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import click
import cloup
import redis
from cloup import option

from ferstream.streams.errors import FerstreamError
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.local.processes import ProgramProcess, free_port
from ferstream.streams.programs import INTERRUPTED
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.redis_client.replies import translated
from ferstream.streams.service.command import FerCommand, log_arguments, name_variables
from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.keys import Keys


@dataclass(frozen=True, slots=True)
class Sums:
    """The fleet's account: what was captured, and what became of it."""

    captured: int
    published: int
    dropped: dict[str, int]
    expired: int
    dead: int
    in_flight: int
    faces: int

    @property
    def balance(self) -> int:
        """Frames that are in no column: 0, or something is broken."""
        return self.captured - self.published - sum(self.dropped.values()) - self.expired - self.dead - self.in_flight


@cloup.command(
    cls=FerCommand,
    log_level="warning",
    example="""\
fer-demo
fer-demo --camera desk=webcam:0 --forever
fer-demo --camera @door.url --seconds 60""",
    exits={
        0: "done, or ended by Ctrl-C while it ran: every frame is accounted for, and faces were found",
        1: "a frame is not accounted for, or no face was found, also where Ctrl-C ended it",
        INTERRUPTED: "ended by Ctrl-C while it started or stopped",
    },
    context_settings={"auto_envvar_prefix": "FER_DEMO"},
)
@cloup.option_group(
    "Cameras",
    option(
        "--camera",
        "cameras",
        multiple=True,
        metavar="NAME=URL",
        help="Camera to use instead of the demo's; may be repeated. A bare URL is called camera-1, and so on. @FILE reads the URL"
        " from a file (for passwords).",
    ),
)
@cloup.option_group(
    "Running",
    option("--workers", type=click.IntRange(1, 16), default=1, help="Worker processes."),
    option("--seconds", type=click.FloatRange(1), default=20.0, help="How long to run after the first result."),
    option("--patience", "patience_s", type=click.FloatRange(1), default=60.0, help="Seconds to wait for the first result."),
    option("--forever", is_flag=True, help="Go on until Ctrl-C, then add up as otherwise."),
    option("--json", "as_json", is_flag=True, help="Print the results and the summary as JSON lines."),
)
@click.version_option(package_name="ferstream", prog_name="fer-demo")
def main(cameras: tuple[str, ...], workers: int, seconds: float, patience_s: float, forever: bool, as_json: bool) -> None:
    """Watch real faces go through the whole path: camera, Redis, worker, subscriber.

    Exit status 0 only if every frame is accounted for and faces were classified. Its Redis is its own, and gone at the end.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedRedis())
        sums, latencies, ran_s = _run(
            stack, server.url, named(cameras), workers, None if forever else seconds, patience_s, as_json
        )
    good = not sums.balance and bool(sums.faces)
    if as_json:
        click.echo(json.dumps(_summary(sums, latencies, ran_s)))
    else:
        _print_summary(sums, latencies, ran_s)
    sys.exit(0 if good else 1)


def named(cameras: tuple[str, ...]) -> list[str]:
    """Each camera as NAME=URL, as fer-producer takes it; without any, the demo's own."""
    if not cameras:
        return ["demo=portraits:"]
    # What stands before the = of a bare URL is no name: it has a scheme or a folder in it.
    return [
        camera if "=" in camera and not re.search(r"[:/]", camera.partition("=")[0]) else f"camera-{number}={camera}"
        for number, camera in enumerate(cameras, start=1)
    ]


def _run(
    stack: ExitStack, url: str, cameras: list[str], workers: int, seconds: float | None, patience_s: float, as_json: bool
) -> tuple[Sums, list[float], float]:
    """Start the parts in the order of a frame's way backwards, let them run, stop them in its order, and add up."""
    shared = ("--redis", url, *log_arguments())
    tail = ProgramProcess("subscriber", "consumer", "tail", *shared, *(["--json"] if as_json else []))
    stack.callback(tail.stop)
    service = (*shared, "--json", "--metrics-host", "127.0.0.1", "--metrics-port")
    fleet = []
    for number in range(workers):
        port = free_port()
        part = ProgramProcess(f"worker {number + 1}", "worker", "run", *service, str(port), collect=True)
        stack.callback(part.stop)
        fleet.append((part, port))
    if not as_json:
        click.secho(f"Starting {workers} worker{'s' * (workers > 1)} ...", dim=True, err=True)
    for part, port in fleet:
        part.wait_until_ready(port)
    names = [f"--camera={camera}" for camera in cameras]
    producer = ProgramProcess("producer", "producer", "run", *service, "0", "--stay", *names, collect=True)
    stack.callback(producer.stop)
    client = connect(url)
    stack.callback(client.close)
    started = time.monotonic()
    try:
        _watch([producer, tail, *(part for part, _ in fleet)], client, seconds, patience_s)
    except KeyboardInterrupt:
        click.secho("Stopping ...", dim=True, err=True)
    ran_s = time.monotonic() - started
    captured = producer.account()
    _wait_until_answered(client)
    answered = [part.account() for part, _ in fleet]
    with translated():
        in_flight = int(client.xlen(Keys().frames(0)))
    sums = Sums(
        captured=captured["captured"],
        dropped=captured["dropped"],
        published=sum(words["published"] for words in answered),
        expired=sum(words["expired"] for words in answered),
        dead=sum(words["dead"] for words in answered),
        in_flight=in_flight,
        faces=sum(words["faces_classified"] for words in answered),
    )
    tail.stop()
    return sums, _latencies(client), ran_s


def _watch(parts: list[ProgramProcess], client: "redis.Redis", seconds: float | None, patience_s: float) -> None:
    """Until `seconds` after the first result, or for ever. Raises FerstreamError where a part ended, or no result comes."""
    until = None
    patience = time.monotonic() + patience_s
    while until is None or time.monotonic() < until:
        for part in parts:
            if not part.running():
                raise FerstreamError(f"the {part.name} ended early; its own words are above")
        if until is None and seconds is not None:
            with translated():
                first = client.exists(Keys().results(0))
            if first:
                until = time.monotonic() + seconds
            elif time.monotonic() > patience:
                raise FerstreamError(f"no result within {patience_s:g} s: is the camera there? fer-producer check tells")
        time.sleep(0.1)


def _wait_until_answered(client: "redis.Redis", patience_s: float = 10.0) -> None:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        with translated():
            if not client.xlen(Keys().frames(0)):
                return
        time.sleep(0.05)


def _latencies(client: "redis.Redis") -> list[float]:
    """Seconds from capture to the result's place in its stream, of every result that is kept there; both on Redis's clock."""
    with translated():
        entries: Any = client.xrange(Keys().results(0))
    return [
        int(entry_id.split(b"-")[0]) / 1000 - decode_result(entry_id.decode(), fields).captured_at for entry_id, fields in entries
    ]


def _percentiles(latencies: list[float]) -> dict[str, float]:
    if len(latencies) < 2:
        return {}
    cuts = quantiles(latencies, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def _summary(sums: Sums, latencies: list[float], ran_s: float) -> dict[str, Any]:
    return {
        "captured": sums.captured,
        "published": sums.published,
        "dropped": sums.dropped,
        "expired": sums.expired,
        "dead": sums.dead,
        "in_flight": sums.in_flight,
        "balance": sums.balance,
        "faces": sums.faces,
        "frames_per_second": round(sums.published / ran_s, 2),
        "latency_s": {name: round(value, 4) for name, value in _percentiles(latencies).items()},
    }


def _print_summary(sums: Sums, latencies: list[float], ran_s: float) -> None:
    dropped = ", ".join(f"{reason} {count}" for reason, count in sums.dropped.items() if count) or "none"
    balances = "balances" if not sums.balance else f"DOES NOT BALANCE: {sums.balance:+d}"
    rows = [
        ("captured", f"{sums.captured} frames"),
        ("published", str(sums.published)),
        ("dropped", f"{sum(sums.dropped.values())} ({dropped})"),
        ("expired", str(sums.expired)),
        ("dead", str(sums.dead)),
        ("in flight", str(sums.in_flight)),
        ("account", balances),
        ("faces", f"{sums.faces} classified"),
        ("speed", f"{sums.published / ran_s:.1f} frames a second"),
    ]
    if percentiles := _percentiles(latencies):
        rows.append(("latency", ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in percentiles.items())))
    click.echo()
    for name, value in rows:
        wrong = name == "account" and sums.balance
        click.echo(
            click.style(f"{name:>10}  ", dim=True) + click.style(value, fg="red" if wrong else None, bold=name == "account")
        )


name_variables(main, "FER_DEMO")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
