"""The way of one command through a Redis Cluster, with no I/O: one generator, driven by a blocking or an async client.

Only what a node refused is sent again (MOVED, ASK, TRYAGAIN): it was not done. After a lost reply nothing is: a repeated XADD
writes twice, a repeated XREADGROUP skips a batch.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

from redis.exceptions import AskError, ClusterDownError, ClusterError, ConnectionError, MovedError, TimeoutError, TryAgainError

from ferstream.streams.redis_client.slot_map import Address, SlotMap

#: Redirections that one command follows; after that the nodes do not agree among themselves.
MOST_REDIRECTIONS = 8
#: While a slot moves, a MULTI waits for all of its keys to arrive, at most so long.
MOVING_PATIENCE_S = 2.0
MOVING_PAUSE_S = 0.05
#: Nodes that may hang while one command asks who holds its slot: two time-outs are less than a worker's BEAT_LIMIT_S.
MOST_HUNG = 2

_NO_ANSWER = (ConnectionError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Visit:
    """Send to this node: the command, the command after ASKING, or CLUSTER SLOTS. The reply is sent back, an error thrown in."""

    address: Address
    what: Literal["command", "asking", "slots"] = "command"


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Steps = Generator[Visit | Pause, Any, Any]


def follow(slots: SlotMap, slot: int, *, transaction: bool = False) -> Steps:
    """Bring a command to the node that holds its slot; returns its reply.

    A transaction does not follow ASK, which is said of single keys: it waits until the slot has moved.
    """
    redirections, give_up_at = 0, time.monotonic() + MOVING_PATIENCE_S
    asked: Address | None = None
    while True:
        address = asked or (yield from locate(slots, slot))
        what: Literal["command", "asking"] = "asking" if asked else "command"
        asked = None
        try:
            return (yield Visit(address, what))
        except MovedError as error:
            slots.moved(slot, error.host, error.port, address)
            redirections += 1
            if redirections > MOST_REDIRECTIONS:
                raise ClusterError(f"its nodes do not agree about who holds slot {slot}") from error
        except (AskError, TryAgainError) as error:
            if isinstance(error, AskError) and not transaction:
                asked = (error.host or address[0], error.port)
            elif time.monotonic() < give_up_at:
                yield Pause(MOVING_PAUSE_S)
            else:
                raise
        except (*_NO_ANSWER, ClusterDownError) as error:
            slots.lost(address)
            if f":{address[1]}" not in str(error):  # which of the nodes it was
                error.args = (f"{error} ({address[0]}:{address[1]})",)
            raise


def locate(slots: SlotMap, slot: int) -> Generator[Visit | Pause, Any, Address]:
    """The primary that holds a slot; where it is not known, one node after the other is asked for the list of all.

    After two that hang it gives up: they are asked last by the next command.
    """
    if known := slots.owner(slot):
        return known
    failure: Exception | None = None
    hung = 0
    for address in slots.nodes():
        try:
            listed = yield Visit(address, "slots")
        except _NO_ANSWER as error:
            failure = failure or error
            slots.lost(address)
            hung += isinstance(error, TimeoutError)
            if hung == MOST_HUNG:
                break
        else:
            slots.learn(listed, address)
            if owner := slots.owner(slot):
                return owner
            raise ClusterDownError(f"no node holds slot {slot}")
    raise failure or ConnectionError("no node of the Redis Cluster is known")
