"""What is wrong with those who read results and events: trackers, and consumer groups of sinks. No I/O."""

from collections.abc import Iterator

from ferstream.consumer.deployment.deployment import Deployment
from ferstream.consumer.deployment.problem import MOST, Problem, counted, names_of, prefixed
from ferstream.consumer.deployment.reader_group import ReaderGroup
from ferstream.streams.frames.status_board import FORGET_S, when

#: What is further behind than this should be looked at. Results wait in Redis for ten minutes, unless set.
BEHIND_S = 30.0
#: A shard whose tracker died is taken over by another after seconds.
TAKEN_OVER_S = 15.0


def problems_of_trackers(deployment: Deployment) -> Iterator[Problem]:
    """Events that are wanted and not made, shards that nobody follows, and those that are followed late."""
    if "trackers" in deployment.hidden:
        return
    live, start = deployment.live_trackers, f"start fer-consumer track{prefixed(deployment.prefix)}"
    if not live:
        gone = sorted({one.holder for one in deployment.trackers if deployment.at - one.updated_at < FORGET_S})
        waiting = [group.name for group in deployment.groups if group.of == "events" and group.is_read]
        if gone:
            last = max(one.updated_at for one in deployment.trackers)
            yield Problem(
                f"{counted('tracker', gone)} silent since {when(last)}, and no other runs", f"{start} again", "tracker-silent"
            )
        elif waiting:
            yield Problem(f"{counted('group', waiting)} waits for events, and no fer-consumer track runs", start, "no-tracker")
        return
    followed = {one.shard for one in live}
    if all(deployment.at - one.since > TAKEN_OVER_S for one in live):
        for shard in [shard for shard in range(deployment.shards or 1) if shard not in followed][:MOST]:
            yield Problem(
                f"shard {shard} has no tracker, though others have",
                "look at the logs of fer-consumer track",
                "shard-without-tracker",
            )
    for one in [one for one in live if one.shard is not None and one.lag_s > BEHIND_S][:MOST]:
        yield Problem(
            f"tracker {one.holder} is {one.lag_s:.0f} s behind on shard {one.shard}",
            "it is too slow: start more, or more shards",
            "tracker-behind",
        )


def problems_of_groups(deployment: Deployment) -> Iterator[Problem]:
    """Groups that fall behind, and groups for which nobody reads; after an hour, nobody is expected to."""
    late = [group for group in deployment.groups if _is_late(group)]
    for group in late[:MOST]:
        if group.is_read:
            yield Problem(
                f"group {group.name} is {group.unread_s:.0f} s behind on {group.of}",
                "look at the log of its sink",
                "group-behind",
            )
        else:
            yield Problem(_silence(group), _remedy(deployment, group), "group-unread")
    if len(late) > MOST:
        yield Problem(
            f"{len(late) - MOST} more groups are behind: {names_of([group.name for group in late[MOST:]])}",
            "the same",
            "group-behind",
        )


def _is_late(group: ReaderGroup) -> bool:
    if group.is_abandoned:
        return False
    behind = group.unread_s is not None and group.unread_s > BEHIND_S
    return behind or (not group.is_read and (group.unread_s is not None or group.pending > 0))


def _silence(group: ReaderGroup) -> str:
    number = group.behind if group.behind else None
    waiting = f"{number} {group.of}" if number else group.of
    left = f", {group.pending} unfinished" if group.pending else ""
    return f"nobody of group {group.name} has read for {group.read_ago_s or 0:.0f} s, and {waiting} wait{left}"


def _remedy(deployment: Deployment, group: ReaderGroup) -> str:
    shards = " (and so on for each shard)" if (deployment.shards or 1) > 1 else ""
    return (
        "start its sink again; if nobody needs the group any more: "
        f"XGROUP DESTROY {deployment.prefix}:{group.of}:{{0}} {group.name}{shards}"
    )
