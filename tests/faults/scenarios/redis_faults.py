"""Redis that dies, forgets, is full, refuses, or is replaced by its replica."""

import time

from tests.faults.rig import Rig
from tests.faults.scenario import Load, Scenario
from tests.faults.server import MAX_MEMORY

AWAY_S = 2.0


def restart(rig: Rig) -> None:
    for _ in range(2):
        rig.server.kill()
        time.sleep(AWAY_S)
        rig.server.start()
        rig.wait_for_answers(100)


def fill(rig: Rig) -> None:
    """Less memory than it uses now: frames are refused, and ended all the same."""
    used = int(rig.client.info("memory")["used_memory"])
    rig.client.config_set("maxmemory", used - 100_000)
    time.sleep(4.0)
    rig.client.config_set("maxmemory", MAX_MEMORY)


def evict(rig: Rig) -> None:
    rig.client.config_set("maxmemory-policy", "allkeys-random")
    for _ in range(5):
        used = int(rig.client.info("memory")["used_memory"])
        rig.client.config_set("maxmemory", used - 50_000)
        time.sleep(0.5)
        rig.client.config_set("maxmemory", MAX_MEMORY)
        time.sleep(0.5)
    rig.client.config_set("maxmemory-policy", "noeviction")


def flush(rig: Rig) -> None:
    rig.client.flushall()


def destroy_group(rig: Rig) -> None:
    for _ in range(3):
        rig.client.xgroup_destroy(rig.keys.frames(0), "workers")
        rig.wait_for_answers(50)


def take_rights(rig: Rig) -> None:
    rig.client.acl_setuser("app", enabled=True, commands=["-@all"])
    time.sleep(4.0)
    rig.client.acl_setuser("app", enabled=True, commands=["+@all"])


def promote_replica(rig: Rig) -> None:
    """What Sentinel does behind one address: the primary is gone, its replica takes over, the address leads there."""
    rig.server.kill()
    rig.replica.client.replicaof("NO", "ONE")
    for proxy in (rig.proxy, rig.straight):
        proxy.target = ("127.0.0.1", rig.replica.port)
    rig.server.start()  # empty, and nobody's


def lose_primary(rig: Rig) -> None:
    port = rig.cluster.ports[0]
    rig.cluster.add_replica(port)
    rig.wait_for_answers(50)
    rig.cluster.kill(port)
    time.sleep(5.0)


SCENARIOS = (
    Scenario(name="Redis killed twice, writes on disk", fault=restart, redis="durable"),
    Scenario(name="Redis killed twice, nothing on disk", fault=restart, forgets="all that was in it, the account too"),
    Scenario(name="Redis at maxmemory for 4 s", fault=fill),
    Scenario(name="keys evicted at random", fault=evict, forgets="the keys that were evicted, the account among them"),
    Scenario(name="FLUSHALL", fault=flush, forgets="all that was in it, the account too", quick=True),
    Scenario(name="consumer group destroyed three times", fault=destroy_group),
    Scenario(name="rights taken away for 4 s", fault=take_rights, redis="users"),
    Scenario(
        name="replica promoted, primary gone",
        fault=promote_replica,
        redis="replicated",
        proxied=True,
        forgets="what was not copied yet",
    ),
    Scenario(
        name="cluster loses a primary, its replica takes over",
        fault=lose_primary,
        redis="cluster",
        load=Load(cameras=8, fps=15),
        forgets="what was not copied yet",
    ),
)
