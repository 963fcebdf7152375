"""What is wrong with a deployment, in words, and what to do about it. No I/O."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from ferstream.consumer.deployment.deployment import Deployment
from ferstream.consumer.deployment.lost_frames import (
    NEARLY_FULL,
    QUIET_S,
    are_too_slow,
    is_full,
    memory_share,
    problems_of_late_frames,
    problems_of_lost_frames,
)
from ferstream.consumer.deployment.printable import printable
from ferstream.consumer.deployment.problem import MOST, Problem, counted, names_of, prefixed, quoted
from ferstream.consumer.deployment.reader_problems import problems_of_groups, problems_of_trackers
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import when

#: A worker that vanished is not missed for longer, where others do its work in time.
MISSED_S = 30.0


def diagnose(deployment: Deployment) -> list[Problem]:
    """All that is wrong, what may be the cause of the others first; nothing where all is well."""
    rules = _RULES_OF_A_FULL_REDIS if is_full(deployment) else _RULES
    found = (problem for rule in rules for problem in rule(deployment))
    return [Problem(printable(problem.what), printable(problem.do), problem.topic) for problem in found]


def _away(deployment: Deployment) -> Iterator[Problem]:
    if deployment.away:
        yield Problem(
            f"a part of Redis is away ({deployment.away})", "look at its primaries; what it holds is not seen here", "redis-away"
        )


def _memory(deployment: Deployment) -> Iterator[Problem]:
    server, share = deployment.server, memory_share(deployment)
    if is_full(deployment):
        yield Problem(
            f"Redis is full ({share:.0%} of maxmemory): no frame, result or count can be written, and figures are of before",
            "raise maxmemory, or take out of this Redis what is not ferstream's",
            "redis-full",
        )
    elif share >= NEARLY_FULL:
        yield Problem(
            f"Redis is at {share:.0%} of maxmemory, and takes no frames once it is full",
            "raise maxmemory; if frames wait, start more workers",
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
            f"there is no camera under prefix {prefix}, but under {others}",
            f"start this program with --prefix {deployment.cameras_elsewhere[0]}, if that is meant",
            "wrong-prefix",
        )
    elif not cameras:
        yield Problem("no camera has written anything", f"start fer-producer run{prefixed(prefix)}", "no-camera")


def _silent_cameras(deployment: Deployment) -> Iterator[Problem]:
    silent: defaultdict[tuple[str, float], list[CameraStatus]] = defaultdict(list)
    for camera in deployment.cameras:
        if (since := camera.silent_since(deployment.at)) is not None:
            silent[camera.holder, since].append(camera)
    for (holder, since), cameras in list(silent.items())[:MOST]:
        names = quoted([camera.camera_id for camera in cameras])
        yield Problem(
            f"producer {holder} is silent since {when(since)}, with {counted('camera', names)}",
            "it was killed, hangs, or is cut off from Redis: look at its log, start it again",
            "producer-silent",
        )


def _cameras(deployment: Deployment) -> Iterator[Problem]:
    doing = {
        "down": "look at its power, network and address; `Try it` on the page Cameras (as an admin), or "
        "`fer-producer check --cameras FILE`, says what it finds",
        "stalled": "look at the camera and its network; it is tried again",
        "frozen": "its picture does not move: start the camera again",
        "held": "name one of the two otherwise, or stop one producer",
    }
    wrong = [camera for camera in deployment.live_cameras if camera.state in doing]
    for camera in wrong[:MOST]:
        if camera.state == "held":
            what = f"{camera.problem}, and producer {camera.holder} waits for it"
        else:
            what = f"camera {quoted([camera.camera_id])[0]} is {camera.state}" + (
                f" ({camera.problem})" if camera.problem else ""
            )
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
    silent = [worker for worker in deployment.workers if worker not in live]
    if live and not are_too_slow(deployment):
        silent = [worker for worker in silent if deployment.at - worker.updated_at < MISSED_S]
    for worker in silent[:MOST]:
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
    problems_of_late_frames,
    problems_of_lost_frames,
    problems_of_trackers,
    problems_of_groups,
)
#: Then no status is renewed: that others are silent is no news.
_RULES_OF_A_FULL_REDIS: tuple[Callable[[Deployment], Iterable[Problem]], ...] = (_away, _memory)
