"""`fer-consumer log`: results from a group into files, acknowledged when they are safe there."""

import logging
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ferstream.consumer.log.log_metrics import LogMetrics
from ferstream.consumer.log.result_log import ResultLog
from ferstream.consumer.subscribe.sources import Delivery

log = logging.getLogger(__name__)

#: Results are made durable and acknowledged this often: what a crash repeats.
SYNC_S = 1.0
#: A loop that did not turn for this long is stuck; a Parquet file takes seconds, a new connection up to seven.
STUCK_S = 60.0


class AcknowledgedResults(Protocol):
    """What the log reads from: a ResultSubscriber of a group, with `acknowledge_each=False`."""

    @property
    def connected(self) -> bool: ...

    @property
    def lost(self) -> int: ...

    @property
    def undecodable_reasons(self) -> Counter[str]: ...

    def batches(self) -> Iterator[list[Delivery]]: ...

    def acknowledge(self) -> None: ...


class LogLoop:
    """Moves results until asked to leave. Every one is in a file, made durable, before it is acknowledged."""

    def __init__(self, results: AcknowledgedResults, result_log: ResultLog, metrics: LogMetrics) -> None:
        self._results, self._log, self._metrics = results, result_log, metrics
        self._turned_at = time.monotonic()

    def run(self, leave: threading.Event) -> None:
        """Write, make durable, acknowledge, until `leave` is set.

        Raises LogError where the log cannot be written, and StoreRefused where trying again will not help.
        """
        synced_at = time.monotonic()
        for deliveries in self._results.batches():
            self._turned_at = time.monotonic()
            self._log.write([delivery.result for delivery in deliveries])
            self._metrics.observe(
                deliveries,
                bytes_written=self._log.bytes_written,
                lost=self._results.lost,
                undecodable=self._results.undecodable_reasons,
            )
            # Durable first, acknowledged after: a crash between the two repeats results, and loses none.
            if self._log.full or time.monotonic() - synced_at >= SYNC_S:
                self._log.sync()
                log.debug("results are on the disk: %d bytes so far", self._log.bytes_written)
                self._results.acknowledge()
                synced_at = time.monotonic()
            if leave.is_set():
                break
        self._log.sync()
        self._results.acknowledge()

    def unhealthy(self) -> str | None:
        """Why the loop counts as stuck, for /healthz; None while it turns."""
        still_s = time.monotonic() - self._turned_at
        return f"the loop has not turned for {still_s:.0f} s" if still_s > STUCK_S else None

    def unready(self) -> str | None:
        """Why no results can come, for /readyz; None while Redis answers."""
        return None if self._results.connected else "no answer from Redis"


def consumer_name(directory: Path) -> str:
    """A name in the group of host and directory: the same at each start, so that a restart gets its own unfinished results."""
    return f"{socket.gethostname()}-{zlib.crc32(str(directory.resolve()).encode()):08x}"
