"""How the cores of this machine are shared by workers."""

import os
from dataclasses import dataclass

#: Threads of a worker beyond which another worker is of more use.
_THREADS = 8


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers, and how many threads each stage of one has."""

    count: int
    threads: int


def share_cores(workers: int | None) -> Workers:
    """The cores that we may use, shared by so many workers; by one for each eight where no number is given."""
    cores = usable_cores()
    count = workers or max(1, cores // _THREADS)
    return Workers(count, max(1, min(_THREADS, cores // count)))


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
