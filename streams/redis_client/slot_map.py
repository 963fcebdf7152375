"""Which node of a Redis Cluster holds which slot, as far as one client knows. No I/O."""

import threading
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from redis.crc import key_slot

Address = tuple[str, int]

#: A command without a key goes to the node that holds this one: the same for all, so that all ask one node for the time.
COMMON_KEY = "fer:shards"


def slot_of(arguments: Sequence[Any]) -> int:
    """The slot of a command's key. A ferstream command has one key, or several of one slot."""
    name = str(arguments[0]).upper()
    if name in ("XREAD", "XREADGROUP"):
        words = [argument.upper() if isinstance(argument, str | bytes) else argument for argument in arguments]
        return key_slot(_encoded(arguments[words.index(b"STREAMS" if b"STREAMS" in words else "STREAMS") + 1]))
    if name in ("EVAL", "EVALSHA"):  # script, number of keys, the first key
        return key_slot(_encoded(arguments[3]))
    keyless = name in ("TIME", "INFO", "PING", "CLUSTER SLOTS") or len(arguments) < 2
    return key_slot(_encoded(COMMON_KEY if keyless else arguments[1]))


class SlotMap:
    """Safe to use from several threads. Nodes are asked in this order: those that answered last, those that did not, last."""

    def __init__(self, seeds: Iterable[Address]) -> None:
        self._nodes = list(dict.fromkeys(seeds))
        # Ranges, because each camera has a map: an entry for each of 16,384 slots takes a megabyte.
        self._ranges: list[tuple[int, int, Address]] = []  # first slot, last slot, owner; in the order of the slots
        self._moved: dict[int, Address | None] = {}  # what we heard of single slots since; None: its owner is lost
        self._lock = threading.Lock()

    def owner(self, slot: int) -> Address | None:
        """The primary that holds a slot, or None: ask a node for its list."""
        with self._lock:
            if slot in self._moved:
                return self._moved[slot]
            index = bisect_right(self._ranges, slot, key=lambda each: each[0]) - 1
            return self._ranges[index][2] if index >= 0 and slot <= self._ranges[index][1] else None

    def nodes(self) -> list[Address]:
        """All nodes that we have heard of, in the order in which to ask them."""
        with self._lock:
            return list(self._nodes)

    def primaries(self) -> list[Address]:
        """Nodes that hold slots, in the order of their slots."""
        with self._lock:
            owners = [(first, owner) for first, _, owner in self._ranges]
            owners += [(slot, owner) for slot, owner in self._moved.items() if owner]
            return list(dict.fromkeys(owner for _, owner in sorted(owners)))

    def learn(self, listed: Iterable[Sequence[Any]], asked: Address) -> None:
        """Take in a reply of CLUSTER SLOTS: [first slot, last slot, primary, replica, ...]; a node is [host, port, ...]."""
        ranges: list[tuple[int, int, Address]] = []
        heard: list[Address] = []
        for first, last, *nodes in listed:
            addresses = [_address(node[0], node[1], asked) for node in nodes]
            ranges.append((int(first), int(last), addresses[0]))
            heard += addresses
        with self._lock:
            self._ranges, self._moved = sorted(ranges), {}
            # Nodes that are not listed any more stay, behind the others: after a failover one of them may be all we know.
            known = [address for address in self._nodes if address in heard]  # those that gave no answer stay behind
            self._nodes = list(dict.fromkeys([*known, *heard, *self._nodes]))

    def moved(self, slot: int, host: str, port: int, asked: Address) -> None:
        """A node said who holds the slot now."""
        with self._lock:
            owner = self._moved[slot] = _address(host, port, asked)
            if owner not in self._nodes:
                self._nodes.insert(0, owner)

    def lost(self, address: Address) -> None:
        """The node gave no answer: find out anew who holds what it held, and ask it last."""
        with self._lock:
            self._ranges = [each for each in self._ranges if each[2] != address]
            self._moved = {slot: None if owner == address else owner for slot, owner in self._moved.items()}
            if address in self._nodes:
                self._nodes.remove(address)
                self._nodes.append(address)


def _address(host: Any, port: Any, asked: Address) -> Address:  # noqa: ANN401 - redis-py's
    """A node that does not know its own host name leaves it empty: it is the one that we asked."""
    text = host.decode() if isinstance(host, bytes) else host
    return (text or asked[0], int(port))


def _encoded(key: Any) -> bytes:  # noqa: ANN401 - what a command holds
    return key if isinstance(key, bytes) else str(key).encode()
