"""Whether Redis has the memory that the cameras' byte budgets may fill."""

import logging
from collections import Counter
from collections.abc import Iterable

from ferstream.producer.config.camera_config import MIB, CameraConfig
from ferstream.producer.errors import ConfigError
from ferstream.producer.redis_link import RedisLink
from ferstream.streams.errors import StoreError

log = logging.getLogger(__name__)

#: Budgets that differ are listed up to here; the rest is one sum.
LISTED = 5


class MemoryCheck:
    """Holds the byte budgets of all cameras in the list, other producers' too, against the memory limit of Redis."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._generation = link.generation
        self._unlimited_told = False
        self.problem: str | None = None

    def refuse(self, cameras: list[CameraConfig]) -> None:
        """Raises ConfigError where the cameras may fill more than there is. A Redis that is not there yet refuses nothing."""
        self._generation, limit = self._link.generation, self._link.max_memory_bytes
        self.problem = None
        if limit is None:
            return
        if problem := over_budget(cameras, limit):
            raise ConfigError(problem)
        if not limit and not self._unlimited_told:
            self._unlimited_told = True
            whole = _mib(budget_sum(cameras))
            log.warning("Redis has no memory limit: set maxmemory above the cameras' byte budgets, %s together", whole)

    def watch(self, cameras: list[CameraConfig]) -> None:
        """Check again when Redis came, or came back. The cameras run by then; `problem` says why this producer is not ready."""
        if self._link.generation == self._generation:
            return
        try:
            self.refuse(cameras)
        except ConfigError as error:
            self.problem = str(error)
            log.error("not ready: %s", error)  # noqa: TRY400 - a mistake in the settings needs no traceback

    def ask_again(self) -> None:
        """Ask Redis for its limit: an operator may have changed it."""
        try:
            self._link.look()
        except StoreError as error:  # it is judged by the limit known before
            log.warning("Redis's memory limit could not be read: %s", error)


def budget_sum(cameras: Iterable[CameraConfig]) -> int:
    """Bytes that the frames of all cameras together may take in Redis."""
    return sum(camera.settings.budget_bytes for camera in cameras)


def over_budget(cameras: list[CameraConfig], max_memory_bytes: int) -> str | None:
    """What is wrong, with the arithmetic and what to change, or None. A limit of 0 is none."""
    whole = budget_sum(cameras)
    if not max_memory_bytes or whole <= max_memory_bytes:
        return None
    return (
        f"the cameras' byte budgets are more than Redis may hold: {_terms(cameras)} = {_mib(whole)} ({whole} bytes), "
        f"but maxmemory is {_mib(max_memory_bytes)} ({max_memory_bytes} bytes); "
        "set maxmemory above the sum, or lower budget_bytes"
    )


def _terms(cameras: list[CameraConfig]) -> str:
    groups = sorted(Counter(camera.settings.budget_bytes for camera in cameras).items(), reverse=True)
    terms = [f"{count} x {_mib(size)}" for size, count in groups[:LISTED]]
    if rest := groups[LISTED:]:
        terms.append(
            f"{sum(count for _, count in rest)} smaller ones of {_mib(sum(size * count for size, count in rest))} together"
        )
    return " + ".join(terms)


def _mib(size: int) -> str:
    return f"{size / MIB:.6g} MiB"
