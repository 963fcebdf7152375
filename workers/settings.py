"""What a worker is told at its start. It is read once and does not change."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ferstream.streams.wire.keys import Keys

if TYPE_CHECKING:  # numpy and cv2 are not loaded for --help
    from ferstream.workers.models.registry import RuntimeName
    from ferstream.workers.models.runtimes.runtime import Precision


def usable_cores() -> int:
    """The cores that this process may use; all of the machine's where the system does not tell (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_threads() -> int:
    """Threads a stage: the cores this process may use, eight at most; beyond that the Python between the calls is the limit."""
    return min(8, usable_cores())


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The options of `fer-worker run`; times in seconds."""

    redis_url: str = field(repr=False)
    keys: Keys = field(default_factory=Keys)
    group: str = "workers"
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    device: str = "auto"
    runtime: "RuntimeName" = "auto"
    precision: "Precision" = "f32"
    detector: Path | None = None
    classifier: Path | None = None
    threads: int = field(default_factory=default_threads)
    window: int = 64  # frames held from read to answer
    detect_batch_size: int = 8
    max_batch_size: int = 32  # faces
    batch_timeout_s: float = 0.005
    claim_after_s: float = 2.0
    max_deliveries: int = 3
    keep_results_s: float = 600.0
    keep_dead_pictures: bool = False
    previews: Literal["off", "plain", "blur"] = "off"
    max_pixels: int = 40_000_000
    drain_timeout_s: float = 20.0
    camera_labels: bool = True
    trace_endpoint: str | None = None  # of an OTLP/HTTP collector
