"""Sees what a subscriber of the results sees, and samples what processes and Redis say, from the side, while a scenario runs."""

import logging
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Self

import psutil
import redis

from ferstream.consumer.subscribe.subscriber import ResultSubscriber
from ferstream.streams.errors import StoreError
from ferstream.streams.frames.account import Account, read_account
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

SAMPLE_EVERY_S = 0.25
FrameName = tuple[str, int]  # camera and sequence


@dataclass(slots=True)
class Seen:
    """What came out. `answers` has, for each frame, the entries that a result of it came in.

    Of a Redis that forgot its account there are several: what stood in one is not in the next.
    """

    answers: dict[FrameName, set[str]] = field(default_factory=lambda: defaultdict(set))
    arrived: list[tuple[float, FrameName]] = field(default_factory=list)  # on the monotonic clock
    accounts: list[Account] = field(default_factory=list)  # the last of each that Redis began, or forgot
    worst_balance: int = 0
    process_bytes: int = 0
    redis_bytes: int = 0


class Watcher:
    """Reads around the proxy, so that a fault of the line is no fault of the watcher's. Use as a context."""

    def __init__(self, url: str, keys: Keys) -> None:
        self.seen = Seen()
        self.keys = keys
        self._client: redis.Redis = connect(url)
        self._subscriber = ResultSubscriber(url, from_="0", shards=keys.shards, repeats=True, block_s=0.2)
        self._processes: list[psutil.Process] = []
        self._leave = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._subscribe, self._sample)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._leave.set()
        for thread in self._threads:
            thread.join(timeout=30)
        self._client.close()

    def watch(self, pid: int) -> None:
        """Measure this process too."""
        self._processes.append(psutil.Process(pid))

    def frames_waiting(self) -> int | None:
        """Frames in Redis, delivered and not; None where Redis does not say."""
        try:
            with translated():
                return sum(int(self._client.xlen(self.keys.frames(shard))) for shard in range(self.keys.shards))
        except StoreError:
            return None

    def read_account(self) -> Account:
        """What the account says now. Raises StoreError."""
        account, seen = read_account(self._client, self.keys), self.seen
        if not seen.accounts or account.captured < seen.accounts[-1].captured / 2:  # a replica that took over lacks less
            seen.accounts.append(account)
        seen.accounts[-1] = account
        seen.worst_balance = max(seen.worst_balance, abs(account.balance))
        return account

    def _subscribe(self) -> None:
        with self._subscriber:
            for batch in self._subscriber.batches():
                now = time.monotonic()
                for delivery in batch:
                    frame = (delivery.result.camera_id, delivery.result.sequence)
                    self.seen.answers[frame].add(f"{delivery.shard} {delivery.entry_id}")
                    self.seen.arrived.append((now, frame))
                if self._leave.is_set() and not batch:
                    return

    def _sample(self) -> None:
        while not self._leave.wait(SAMPLE_EVERY_S):
            self._measure_processes()
            try:
                with translated():
                    info: Any = self._client.info("memory")
                    self.seen.redis_bytes = max(self.seen.redis_bytes, int(info["used_memory"]))
                self.read_account()
            except StoreError as error:  # it is away, which may be the fault that is looked at
                log.debug("no sample: %s", error)

    def _measure_processes(self) -> None:
        for process in list(self._processes):
            try:
                self.seen.process_bytes = max(self.seen.process_bytes, process.memory_info().rss)
            except psutil.NoSuchProcess:
                self._processes.remove(process)
