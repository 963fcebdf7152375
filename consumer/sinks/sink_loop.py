"""From a consumer group into a sink: read, batch, write, and only then acknowledge."""

import logging
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ferstream.consumer.records.rows import Record
from ferstream.consumer.sinks.preparation import AnyDelivery, Preparation
from ferstream.consumer.sinks.sink import Sink, SinkError, SinkUnavailable
from ferstream.consumer.sinks.sink_metrics import SinkMetrics
from ferstream.streams.service.backoff import Backoff

log = logging.getLogger(__name__)

#: A loop that did not come round for this long is stuck; a large batch or a merge of files takes seconds.
STUCK_S = 60.0
#: What a sink has to do now and then is looked at this often.
MAINTAIN_S = 1.0


class AcknowledgedDeliveries(Protocol):
    """What a sink reads from: a subscriber of a group, with `acknowledge_each=False`."""

    @property
    def connected(self) -> bool: ...

    @property
    def lost(self) -> int: ...

    @property
    def late(self) -> int: ...

    @property
    def undecodable_reasons(self) -> Counter[str]: ...

    def batches(self) -> Iterator[Sequence[AnyDelivery]]: ...

    def acknowledge(self, deliveries: Iterable[Any]) -> None: ...  # some of those that it gave


@dataclass(frozen=True, slots=True)
class Batching:
    """A batch is written when it has so many entries or is so old: what a crash brings again."""

    entries: int = 5000
    seconds: float = 1.0


class SinkLoop:
    """Moves records until asked to leave.

    Memory is bounded: nothing more is read while a batch waits to be written. What waits stays in Redis, for as long as the
    workers keep results there.
    """

    def __init__(
        self,
        deliveries: AcknowledgedDeliveries,
        preparation: Preparation,
        sink: Sink,
        name: str,
        metrics: SinkMetrics,
        batching: Batching | None = None,
    ) -> None:
        self._deliveries, self._preparation, self._sink = deliveries, preparation, sink
        self._name, self._metrics, self._batching = name, metrics, batching or Batching()
        self._backoff = Backoff()
        self._turned_at = time.monotonic()
        self._waits_for: str | None = None

    def run(self, leave: threading.Event) -> None:
        """Read, write, acknowledge, until `leave` is set; then write what there is, and leave.

        Raises SinkError where the sink cannot be written, and StoreRefused where Redis cannot be read and trying again will not
        help. What was read and not written then comes again at the next start.
        """
        taken, written_at, maintained_at = 0, time.monotonic(), time.monotonic()
        for deliveries in self._deliveries.batches():
            now = self._turned_at = time.monotonic()
            self._metrics.read(deliveries, self._deliveries.lost, self._deliveries.late, self._deliveries.undecodable_reasons)
            self._preparation.take(deliveries)
            taken += len(deliveries)
            if taken >= self._batching.entries or now - written_at >= self._batching.seconds:
                self._flush(leave)
                taken, written_at = 0, time.monotonic()
            if now - maintained_at >= MAINTAIN_S:
                self._maintain()
                maintained_at = time.monotonic()
            if leave.is_set():
                break
        self._flush(leave)

    def unhealthy(self) -> str | None:
        """Why the loop counts as stuck, for /healthz; None while it turns."""
        still_s = time.monotonic() - self._turned_at
        return f"the loop has not turned for {still_s:.0f} s" if still_s > STUCK_S else None

    def unready(self) -> str | None:
        """Why nothing can be kept, for /readyz; None while Redis answers and the sink takes what comes."""
        if self._waits_for:
            return self._waits_for
        return None if self._deliveries.connected else "no answer from Redis"

    def _flush(self, leave: threading.Event) -> None:
        records, done = self._preparation.give()
        if records and not self._write(records, done, leave):
            log.warning("leaving: the %d records that %s did not take come again at the next start", len(records), self._name)
            return
        if done:
            # Durable first, acknowledged after: a crash between the two repeats records, and loses none.
            self._deliveries.acknowledge(done)

    def _write(self, records: Sequence[Record], done: Sequence[AnyDelivery], leave: threading.Event) -> bool:
        """Write them, over outages of the sink; False where we are to leave during one."""
        while True:
            begun = time.monotonic()
            try:
                size = self._sink.write(records)  # type: ignore[arg-type]  # of one kind, as the sink is
            except SinkUnavailable as error:
                self._metrics.failed("unavailable")
                self._wait_for(str(error), len(records))
                if leave.wait(self._backoff.failed()):
                    return False
                self._turned_at = time.monotonic()
            except SinkError:
                self._metrics.failed("refused")
                raise
            else:
                self._took(len(records))
                published_at = max((delivery.published_at for delivery in done), default=time.time())
                self._metrics.wrote(len(records), size or 0, time.monotonic() - begun, time.time() - published_at)
                return True

    def _maintain(self) -> None:
        try:
            self._sink.maintain()
        except SinkUnavailable as error:  # the next batch will wait for it, and says so
            log.debug("%s could not be put in order: %s", self._name, error)

    def _wait_for(self, problem: str, records: int) -> None:
        """Said once for each outage."""
        if self._waits_for is None:
            log.warning("%s; %d records wait, and no more are read until it takes them", problem, records)
        self._waits_for = problem

    def _took(self, records: int) -> None:
        if self._waits_for is not None:
            log.info("%s takes records again", self._name)
            self._waits_for = None
        self._backoff.succeeded()
        log.debug("%s took %d records", self._name, records)


def consumer_name(target: str) -> str:
    """A name in the group of host and target: the same at each start, so that a restart gets its own unfinished results."""
    return f"{socket.gethostname()}-{zlib.crc32(target.encode()):08x}"
