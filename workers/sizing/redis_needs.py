"""What a fleet asks of Redis: memory, network, and time of its one main thread."""

from dataclasses import dataclass
from math import ceil

from ferstream.streams.frames.writer import GRACE_S
from ferstream.workers.sizing.capacity import Capacity
from ferstream.workers.sizing.demand import Demand
from ferstream.workers.sizing.worksheet import Steps, number

MIB, GIB = 2**20, 2**30
#: Pictures differ in size: a budget holds so many times the mean.
BUDGET_MARGIN = 1.25
#: Redis is alerted on above this share of its memory.
FULL = 0.8
#: Bytes on a cable for each byte of a TCP stream: Ethernet, IP and TCP headers around 1448 of 1538 bytes.
ON_THE_CABLE = 1538 / 1448


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisNeeds:
    """What all primaries together must hold and carry; `budget_bytes` is one camera's."""

    budget_bytes: int
    max_memory_bytes: int
    in_mbit: float
    out_mbit: float
    busy_cores: float


def redis_needs(d: Demand, capacity: Capacity, steps: Steps) -> RedisNeeds:
    """The needs of a demand, its arithmetic appended to `steps`."""
    result = capacity.result_bytes + d.faces * capacity.result_bytes_per_face
    steps.add(
        "one result in Redis",
        "bytes without faces + faces x bytes of a face",
        f"{number(capacity.result_bytes)} + {number(d.faces)} x {number(capacity.result_bytes_per_face)}",
        result,
        "bytes",
    )
    budget, memory = _memory(d, capacity, result, steps)
    flows = (("network into Redis", "", 1), ("network out of Redis", f" x {d.subscribers} subscribers", d.subscribers))
    mbit = []
    for name, times, readers in flows:
        mbit.append(d.rate * (d.frame_bytes + readers * result) * 8 * ON_THE_CABLE / 1e6)
        steps.add(
            name,
            f"frames x (bytes of a frame + bytes of a result{times}) x 8 bits x 1.062 for packet headers",
            f"{number(d.rate)} x ({d.frame_bytes} + {number(result)} x {readers}) x 8 x 1.062 / 1000000",
            mbit[-1],
            "Mbit/s",
        )
    busy = d.rate * capacity.redis_s
    steps.add(
        "Redis's main thread",
        "frames x time of Redis a frame, written, read, answered, deleted",
        f"{number(d.rate)} x {number(1000 * capacity.redis_s)} / 1000",
        busy,
        "cores",
    )
    return RedisNeeds(budget_bytes=budget, max_memory_bytes=memory, in_mbit=mbit[0], out_mbit=mbit[1], busy_cores=busy)


def _memory(d: Demand, capacity: Capacity, result: float, steps: Steps) -> tuple[int, int]:
    """One camera's byte budget, and maxmemory for all of them."""
    budget = d.budget_bytes or ceil(d.fps * (d.freshness_s + GRACE_S) * d.frame_bytes * BUDGET_MARGIN / MIB) * MIB
    if d.budget_bytes is None:
        steps.add(
            "byte budget of a camera",
            "frames a second x (freshness + 1 s of grace) x bytes of a frame x 1.25, rounded up to whole MiB",
            f"{number(d.fps)} x ({number(d.freshness_s)} + 1) x {d.frame_bytes} x 1.25 / 1048576, rounded up",
            budget / MIB,
            "MiB",
        )
    factor = capacity.redis_bytes_per_picture_byte
    frames = d.cameras * budget * factor
    steps.add(
        "frames that may wait",
        "cameras x byte budget x bytes of Redis for each byte of a picture",
        f"{d.cameras} x {number(budget / MIB)} x {number(factor)} / 1024",
        frames / GIB,
        "GiB",
    )
    results = d.rate * d.keep_results_s * result
    steps.add(
        "results that are kept",
        "frames x seconds they are kept x bytes",
        f"{number(d.rate)} x {number(d.keep_results_s)} x {number(result)} / 1073741824",
        results / GIB,
        "GiB",
    )
    memory = (frames + results) / FULL
    steps.add(
        "maxmemory",
        "(frames + results) / 0.8, where the alert is",
        f"({number(frames / GIB)} + {number(results / GIB)}) / 0.8",
        memory / GIB,
        "GiB",
    )
    return budget, ceil(memory)
