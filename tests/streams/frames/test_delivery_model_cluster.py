"""The steps of the model on a Redis Cluster, while the slot of the shard moves from primary to primary, whole or half-way.

FER_MODEL_RUNS says how many sequences the model tries; here it is a tenth of them.
"""

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from redis.crc import key_slot

from ferstream.streams.redis_client import cluster as cluster_client
from tests.streams.frames.test_delivery_model import KEYS, RUNS, Delivery, first_frames, play
from tests.support.losing_proxy import LosingProxy
from tests.support.redis_cluster import RedisCluster

SLOT = key_slot(KEYS.frames(0).encode())
#: As many keys as the shard has, and more than one of them are never moved in one step.
MOST_KEYS = 6


@dataclass
class MovingSlot:
    """Where the slot of the shard is, and whether it is on its way to the other primary."""

    cluster: RedisCluster
    source: int
    target: int
    moving: bool = False

    def begin(self, keys):
        """So many of its keys are there already."""
        self.cluster.begin_move(SLOT, self.source, self.target)
        self.cluster.move_keys(SLOT, self.source, self.target, keys)
        self.moving = True

    def end(self):
        while self.cluster.move_keys(SLOT, self.source, self.target, MOST_KEYS):
            pass
        self.cluster.end_move(SLOT, self.source, self.target)
        self.source, self.target, self.moving = self.target, self.source, False


class MovingDelivery(Delivery):
    """While keys of the slot are on both primaries, steps that need several of them are refused, and tried again."""

    slot: MovingSlot

    @initialize(frames=first_frames, later=first_frames, keys=st.sampled_from([None, 0, 1, 2]))
    def begin(self, frames, later, keys):
        """Most with a slot that is on its way, and frames that are written then. The first of them make three keys."""
        Delivery.begin(self, frames)
        if keys is not None:
            self.slot.begin(keys)
        for camera, fault in later:
            self.write_one(self.cameras[camera], 3600.0, fault)

    @precondition(lambda self: not self.slot.moving)
    @rule()
    def move_the_slot(self):
        self.slot.begin(0)
        self.slot.end()

    @precondition(lambda self: not self.slot.moving)
    @rule(keys=st.integers(0, MOST_KEYS))
    def begin_to_move_the_slot(self, keys):
        self.slot.begin(keys)

    @precondition(lambda self: self.slot.moving)
    @rule()
    def end_the_move(self):
        self.slot.end()

    @precondition(lambda self: not self.slot.moving)  # it is read in one step, which needs all of its keys in one place
    @invariant()
    def the_account_never_has_too_many(self):
        Delivery.the_account_never_has_too_many(self)

    def teardown(self):
        if self.slot.moving:
            self.slot.end()
        super().teardown()


@pytest.fixture
def impatient(monkeypatch):
    """Clients that ask twice again, and do not wait, where a slot is half here, half there: it stays so for steps on end."""
    monkeypatch.setattr(cluster_client, "MOVING_PATIENCE_S", 0.0)
    monkeypatch.setattr(cluster_client, "MOVING_PAUSE_S", 0.001)
    monkeypatch.setattr(cluster_client.Cluster, "RedisClusterRequestTTL", 3)


@pytest.mark.timeout(900)
def test_a_slot_that_moves_among_the_steps(impatient):
    found: list[LosingProxy] = []

    def proxy(port):
        found.append(LosingProxy(port))
        return found[-1].port

    with RedisCluster(primaries=2, proxy=proxy) as cluster:
        for port in cluster.ports:
            with cluster.node(port) as node:
                node.config_set("hz", 500)  # a blocking read ends after two milliseconds; usually after a hundred
        home = cluster.port_of(KEYS.frames(0))
        (other,) = set(cluster.ports) - {home}

        class Here(MovingDelivery):
            url = faulty_url = cluster.url
            proxies, slot = found, MovingSlot(cluster, home, other)

        play(Here, max(1, RUNS // 10))
    for each in found:
        each.close()
