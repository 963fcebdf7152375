"""`fer-demo`: the whole path on one machine, each part a process of its own, with an embedded Redis between them."""

import json
import math
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import click
import cloup
import redis
from cloup import option

from ferstream.streams.errors import FerstreamError
from ferstream.streams.frames.account import Account, read_account
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.local.processes import ProgramProcess, free_port
from ferstream.streams.programs import INTERRUPTED
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.service.command import FerCommand, log_arguments, name_variables
from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.keys import Keys


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What came of it: the account that Redis kept, faces classified, and of each result that is kept how long it took."""

    account: Account
    faces: int
    latencies_s: list[float]
    seconds: float


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
    if forever:
        seconds = patience_s = math.inf
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedRedis())
        run = _run(stack, server.url, named(cameras), workers, seconds, patience_s, as_json)
    good = not run.account.balance and bool(run.faces)
    if as_json:
        click.echo(json.dumps(_summary(run)))
    else:
        _print_summary(run)
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
    stack: ExitStack, url: str, cameras: list[str], workers: int, seconds: float, patience_s: float, as_json: bool
) -> DemoRun:
    """Start workers, then the cameras, then who reads what they give; stop them in the order of a frame's way."""
    shared = ("--redis", url, *log_arguments())
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
    parts = [producer, *(part for part, _ in fleet)]
    try:
        _wait_for_a_result(parts, client, patience_s)
        # Not before: without a line for five seconds it would tell its reader to start what is starting.
        tail = ProgramProcess("subscriber", "consumer", "tail", "--from", "0", *shared, *(["--json"] if as_json else []))
        stack.callback(tail.stop)
        _within(seconds, lambda: _check([*parts, tail]))
    except KeyboardInterrupt:
        click.secho("Stopping ...", dim=True, err=True)
    ran_s = time.monotonic() - started
    producer.stop()
    _wait_until_answered(client)
    faces = sum(part.totals()["faces_classified"] for part, _ in fleet)
    return DemoRun(read_account(client, Keys()), faces, _latencies(client), ran_s)


def _wait_for_a_result(parts: list[ProgramProcess], client: "redis.Redis", patience_s: float) -> None:
    """Raises FerstreamError where a part ended, or no result comes."""

    def came() -> bool:
        _check(parts)
        with translated():
            return bool(client.exists(Keys().results(0)))

    if not _within(patience_s, came):
        raise FerstreamError(f"no result within {patience_s:g} s: is the camera there? fer-producer check tells")


def _wait_until_answered(client: "redis.Redis") -> None:
    def answered() -> bool:
        with translated():
            return not client.xlen(Keys().frames(0))

    _within(10.0, answered)


def _check(parts: list[ProgramProcess]) -> None:
    """Raises FerstreamError where a part ended."""
    for part in parts:
        if not part.running():
            raise FerstreamError(f"the {part.name} ended early; its own words are above")


def _within(seconds: float, done: Callable[[], object]) -> bool:
    """Ask on and on, for so long at most, whether it is done."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


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


def _summary(run: DemoRun) -> dict[str, Any]:
    account = run.account
    return {
        "captured": account.captured,
        "published": account.published,
        "dropped": account.dropped,
        "expired": account.expired,
        "dead": sum(account.dead.values()),
        "in_flight": account.in_flight,
        "balance": account.balance,
        "faces": run.faces,
        "frames_per_second": round(account.published / run.seconds, 2),
        "latency_s": {name: round(value, 4) for name, value in _percentiles(run.latencies_s).items()},
    }


def _print_summary(run: DemoRun) -> None:
    account = run.account
    dropped = ", ".join(f"{reason} {count}" for reason, count in account.dropped.items()) or "none"
    balances = "balances" if not account.balance else f"DOES NOT BALANCE: {account.balance:+d}"
    rows = [
        ("captured", f"{account.captured} frames"),
        ("published", str(account.published)),
        ("dropped", f"{sum(account.dropped.values())} ({dropped})"),
        ("expired", str(account.expired)),
        ("dead", str(sum(account.dead.values()))),
        ("in flight", str(account.in_flight)),
        ("account", balances),
        ("faces", f"{run.faces} classified"),
        ("speed", f"{account.published / run.seconds:.1f} frames a second"),
    ]
    if percentiles := _percentiles(run.latencies_s):
        rows.append(("latency", ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in percentiles.items())))
    click.echo()
    for name, value in rows:
        wrong = name == "account" and account.balance
        click.echo(
            click.style(f"{name:>10}  ", dim=True) + click.style(value, fg="red" if wrong else None, bold=name == "account")
        )


name_variables(main, "FER_DEMO")
