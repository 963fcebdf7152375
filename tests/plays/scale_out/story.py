"""What was recorded of the story, and what it shows."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from ferstream.streams.frames.account import Account
from tests.plays.scale_out.recorder import OBJECTIVE_S, Row

#: Frames a second that one worker is given processor time for.
WORKER_FPS = 15.0

QUIET, RUSH, THREE, KILLED, EVENING = (
    "quiet: 1 worker",
    "rush: 1 worker",
    "rush: 3 workers",
    "rush: one is killed",
    "evening: 2 leave",
)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One part of the story. Times in seconds since the story began."""

    title: str
    from_s: float
    to_s: float


@dataclass
class Story:
    """What was recorded. `workers` are their last words; `facts` are what such a story must show, and whether it did."""

    worker_cores: float = 0.0
    chapters: list[Chapter] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    workers: list[dict[str, Any]] = field(default_factory=list)
    account: Account | None = None

    @property
    def facts(self) -> dict[str, bool]:
        account = self.account
        drained = sum(worker["exit"] == "drained" for worker in self.workers)
        return {
            "one worker fell behind": self._age_at_end(RUSH) > OBJECTIVE_S,
            "it answered at its full rate all the same": self.per_s(RUSH, "answered_per_s") > WORKER_FPS / 2,
            "three workers caught up": self._age_at_end(THREE) < OBJECTIVE_S,
            "frames of the killed worker were taken over": self._grown(KILLED, "claimed") > 0,
            "the fleet was within the objective again after that": self._age_at_end(KILLED) < OBJECTIVE_S,
            "one worker carries the evening": self._age_at_end(EVENING) < OBJECTIVE_S,
            "those that left had drained, and nobody had to take over": self._grown(EVENING, "claimed") == 0 and drained == 3,
            "no frame became a dead letter": account is not None and not account.dead,
            "the account balances": account is not None and not account.balance and not account.in_flight,
        }

    def share_in_time(self, title: str) -> float:
        """Frames answered within the objective, of those that cameras gave in that chapter."""
        return min(1.0, self._grown(title, "in_time") / max(1.0, self._grown(title, "captured")))

    def per_s(self, title: str, column: str) -> float:
        """Median of a rate over the chapter's second half."""
        rows = self._rows(title)
        return median([float(row[column] or 0) for row in rows[len(rows) // 2 :]] or [0.0])

    def seconds_to_recover(self) -> float:
        """From the moment that more workers were ready to an age at read within the objective."""
        rows = self._rows(THREE)
        late = [row for row in rows if float(row["age_read_p95_s"] or 0) > OBJECTIVE_S]
        return float(late[-1]["second"] or 0) - float(rows[0]["second"] or 0) if late else 0.0

    def summary(self) -> dict[str, Any]:
        account = self.account
        return {
            "account": {} if account is None else asdict(account) | {"balance": account.balance},
            "share_in_time": {chapter.title: round(self.share_in_time(chapter.title), 4) for chapter in self.chapters},
            "worker_cores": round(self.worker_cores, 3),
            "workers": self.workers,
            "facts": self.facts,
        }

    def _rows(self, title: str) -> list[Row]:
        return [row for row in self.rows if row["chapter"] == title]

    def _grown(self, title: str, column: str) -> float:
        values = [float(row[column] or 0) for row in self._rows(title)]
        return values[-1] - values[0] if values else 0.0

    def _age_at_end(self, title: str) -> float:
        """Median of the last three seconds' 95th percentile of the age at read."""
        return median([float(row["age_read_p95_s"] or 0) for row in self._rows(title)[-3:]] or [0.0])
