"""`fer status` as lines for people, 80 columns wide."""

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence

import click

from ferstream.consumer.deployment.deployment import Deployment
from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.deployment.problem import Problem
from ferstream.consumer.deployment.reader_group import ReaderGroup
from ferstream.consumer.terminal.camera_table import COLOURS, state_of
from ferstream.consumer.terminal.formatting import aligned
from ferstream.streams.frames.account import Account
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.worker_status import WorkerStatus

#: Cameras of one producer that are shown, and workers; those that are not well first.
MOST = 20
_COLOURS = COLOURS | {"ready": "green", "warming up": "yellow", "draining": "yellow"}
_UNSEEN = "not seen: this user has no right to it, or it is away"


def page(deployment: Deployment, problems: Sequence[Problem], width: int | None = None) -> list[str]:
    """Its lines; what is wrong comes last, where a terminal shows it, and is wrapped where a `width` is given."""
    parts = (
        _figures(deployment),
        _cameras(deployment),
        _workers(deployment),
        _trackers(deployment),
        _groups(deployment),
        _problems(problems, width),
    )
    lines: list[str] = []
    for part in filter(None, map(list, parts)):
        lines += [*([""] if lines else []), *part]
    return lines


def _figures(deployment: Deployment) -> Iterator[str]:
    server, account, rates = deployment.server, deployment.account, deployment.rates
    shards = f", {deployment.shards} shard{'s' * (deployment.shards != 1)}" if deployment.shards else ""
    if server:
        most = server.max_bytes
        limit = f" of {_bytes(most)} ({server.used_bytes / most:.0%})" if most else ", no limit"
        yield _row("Redis", f"{server.version}, {_bytes(server.used_bytes)}{limit}, {server.policy}{shards}")
    else:
        yield _row("Redis", _UNSEEN + shards)
    if account is None:
        yield _row("Account", _UNSEEN)
        return
    oldest_s = deployment.oldest_waiting_s if account.in_flight else None
    oldest = f", the oldest for {_seconds(oldest_s)}" if oldest_s is not None else ""
    if rates:
        yield _row("Frames", f"{rates.captured:.1f} captured, {rates.published:.1f} results a second")
    yield _row("Waiting", f"{_frames(account.in_flight)}{oldest}")
    yield from _account(account)


def _account(account: Account) -> Iterator[str]:
    dropped, dead = sum(account.dropped.values()), sum(account.dead.values())
    balance = "balances" if account.balances else click.style(f"DOES NOT BALANCE: {account.balance:+d}", fg="red")
    yield _row("Account", f"captured {account.captured}, {balance}")
    yield _row("", f"published {account.published}, expired {account.expired}, in flight {account.in_flight}")
    yield _row("", f"dropped {dropped}{_reasons(account.dropped)}")
    yield _row("", f"dead {dead}{_reasons(account.dead)}")


def _cameras(deployment: Deployment) -> Iterator[str]:
    if not deployment.cameras:
        yield _row("Cameras", _UNSEEN if "cameras" in deployment.hidden else "none")
        return
    of: defaultdict[str, list[CameraStatus]] = defaultdict(list)
    for camera in deployment.cameras:
        of[camera.holder].append(camera)
    for holder, cameras in of.items():
        rate = sum(camera.frames_per_second for camera in cameras if camera.silent_since(deployment.at) is None)
        yield _row("Producer", f"{printable(holder)}, {rate:.1f} frames a second")
        shown = sorted(cameras, key=lambda camera: state_of(camera, deployment.at) == "live")[:MOST]
        rows = [_camera(camera, deployment.at) for camera in shown]
        yield from aligned(("CAMERA", "STATE", "FPS", "LAST FRAME", "FOR"), rows, _COLOURS, "  ")
        if len(cameras) > len(shown):
            yield f"  and {len(cameras) - len(shown)} more: fer-consumer cameras lists them"


def _camera(camera: CameraStatus, at: float) -> tuple[str, ...]:
    silent = camera.silent_since(at)
    return (
        _short(camera.camera_id, 28),
        state_of(camera, at),
        "-" if silent else f"{camera.frames_per_second:.1f}",
        "-" if camera.last_frame_at is None else f"{_seconds(at - camera.last_frame_at)} ago",
        _seconds(at - (silent or camera.since)),
    )


