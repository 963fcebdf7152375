"""Why frames have no result, in words, and what to do about it. No I/O."""

from collections.abc import Iterator

from ferstream.consumer.deployment.deployment import Deployment
from ferstream.consumer.deployment.problem import Problem

#: Redis refuses to write when its memory is used up; from here on somebody should look.
NEARLY_FULL = 0.9
#: From here on nothing more is written.
FULL = 0.99
#: No camera has had a frame for so long.
QUIET_S = 10.0
#: Workers whose busiest stages work more than this have no room.
BUSY = 0.8
#: Frames that wait for so long wait for workers: most are given up after a second.
WAITS_S = 0.8

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


def memory_share(deployment: Deployment) -> float:
    """How much of maxmemory is used; 0 without a limit, or where it is not seen."""
    server = deployment.server
    return server.used_bytes / server.max_bytes if server and server.max_bytes else 0.0


def is_full(deployment: Deployment) -> bool:
    """Whether Redis writes nothing more: statuses, the account and results then are of before."""
    evicts = deployment.server is not None and "allkeys" in deployment.server.policy
    return memory_share(deployment) >= FULL and not evicts and not (deployment.rates and deployment.rates.published > 0)


def are_too_slow(deployment: Deployment) -> bool:
    """Whether frames are lost since workers do not come to them."""
    rates = deployment.rates
    if not rates or not deployment.live_workers or not (rates.late > 0 or rates.dropped.get("budget", 0.0) > 0):
        return False
    return rates.busy > BUSY or (deployment.oldest_waiting_s or 0.0) > WAITS_S


def problems_of_late_frames(deployment: Deployment) -> Iterator[Problem]:
    """Frames that expire, and those that wait for ever."""
    rates = deployment.rates
    if not rates or not deployment.live_workers:
        return
    if rates.published == 0 and (deployment.oldest_waiting_s or 0) > QUIET_S:
        what = f"a frame waits for {deployment.oldest_waiting_s:.0f} s and no result comes"
        yield Problem(what, "look at the workers' logs", "no-results")
    elif are_too_slow(deployment):
        late = [f"{rates.late:.1f} frames a second expire"] if rates.late > 0 else []
        dropped = rates.dropped.get("budget", 0.0)
        budget = [f"{dropped:.1f} a second are dropped (their camera's byte budget is full)"] if dropped > 0 else []
        yield Problem(
            f"workers are too slow (busy {rates.busy:.0%}): {' and '.join(late + budget)}",
            "start more workers, or let cameras give fewer frames (--fps)",
            "slow-workers",
        )
    elif rates.late > 0:
        yield Problem(
            f"frames expire, {rates.late:.1f} a second, though workers are not busy",
            "look at their logs, and at docs/operating.md, Tuning",
            "frames-expire",
        )


def problems_of_lost_frames(deployment: Deployment) -> Iterator[Problem]:
    """Frames that are dropped, and dead letters."""
    rates = deployment.rates
    if not rates:
        return
    told = {"budget"} if are_too_slow(deployment) else set()
    for reason, (why, do, topic) in _DROPS.items():
        rate = rates.dropped.get(reason)
        if rate and reason not in told:
            # Where Redis is nearly full, it has no room for larger budgets.
            less = reason == "budget" and memory_share(deployment) >= NEARLY_FULL
            what = f"frames are dropped, {rate:.1f} a second, since {why} ({reason})"
            yield Problem(what, "start more workers" if less else do, topic)
    for reason, rate in rates.dead.items():
        if rate > 0:
            what = f"frames become dead letters, {rate:.1f} a second ({reason})"
            yield Problem(what, f"XREVRANGE {deployment.prefix}:dead:{{0}} + - COUNT 5 has details", "dead-letters")
