"""Whether Redis lets us do what we are here for, asked before the first frame depends on it."""

from collections.abc import Iterable

import redis

from ferstream.streams.errors import StoreError, StoreRefused, StoreUnavailable
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.keys import Keys

#: A command that changes nothing, and is refused all the same where the user has no right to it.
Probe = tuple[str, ...]
#: No entry has this id. Redis looks at the user's rights first; then it refuses to write the id, and finds none to delete.
IMPOSSIBLE_ID = "0-0"
#: No camera has this name, and nothing expires then: Redis refuses it after it has looked at the rights.
NO_CAMERA, NO_TIME = "", ""


def check_rights(client: "redis.Redis", probes: Iterable[Probe]) -> None:
    """Send the probes. Raises StoreRefused that names the first one that the user may not run.

    A server that does not answer is not waited for.
    """
    for command in probes:
        try:
            with translated():
                client.execute_command(*command)  # type: ignore[no-untyped-call]
        except StoreUnavailable:
            return  # a server that is away is waited for later, by the work itself
        except StoreError as error:
            if error.code == "NOPERM":
                raise StoreRefused(f"{error} ({command[0]} {command[1]}): give the user its role's rights", error.code) from error


def producer_commands(keys: Keys) -> list[Probe]:
    frames = keys.frames(0)
    return [
        ("XADD", frames, IMPOSSIBLE_ID, "m", ""),
        ("XDEL", frames, IMPOSSIBLE_ID),
        ("XINFO GROUPS", frames),
        ("XPENDING", frames, IMPOSSIBLE_ID),
        *(_hash(name) for name in (keys.account(0), keys.last(0), keys.age(0), keys.cameras)),
        _SCRIPT,
    ]


def worker_commands(keys: Keys, group: str, *, previews: bool = False) -> list[Probe]:
    frames = keys.frames(0)
    return [
        ("XADD", keys.results(0), IMPOSSIBLE_ID, "r", ""),
        ("XADD", keys.dead(0), IMPOSSIBLE_ID, "d", ""),
        ("XACK", frames, group, IMPOSSIBLE_ID),
        ("XDEL", frames, IMPOSSIBLE_ID),
        *(_hash(name) for name in (keys.account(0), keys.age(0), keys.workers)),
        _SCRIPT,
        *(_previews(keys) if previews else ()),
    ]


def tracker_commands(keys: Keys) -> list[Probe]:
    return [
        ("XREAD", "STREAMS", keys.results(0), IMPOSSIBLE_ID),
        ("XADD", keys.events(0), IMPOSSIBLE_ID, "e", ""),
        *(_hash(name) for name in (keys.tracks(0), keys.trackers)),
        _SCRIPT,
    ]


def sink_commands(keys: Keys) -> list[Probe]:
    """What a sink needs beyond reading in a group, to have that for itself."""
    return [_hash(keys.sinks), _SCRIPT]


def dashboard_commands(keys: Keys, *, pictures: bool = True) -> list[Probe]:
    """What a page needs that shows how all of it is; `pictures` of what is seen now, too."""
    return [
        ("XREAD", "STREAMS", keys.results(0), IMPOSSIBLE_ID),
        ("XREAD", "STREAMS", keys.events(0), IMPOSSIBLE_ID),
        *(("HGETALL", name) for name in (keys.cameras, keys.workers, keys.trackers)),
        *(_looks(keys) if pictures else ()),
    ]


def _looks(keys: Keys) -> list[Probe]:
    """What a program needs to ask for previews, and to read them."""
    return [
        ("XREAD", "STREAMS", keys.preview(NO_CAMERA), IMPOSSIBLE_ID),
        _hash(keys.watched),
        ("HGETALL", keys.watched),
        ("HDEL", keys.watched, NO_CAMERA),
        ("PEXPIRE", keys.watched, NO_TIME),
    ]


def _previews(keys: Keys) -> list[Probe]:
    """What a worker needs to write previews."""
    preview = keys.preview(NO_CAMERA)
    return [
        ("HGETALL", keys.watched),
        ("XREVRANGE", preview, IMPOSSIBLE_ID, IMPOSSIBLE_ID),
        ("XADD", preview, IMPOSSIBLE_ID, "m", ""),
        ("PEXPIRE", preview, NO_TIME),
    ]


#: A script of nothing: one that a user may not run is refused before it is read.
_SCRIPT = ("EVAL", "return 0", "0")


def _hash(name: str) -> Probe:
    """HSET with a value missing: Redis refuses it for that, after it has looked at the rights."""
    return ("HSET", name, IMPOSSIBLE_ID, "", IMPOSSIBLE_ID)