def _workers(deployment: Deployment) -> Iterator[str]:
    if not deployment.workers:
        yield _row("Workers", _UNSEEN if "workers" in deployment.hidden else "none")
        return
    rate = sum(worker.frames_per_second for worker in deployment.live_workers)
    yield _row("Workers", f"{len(deployment.live_workers)}, {rate:.1f} frames a second")
    rows = sorted((_worker(worker, deployment.at) for worker in deployment.workers), key=lambda row: row[1] == "ready")
    yield from aligned(("WORKER", "STATE", "FPS", "BUSY", "HELD", "DEVICE", "FOR"), rows[:MOST], _COLOURS, "  ")
    if len(rows) > MOST:
        yield f"  and {len(rows) - MOST} more"
    models = {", ".join(printable(name) for name in worker.models.values()) for worker in deployment.live_workers}
    for names in sorted(models):
        yield f"  {names}"


def _worker(worker: WorkerStatus, at: float) -> tuple[str, ...]:
    silent = worker.silent_since(at)
    return (
        _short(worker.name, 20),
        "silent" if silent else _short(worker.state, 10),
        "-" if silent else f"{worker.frames_per_second:.1f}",
        "-" if silent else f"{worker.busy:.0%}",
        str(worker.held),
        _short(f"{worker.device} {worker.runtime} {worker.precision}", 18),
        _seconds(at - (silent or worker.since)),
    )


def _trackers(deployment: Deployment) -> Iterator[str]:
    """Those that live; nothing where nobody follows faces, which not every deployment wants."""
    live = deployment.live_trackers
    if not live:
        return
    of = {one.holder: [each for each in live if each.holder == one.holder and each.shard is not None] for one in live}
    yield _row("Trackers", f"{len(of)}, {sum(one.cameras for one in live)} cameras, {sum(one.faces for one in live)} faces")
    rows = [
        (
            _short(holder, 28),
            _short(", ".join(sorted(str(one.shard) for one in shards)) or "stands by", 18),
            str(sum(one.cameras for one in shards)),
            str(sum(one.faces for one in shards)),
            _seconds(max((one.lag_s for one in shards), default=0.0)),
        )
        for holder, shards in sorted(of.items())
    ]
    yield from aligned(("TRACKER", "SHARDS", "CAMERAS", "FACES", "LAG"), rows[:MOST], _COLOURS, "  ")
    if len(rows) > MOST:
        yield f"  and {len(rows) - MOST} more"


def _groups(deployment: Deployment) -> Iterator[str]:
    """Who reads results and events as a group: sinks, and programs of one's own."""
    if not deployment.groups:
        return
    yield _row("Groups", str(len(deployment.groups)))
    rows = [_group(group) for group in deployment.groups]
    yield from aligned(("GROUP", "READS", "MEMBERS", "LAST READ", "BEHIND", "UNREAD", "HELD"), rows[:MOST], _COLOURS, "  ")
    if len(rows) > MOST:
        yield f"  and {len(rows) - MOST} more"


def _group(group: ReaderGroup) -> tuple[str, ...]:
    return (
        _short(group.name, 22),
        group.of,
        str(group.members),
        "never" if group.read_ago_s is None else f"{_seconds(group.read_ago_s)} ago",
        "-" if group.unread_s is None else _seconds(group.unread_s),
        "?" if group.behind is None else str(group.behind),
        str(group.pending),
    )


def _problems(problems: Sequence[Problem], width: int | None) -> Iterator[str]:
    if not problems:
        yield click.style("All is well.", fg="green", bold=True)
        return
    yield click.style("Something is wrong:" if len(problems) == 1 else f"{len(problems)} things are wrong:", fg="red", bold=True)
    for problem in problems:
        lines = textwrap.wrap(str(problem), width - 4, break_on_hyphens=False) if width else [str(problem)]
        yield f"  - {lines[0]}"
        yield from (f"    {line}" for line in lines[1:])


def _row(name: str, value: str) -> str:
    return click.style(f"{name:<9}", bold=True) + value


def _reasons(frames: dict[str, int]) -> str:
    listed = ", ".join(f"{printable(reason)} {number}" for reason, number in frames.items() if number)
    return f" ({listed})" if listed else ""


def _frames(number: int) -> str:
    return "no frame" if number == 0 else "1 frame" if number == 1 else f"{number} frames"


def _short(text: str, width: int) -> str:
    """Printable, and cut where it is longer."""
    text = printable(text)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _seconds(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.1f} s"


def _bytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
