"""How much hardware a fleet needs: workers, GPUs and producers, each figure with the arithmetic that gave it."""

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from ferstream.workers.sizing.capacity import Capacity
from ferstream.workers.sizing.redis_needs import RedisNeeds, redis_needs
from ferstream.workers.sizing.redis_topology import RedisTopology, topology_of
from ferstream.workers.sizing.worksheet import Step, Workload, Worksheet, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What carries a workload. `cores` are all workers' together.

    The names are those of `fer-worker plan --json`: `demand` is the workload, `carrier` the topology of Redis.
    """

    demand: Workload
    workers: int
    gpus: int
    cores: float
    worker_memory_bytes: int
    producer_cores: float
    redis: RedisNeeds
    carrier: RedisTopology
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON-ready, the same names."""
        return asdict(self)


def make_plan(demand: Workload, capacity: Capacity) -> Plan:
    """The plan for a workload on machines like the measured one, a CPU's; GPUs are counted from `gpu_faces_per_second`."""
    sheet = Worksheet()
    w = demand
    sheet.add("frames", "cameras x frames a second", f"{w.cameras} x {number(w.fps)}", w.rate, "frames/s")
    workers, gpus, cores = _on_gpus(w, capacity, sheet) if w.gpu_faces_per_second else _on_cores(w, capacity, sheet)
    memory = workers * capacity.resident_bytes
    sheet.add(
        "workers' memory",
        "workers x resident memory of one",
        f"{workers} x {number(capacity.resident_bytes / 2**20)} / 1024",
        memory / 2**30,
        "GiB",
    )
    producer_cores = w.cameras * (capacity.producer_camera_s + w.fps * capacity.producer_frame_s) / w.headroom
    sheet.add(
        "cores of producers",
        "cameras x (reading one + frames a second x writing one) / headroom",
        f"{w.cameras} x ({number(capacity.producer_camera_s)} + {number(w.fps)} x {number(capacity.producer_frame_s)})"
        f" / {number(w.headroom)}",
        producer_cores,
        "cores",
    )
    needs = redis_needs(w, capacity, sheet)
    carrier = topology_of(needs, w, sheet)
    return Plan(
        demand=w,
        workers=workers,
        gpus=gpus,
        cores=cores,
        worker_memory_bytes=memory,
        producer_cores=producer_cores,
        redis=needs,
        carrier=carrier,
        steps=sheet.steps(),
    )


def _on_cores(w: Workload, c: Capacity, sheet: Worksheet) -> tuple[int, int, float]:
    """Workers, no GPU, cores."""
    _frame(c, sheet)
    sheet.add(
        "a face in a worker",
        "(cores / frames a second measured with 3 faces - a frame without) / 3",
        f"({c.cores} / {number(c.reached(3))} x 1000 - {_ms(c.frame_s)}) / 3",
        1000 * c.face_s,
        "ms",
    )
    frame_s = c.core_s(w.faces, w.height)
    sheet.add(
        "core time a frame",
        "a frame without faces + decoding this height - decoding 720 + faces x a face",
        f"{_ms(c.frame_s)} + {_ms(c.decode_s[w.height])} - {_ms(c.decode_s['720'])} + {number(w.faces)} x {_ms(c.face_s)}",
        1000 * frame_s,
        "ms",
    )
    cores = w.rate * frame_s / w.headroom
    sheet.add(
        "cores of workers",
        "frames x core time / headroom",
        f"{number(w.rate)} x {_ms(frame_s)} / 1000 / {number(w.headroom)}",
        cores,
        "cores",
    )
    workers = ceil(cores / w.cores)
    sheet.add("workers", "cores / cores of one, rounded up", f"{number(cores)} / {w.cores}, rounded up", workers, "workers")
    return workers, 0, cores


def _on_gpus(w: Workload, c: Capacity, sheet: Worksheet) -> tuple[int, int, float]:
    """Workers, one a GPU, and the cores that do the rest for them."""
    reached = w.gpu_faces_per_second or 0.0
    faces = max(w.faces, 1.0)  # a frame without faces is looked through all the same
    gpus = ceil(w.rate * faces / reached / w.headroom)
    sheet.add(
        "GPUs",
        "frames x faces (1 at least) / faces a second of one GPU / headroom, rounded up",
        f"{number(w.rate)} x {number(faces)} / {number(reached)} / {number(w.headroom)}, rounded up",
        gpus,
        "GPUs",
    )
    _frame(c, sheet)
    rest_s = c.core_s(0, w.height) - c.detect_s + w.faces * c.crop_s
    sheet.add(
        "core time beside the GPU",
        "a frame without faces + decoding this height - decoding 720 - detecting + faces x cropping",
        f"{_ms(c.frame_s)} + {_ms(c.decode_s[w.height])} - {_ms(c.decode_s['720'])} - {_ms(c.detect_s)}"
        f" + {number(w.faces)} x {_ms(c.crop_s)}",
        1000 * rest_s,
        "ms",
    )
    cores = w.rate * rest_s / w.headroom
    sheet.add(
        "cores of workers",
        "frames x core time / headroom",
        f"{number(w.rate)} x {_ms(rest_s)} / 1000 / {number(w.headroom)}",
        cores,
        "cores",
    )
    return gpus, gpus, cores


def _frame(c: Capacity, sheet: Worksheet) -> None:
    sheet.add(
        "a frame without faces in a worker",
        "cores / frames a second, as measured",
        f"{c.cores} / {number(c.reached(0))} x 1000",
        1000 * c.frame_s,
        "ms",
    )


def _ms(seconds: float) -> str:
    return number(1000 * seconds)
