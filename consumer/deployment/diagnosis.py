"""What is wrong with a deployment, in words, and what to do about it. No I/O."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from ferstream.consumer.deployment.deployment import Deployment
from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.deployment.problem import MOST, Problem, counted, names_of, prefixed
from ferstream.consumer.deployment.reader_problems import problems_of_groups, problems_of_trackers
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import when

#: Redis refuses to write when its memory is used up; from here on somebody should look.
FULL = 0.9
#: No camera has had a frame for so long.
QUIET_S = 10.0
#: A worker whose busiest stage works more than this has no room.
BUSY = 0.8

#: Why frames are dropped that are not too many or too old, what to do, and the topic. Others (`rate`, `busy`) are as somebody
#: wanted it.
_DROPS = {
    "redis_full": ("Redis takes no more", "raise maxmemory, or lower --budget-bytes", "redis-full"),
    "redis_down": ("Redis did not answer", "look at Redis's log and the network", "redis-down"),
    "redis_lost": (
        "Redis lost them",
        "look at Redis's log: it was started again, or a replica took over that did not have them",
        "redis-lost",
    ),
    "redis_refused": ("Redis refused them", "look at the producer's log", "redis-refused"),
    "vanished": (
        "somebody took them out of Redis",
        "set maxmemory-policy noeviction, and leave fer:frames alone",
        "frames-vanished",
    ),
    "budget": ("their camera's byte budget is used up", "start more workers, or raise --budget-bytes", "byte-budget"),
}


def diagnose(deployment: Deployment) -> list[Problem]:
    """All that is wrong, what may be the cause of the others first; nothing where all is well."""
    found = (problem for rule in _RULES for problem in rule(deployment))
    return [Problem(printable(problem.what), printable(problem.do), problem.topic) for problem in found]


def _away(deployment: Deployment) -> Iterator[Problem]:
    if deployment.away:
        yield Problem(
            f"a part of Redis is away ({deployment.away})", "look at its primaries; what it holds is not seen here", "redis-away"
        )


def _memory(deployment: Deployment) -> Iterator[Problem]:
    server = deployment.server
    if server and server.max_bytes and server.used_bytes >= FULL * server.max_bytes:
        share = server.used_bytes / server.max_bytes
        yield Problem(
            f"Redis is at {share:.0%} of maxmemory, and refuses frames when it is full",
            "raise maxmemory, or start more workers",
            "redis-memory",
        )
    if server and "allkeys" in server.policy:
        yield Problem(f"maxmemory-policy {server.policy} may delete whole streams", "set noeviction", "redis-policy")


def _nobody_here(deployment: Deployment) -> Iterator[Problem]:
    """Another prefix, or programs that were never started."""
    if deployment.hidden & {"cameras", "workers"}:
        return
    prefix = deployment.prefix
    cameras, workers = deployment.cameras, deployment.live_workers
    if cameras and not workers and deployment.workers_elsewhere:
        others = names_of(deployment.workers_elsewhere)
        yield Problem(f"workers read prefix {others}, cameras write to {prefix}", "give both the same --prefix", "wrong-prefix")
    elif workers and not cameras and deployment.cameras_elsewhere:
        others = names_of(deployment.cameras_elsewhere)
        yield Problem(f"workers read prefix {prefix}, cameras write to {others}", "give both the same --prefix", "wrong-prefix")
    elif not cameras and not workers and deployment.cameras_elsewhere:
        others = names_of(deployment.cameras_elsewhere)
        yield Problem(
            f"there is no camera under prefix {prefix}, but under {others}", "is it the right --prefix?", "wrong-prefix"
        )
    elif not cameras:
        yield Problem("no camera has written anything", f"start fer-producer run{prefixed(prefix)}", "no-camera")


def _silent_cameras(deployment: Deployment) -> Iterator[Problem]:
    silent: defaultdict[tuple[str, float], list[CameraStatus]] = defaultdict(list)
    for camera in deployment.cameras:
        if (since := camera.silent_since(deployment.at)) is not None:
            silent[camera.holder, since].append(camera)
    for (holder, since), cameras in list(silent.items())[:MOST]:
        yield Problem(
            f"producer {holder} is silent since {when(since)}, with {counted('camera', [one.camera_id for one in cameras])}",
            "it was killed, hangs, or is cut off from Redis: look at its log, start it again",
            "producer-silent",
        )


def _cameras(deployment: Deployment) -> Iterator[Problem]:
    doing = {
        "down": "it is tried again; `fer-producer check` opens it once and says why",
        "stalled": "look at the camera and its network; it is tried again",
        "frozen": "its picture does not move: start the camera again",
        "held": "name one of the two otherwise, or stop one producer",
    }
    wrong = [camera for camera in deployment.live_cameras if camera.state in doing]
    for camera in wrong[:MOST]:
        if camera.state == "held":
            what = f"{camera.problem}, and producer {camera.holder} waits for it"
        else:
            what = f"camera {camera.camera_id} is {camera.state}" + (f" ({camera.problem})" if camera.problem else "")
        yield Problem(what, doing[camera.state], f"camera-{camera.state}")
    if len(wrong) > MOST:
        yield Problem(f"{len(wrong) - MOST} more cameras are not live", "`fer-consumer cameras` lists them", "camera-down")


def _nobody_writes(deployment: Deployment) -> Iterator[Problem]:
    cameras = [camera for camera in deployment.cameras if camera.state != "ended"]
    times = [camera.last_frame_at for camera in cameras if camera.last_frame_at is not None]
    if times and deployment.at - max(times) > QUIET_S:
        yield Problem(
            f"nobody has written for {deployment.at - max(times):.0f} s",
            "look at the cameras and their producers",
            "nobody-writes",
        )


def _workers(deployment: Deployment) -> Iterator[Problem]:
    live = deployment.live_workers
    for worker in [worker for worker in deployment.workers if worker not in live][:MOST]:
        yield Problem(
            f"worker {worker.name} ({worker.holder}) is silent since {when(worker.updated_at)}",
            "it was killed, hangs, or is cut off from Redis: look at its log, start it again",
            "worker-silent",
        )
    for worker in [worker for worker in live if worker.state not in ("ready", "warming up", "draining")][:MOST]:
        yield Problem(f"worker {worker.name} does nothing ({worker.state})", "look at its log", "worker-waits")
    waiting = deployment.account.in_flight if deployment.account else 0
    somebody_else = deployment.workers_elsewhere or "workers" in deployment.hidden
    if not live and not somebody_else and (waiting or deployment.live_cameras):
        what = "frames wait and no worker reads them" if waiting else "no worker reads the frames"
        yield Problem(what, f"start fer-worker run{prefixed(deployment.prefix)}", "no-worker")


def _groups(deployment: Deployment) -> Iterator[Problem]:
    groups = sorted({worker.group for worker in deployment.live_workers})
    if len(groups) > 1:
        yield Problem(f"workers read as several groups, {names_of(groups)}", "give all the same --group", "several-groups")


def _shards(deployment: Deployment) -> Iterator[Problem]:
    shards = deployment.shards
    wrong = [worker for worker in deployment.live_workers if shards and worker.shards != tuple(range(shards))]
    for worker in wrong[:MOST]:
        yield Problem(
            f"worker {worker.name} reads {len(worker.shards)} shards, the deployment has {shards} ({deployment.prefix}:shards)",
            f"start it with --shards {shards}",
            "wrong-shards",
        )


def _account(deployment: Deployment) -> Iterator[Problem]:
    if deployment.account and not deployment.account.balances:
        number = deployment.account.balance
        yield Problem(
            f"the account does not balance by {number}", "frames are in no column, or in two: please report it", "account-off"
        )


def _late(deployment: Deployment) -> Iterator[Problem]:
    rates, live = deployment.rates, deployment.live_workers
    if not rates or not live:
        return
    if rates.expired > 0:
        busy = sum(worker.busy for worker in live) / len(live)
        what = f"frames expire, {rates.expired:.1f} a second"
        if busy > BUSY:
            yield Problem(
                f"{what}, since workers are too slow (busy {busy:.0%})", "start more workers, or lower --fps", "slow-workers"
            )
        else:
            yield Problem(
                f"{what}, though workers are not busy", "look at their logs, and at docs/operating.md, Tuning", "frames-expire"
            )
    elif rates.published == 0 and (deployment.oldest_waiting_s or 0) > QUIET_S:
        what = f"a frame waits for {deployment.oldest_waiting_s:.0f} s and no result comes"
        yield Problem(what, "look at the workers' logs", "no-results")


def _lost(deployment: Deployment) -> Iterator[Problem]:
    rates = deployment.rates
    if not rates:
        return
    for reason, (why, do, topic) in _DROPS.items():
        if rate := rates.dropped.get(reason):
            yield Problem(f"frames are dropped, {rate:.1f} a second, since {why} ({reason})", do, topic)
    for reason, rate in rates.dead.items():
        if rate > 0:
            what = f"frames become dead letters, {rate:.1f} a second ({reason})"
            yield Problem(what, f"XREVRANGE {deployment.prefix}:dead:{{0}} + - COUNT 5 has details", "dead-letters")


_RULES: tuple[Callable[[Deployment], Iterable[Problem]], ...] = (
    _away,
    _memory,
    _nobody_here,
    _silent_cameras,
    _cameras,
    _nobody_writes,
    _workers,
    _groups,
    _shards,
    _account,
    _late,
    _lost,
    problems_of_trackers,
    problems_of_groups,
)
