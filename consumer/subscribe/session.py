"""What a subscriber says to Redis, and in which order, with no I/O: one generator, driven by a blocking or an async client."""

import logging
import random
import time
from dataclasses import dataclass

from ferstream.consumer.subscribe.effects import Look, Pause, Steps
from ferstream.consumer.subscribe.readers import GroupReading, PositionReading
from ferstream.consumer.subscribe.result_buffer import Intake
from ferstream.consumer.subscribe.shards import Shards
from ferstream.streams.errors import GroupGone, StoreError, StoreFull, StoreUnavailable
from ferstream.streams.redis_client.connect import MAX_BLOCK_S

log = logging.getLogger(__name__)

#: Seconds until the first and between later tries to reach Redis again; each with jitter of half of it.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
#: A pause in slices, so that a caller that wants to leave is asked this often.
SLICE_S = 0.5
#: While nothing comes, look this often whether the streams are still the same.
LOOK_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the caller asked for; see ResultSubscriber."""

    from_: str
    prefix: str
    shards: int | None
    group: str | None
    consumer: str | None
    claim_after_s: float
    idle_timeout_s: float | None
    block_s: float
    cluster: bool


class Dialogue:
    """Reads the results of all shards, over restarts and deletions of everything."""

    def __init__(self, terms: Terms, intake: Intake) -> None:
        self._terms, self._intake = terms, intake
        self._shards = Shards(terms.from_, terms.prefix, terms.shards, intake, apart=terms.cluster)
        self._reading: GroupReading | PositionReading = (
            GroupReading(self._shards, intake, terms.group, terms.consumer, terms.claim_after_s)
            if terms.group
            else PositionReading(self._shards, intake)
        )
        self._news_at = self._look_at = 0.0
        self._failures = 0
        self.connected = False

    def position(self) -> str:
        return self._shards.position()

    def steps(self) -> Steps:
        """Everything, until nothing came for the idle time-out. Raises StoreError where trying again will not help."""
        self._news_at = time.monotonic()
        while not self._idle():
            try:
                yield from self._open()
                while not self._idle():
                    yield from self._round()
            except (StoreUnavailable, StoreFull) as error:
                yield from self._wait_out(error)
            except GroupGone:  # deleted under us: made again from where we were
                log.warning("the results or their consumer group were deleted; going on with new ones")
                yield Pause(FIRST_WAIT_S)
        self._intake.release()
        yield Look()
        yield from self.leave()

    def leave(self) -> Steps:
        """The last words."""
        try:
            yield from self._reading.acknowledge()
            yield from self._reading.leave()
        except StoreError as error:  # what stays pending, the next one with this name reads again, or another claims
            log.info("could not take leave of Redis: %s", error)

    def _open(self) -> Steps:
        yield from self._shards.find()
        yield from self._reading.open()
        if self._failures:
            log.info("Redis answers again")
        self._failures, self.connected = 0, True

    def _round(self) -> Steps:
        yield from self._reading.acknowledge()
        before = self._intake.received
        yield from self._reading.read(self._block_ms())
        if self._intake.received > before:
            self._news_at = time.monotonic()
        elif time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_S
            yield from self._look_again()
        self._intake.release(time.monotonic())
        yield Look()

    def _look_again(self) -> Steps:
        before = self._shards.keys.shards
        yield from self._shards.look_again()
        if self._shards.keys.shards != before:
            yield from self._reading.open()

    def _block_ms(self) -> int:
        now = time.monotonic()
        waits = [self._terms.block_s, MAX_BLOCK_S]
        if (next_at := self._intake.next_at()) is not None:
            waits.append(next_at - now)
        if self._terms.idle_timeout_s is not None:
            waits.append(self._news_at + self._terms.idle_timeout_s - now)
        return max(1, int(min(waits) * 1000))

    def _idle(self) -> bool:
        timeout_s = self._terms.idle_timeout_s
        return timeout_s is not None and time.monotonic() - self._news_at >= timeout_s

    def _wait_out(self, error: StoreError) -> Steps:
        """Wait before the next try; told once for each outage."""
        if not self._failures:
            log.warning("%s; trying again until it answers", error)
        self.connected = False
        self._failures += 1
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures - 1, 10)) * random.uniform(0.5, 1.5)
        until = time.monotonic() + wait_s
        while (left_s := until - time.monotonic()) > 0 and not self._idle():
            self._intake.release(time.monotonic())
            yield Look()
            yield Pause(min(left_s, SLICE_S))
