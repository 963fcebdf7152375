"""How many frames a second come, are done and are lost, from looks at the account. No I/O."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ferstream.streams.frames.account import Account
from ferstream.streams.frames.worker_status import WorkerStatus

#: What is lost is counted over so long: a second in which nothing happens to be lost is no news.
WINDOW_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Frames a second: `captured` and `published` since the look before, what was lost over the last WINDOW_S.

    `dead` and `dropped` are by reason. `busy` is the largest share of a second in it that ready workers worked.
    """

    captured: float
    published: float
    expired: float
    dead: dict[str, float]
    dropped: dict[str, float]
    busy: float = 0.0

    @property
    def late(self) -> float:
        """Frames whose turn did not come in time."""
        return self.expired + self.dropped.get("trimmed", 0.0)


class RateMeter:
    """Remembers the accounts of the last WINDOW_S."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, Account, float]] = deque()

    def rates(self, account: Account | None, workers: Sequence[WorkerStatus], now: float) -> Rates | None:
        """With a look at `now` (s, on a clock that nobody sets) at the account, and at workers that live.

        None at the first, and where Redis has lost the account.
        """
        past = self._past
        if account is None or (past and account.captured < past[-1][1].captured):
            past.clear()
        if account is None:
            return None
        while len(past) > 1 and now - past[0][0] > WINDOW_S:
            past.popleft()
        before = past[-1] if past else None
        ready = [worker.busy for worker in workers if worker.state == "ready"]
        past.append((now, account, sum(ready) / len(ready) if ready else 0.0))
        return None if before is None or now <= before[0] else self._between(before)

    def _between(self, before: tuple[float, Account, float]) -> Rates:
        (first_at, first, _), (now, account, _) = self._past[0], self._past[-1]
        seconds, window_s = now - before[0], now - first_at

        def by_reason(new: dict[str, int], old: dict[str, int]) -> dict[str, float]:
            return {reason: (number - old.get(reason, 0)) / window_s for reason, number in new.items()}

        return Rates(
            captured=(account.captured - before[1].captured) / seconds,
            published=(account.published - before[1].published) / seconds,
            expired=(account.expired - first.expired) / window_s,
            dead=by_reason(account.dead, first.dead),
            dropped=by_reason(account.dropped, first.dropped),
            busy=max(busy for _, _, busy in self._past),
        )
