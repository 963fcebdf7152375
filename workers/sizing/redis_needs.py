"""What a fleet asks of Redis: memory, network, and time of its one main thread."""

from dataclasses import dataclass
from math import ceil

from ferstream.streams.frames.age import GRACE_S
from ferstream.workers.sizing.capacity import Capacity
from ferstream.workers.sizing.worksheet import Workload, Worksheet, number

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


def redis_needs(w: Workload, capacity: Capacity, sheet: Worksheet) -> RedisNeeds:
    """The needs of a workload, its arithmetic appended to `sheet`."""
    result = capacity.result_bytes + w.faces * capacity.result_bytes_per_face
    sheet.add(
        "one result in Redis",
        "bytes without faces + faces x bytes of a face",
        f"{number(capacity.result_bytes)} + {number(w.faces)} x {number(capacity.result_bytes_per_face)}",
        result,
        "bytes",
    )
    budget, memory = _memory(w, capacity, result, sheet)
    flows = (("network into Redis", "", 1), ("network out of Redis", f" x {w.subscribers} subscribers", w.subscribers))
    mbit = []
    for name, times, readers in flows:
        mbit.append(w.rate * (w.frame_bytes + readers * result) * 8 * ON_THE_CABLE / 1e6)
        sheet.add(
            name,
            f"frames x (bytes of a frame + bytes of a result{times}) x 8 bits x 1.062 for packet headers",
            f"{number(w.rate)} x ({w.frame_bytes} + {number(result)} x {readers}) x 8 x 1.062 / 1000000",
            mbit[-1],
            "Mbit/s",
        )
    busy = w.rate * capacity.redis_s
    sheet.add(
        "Redis's main thread",
        "frames x time of Redis a frame, written, read, answered, deleted",
        f"{number(w.rate)} x {number(1000 * capacity.redis_s)} / 1000",
        busy,
        "cores",
    )
    return RedisNeeds(budget_bytes=budget, max_memory_bytes=memory, in_mbit=mbit[0], out_mbit=mbit[1], busy_cores=busy)


def _memory(w: Workload, capacity: Capacity, result: float, sheet: Worksheet) -> tuple[int, int]:
    """One camera's byte budget, and maxmemory for all of them."""
    budget = w.budget_bytes or ceil(w.fps * (w.freshness_s + GRACE_S) * w.frame_bytes * BUDGET_MARGIN / MIB) * MIB
    if w.budget_bytes is None:
        sheet.add(
            "byte budget of a camera",
            "frames a second x (freshness + 1 s of grace) x bytes of a frame x 1.25, rounded up to whole MiB",
            f"{number(w.fps)} x ({number(w.freshness_s)} + 1) x {w.frame_bytes} x 1.25 / 1048576, rounded up",
            budget / MIB,
            "MiB",
        )
    factor = capacity.redis_bytes_per_picture_byte
    frames = w.cameras * budget * factor
    sheet.add(
        "frames that may wait",
        "cameras x byte budget x bytes of Redis for each byte of a picture",
        f"{w.cameras} x {number(budget / MIB)} x {number(factor)} / 1024",
        frames / GIB,
        "GiB",
    )
    results = w.rate * w.keep_results_s * result
    sheet.add(
        "results that are kept",
        "frames x seconds they are kept x bytes",
        f"{number(w.rate)} x {number(w.keep_results_s)} x {number(result)} / 1073741824",
        results / GIB,
        "GiB",
    )
    memory = (frames + results) / FULL
    sheet.add(
        "maxmemory",
        "(frames + results) / 0.8, where the alert is",
        f"({number(frames / GIB)} + {number(results / GIB)}) / 0.8",
        memory / GIB,
        "GiB",
    )
    return budget, ceil(memory)
