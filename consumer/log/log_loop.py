"""`fer-consumer log`: results from a group into files, acknowledged when they are safe there."""

import socket
import threading
import time
import zlib
from pathlib import Path

from ferstream.consumer.log.log_metrics import LogMetrics
from ferstream.consumer.log.result_log import ResultLog
from ferstream.consumer.subscribe.subscriber import ResultSubscriber

#: Results are made durable and acknowledged this often: what a crash repeats.
SYNC_S = 1.0
#: A loop that did not turn for this long is stuck; a Parquet file takes seconds, a new connection up to seven.
STUCK_S = 60.0


class Logger:
    """Moves results until asked to leave. Every one is in a file, made durable, before it is acknowledged."""

    def __init__(self, subscriber: ResultSubscriber, result_log: ResultLog, metrics: LogMetrics) -> None:
        self._subscriber, self._log, self._metrics = subscriber, result_log, metrics
        self._turned_at = time.monotonic()

    def run(self, leave: threading.Event) -> None:
        """Raises LogError, and StoreError where trying again will not help."""
        synced_at = time.monotonic()
        for deliveries in self._subscriber.batches():
            self._turned_at = time.monotonic()
            self._log.write([delivery.result for delivery in deliveries])
            self._metrics.observe(deliveries, self._subscriber, self._log.bytes_written)
            if self._log.full or time.monotonic() - synced_at >= SYNC_S:
                self._log.sync()
                self._subscriber.acknowledge()
                synced_at = time.monotonic()
            if leave.is_set():
                break
        self._log.sync()
        self._subscriber.acknowledge()

    def unhealthy(self) -> str | None:
        """For /healthz."""
        still_s = time.monotonic() - self._turned_at
        return f"the loop has not turned for {still_s:.0f} s" if still_s > STUCK_S else None

    def unready(self) -> str | None:
        """For /readyz."""
        return None if self._subscriber.connected else "no answer from Redis"


def consumer_name(directory: Path) -> str:
    """The same at each start on this machine with this directory, so that a restart goes on with its own unfinished results."""
    return f"{socket.gethostname()}-{zlib.crc32(str(directory.resolve()).encode()):08x}"
