"""How much hardware a fleet needs: workers, GPUs and producers, each figure with the arithmetic that gave it."""

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from ferstream.workers.sizing.capacity import Capacity
from ferstream.workers.sizing.demand import Demand
from ferstream.workers.sizing.redis_needs import RedisNeeds, redis_needs
from ferstream.workers.sizing.redis_topology import Carrier, carrier_of
from ferstream.workers.sizing.worksheet import Step, Steps, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What carries a demand. `cores` are all workers' together."""

    demand: Demand
    workers: int
    gpus: int
    cores: float
    worker_memory_bytes: int
    producer_cores: float
    redis: RedisNeeds
    carrier: Carrier
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON-ready, the same names."""
        return asdict(self)


def make_plan(demand: Demand, capacity: Capacity) -> Plan:
    """The plan for a demand on machines like the measured one, a CPU's; GPUs are counted from `gpu_faces_per_second`."""
    steps = Steps()
    d = demand
    steps.add("frames", "cameras x frames a second", f"{d.cameras} x {number(d.fps)}", d.rate, "frames/s")
    workers, gpus, cores = _on_gpus(d, capacity, steps) if d.gpu_faces_per_second else _on_cores(d, capacity, steps)
    memory = workers * capacity.resident_bytes
    steps.add(
        "workers' memory",
        "workers x resident memory of one",
        f"{workers} x {number(capacity.resident_bytes / 2**20)} / 1024",
        memory / 2**30,
        "GiB",
    )
    producer_cores = d.cameras * (capacity.producer_camera_s + d.fps * capacity.producer_frame_s) / d.headroom
    steps.add(
        "cores of producers",
        "cameras x (reading one + frames a second x writing one) / headroom",
        f"{d.cameras} x ({number(capacity.producer_camera_s)} + {number(d.fps)} x {number(capacity.producer_frame_s)})"
        f" / {number(d.headroom)}",
        producer_cores,
        "cores",
    )
    needs = redis_needs(d, capacity, steps)
    carrier = carrier_of(needs, d, steps)
    return Plan(
        demand=d,
        workers=workers,
        gpus=gpus,
        cores=cores,
        worker_memory_bytes=memory,
        producer_cores=producer_cores,
        redis=needs,
        carrier=carrier,
        steps=steps.all(),
    )


def _on_cores(d: Demand, c: Capacity, steps: Steps) -> tuple[int, int, float]:
    """Workers, no GPU, cores."""
    _frame(c, steps)
    steps.add(
        "a face in a worker",
        "(cores / frames a second measured with 3 faces - a frame without) / 3",
        f"({c.cores} / {number(c.reached(3))} x 1000 - {_ms(c.frame_s)}) / 3",
        1000 * c.face_s,
        "ms",
    )
    frame_s = c.core_s(d.faces, d.height)
    steps.add(
        "core time a frame",
        "a frame without faces + decoding this height - decoding 720 + faces x a face",
        f"{_ms(c.frame_s)} + {_ms(c.decode_s[d.height])} - {_ms(c.decode_s['720'])} + {number(d.faces)} x {_ms(c.face_s)}",
        1000 * frame_s,
        "ms",
    )
    cores = d.rate * frame_s / d.headroom
    steps.add(
        "cores of workers",
        "frames x core time / headroom",
        f"{number(d.rate)} x {_ms(frame_s)} / 1000 / {number(d.headroom)}",
        cores,
        "cores",
    )
    workers = ceil(cores / d.cores)
    steps.add("workers", "cores / cores of one, rounded up", f"{number(cores)} / {d.cores}, rounded up", workers, "workers")
    return workers, 0, cores


def _on_gpus(d: Demand, c: Capacity, steps: Steps) -> tuple[int, int, float]:
    """Workers, one a GPU, and the cores that do the rest for them."""
    reached = d.gpu_faces_per_second or 0.0
    faces = max(d.faces, 1.0)  # a frame without faces is looked through all the same
    gpus = ceil(d.rate * faces / reached / d.headroom)
    steps.add(
        "GPUs",
        "frames x faces (1 at least) / faces a second of one GPU / headroom, rounded up",
        f"{number(d.rate)} x {number(faces)} / {number(reached)} / {number(d.headroom)}, rounded up",
        gpus,
        "GPUs",
    )
    _frame(c, steps)
    rest_s = c.core_s(0, d.height) - c.detect_s + d.faces * c.crop_s
    steps.add(
        "core time beside the GPU",
        "a frame without faces + decoding this height - decoding 720 - detecting + faces x cropping",
        f"{_ms(c.frame_s)} + {_ms(c.decode_s[d.height])} - {_ms(c.decode_s['720'])} - {_ms(c.detect_s)}"
        f" + {number(d.faces)} x {_ms(c.crop_s)}",
        1000 * rest_s,
        "ms",
    )
    cores = d.rate * rest_s / d.headroom
    steps.add(
        "cores of workers",
        "frames x core time / headroom",
        f"{number(d.rate)} x {_ms(rest_s)} / 1000 / {number(d.headroom)}",
        cores,
        "cores",
    )
    return gpus, gpus, cores


def _frame(c: Capacity, steps: Steps) -> None:
    steps.add(
        "a frame without faces in a worker",
        "cores / frames a second, as measured",
        f"{c.cores} / {number(c.reached(0))} x 1000",
        1000 * c.frame_s,
        "ms",
    )


def _ms(seconds: float) -> str:
    return number(1000 * seconds)
