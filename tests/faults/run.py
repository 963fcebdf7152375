"""Runs one scenario once, and says what became of every frame that its cameras gave."""

import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.faults.rig import Rig
from tests.faults.scenario import Scenario
from tests.faults.watcher import FrameName

#: Frames answered before the fault, so that everything is warm and full.
BEFORE = 200
#: Frames flow on for so long after it.
AFTER_S = 3.0
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of the frames of one run. Times in seconds, memory the most that any program and Redis had.

    lost: captured and in no column; below zero, what stands in two. balanced: at every look; where Redis forgets, at the end.
    in_hand: of those that a killed producer alone had, which are not called lost.
    gap_s: the longest time without a result. recovery_s: from the end of the fault to the first result of a frame after it.
    """

    scenario: str
    seed: int
    frames: int
    answered: int
    lost: int
    in_hand: int
    twice: int
    expired: int
    dead: int
    dropped: dict[str, int] = field(default_factory=dict)
    balanced: bool
    gap_s: float
    recovery_s: float
    process_mb: int
    redis_mb: int
    forgets: str
    note: str = ""

    @property
    def good(self) -> bool:
        """Nothing lost and nothing twice, unless Redis itself forgets, and the account balanced."""
        return self.balanced and (bool(self.forgets) or (self.lost == 0 and self.twice == 0))


def run(scenario: Scenario, seed: int, frames: int, folder: Path) -> Row:
    """Raises FerstreamError or AssertionError where a program ended, or did not go on; its log is in `folder`."""
    with Rig(scenario, seed, folder) as rig:
        rig.wait_for_answers(min(BEFORE, frames // 4), 120)
        scenario.fault(rig)
        over_at, newest = time.monotonic(), _newest(rig.captured())
        rig.wait_until(lambda: time.monotonic() > over_at + AFTER_S and len(rig.captured()) >= frames, 120)
        rig.wait_until(lambda: _first_since(rig.watcher.seen.arrived, over_at, newest), 60)
        stopped_at = time.monotonic()
        rig.drain()
        return _row(rig, over_at, stopped_at, newest)


def _row(rig: Rig, over_at: float, stopped_at: float, newest: dict[str, int]) -> Row:
    seen, captured = rig.watcher.seen, set(rig.captured())
    account = rig.watcher.read_account()
    expired = sum(each.expired for each in seen.accounts)
    dead, dropped = Counter[str](), Counter[str]()
    for each in seen.accounts:
        dead.update(each.dead)
        dropped.update(each.dropped)
    answered = len(seen.answers)
    missing = len(captured) - answered - dead.total() - expired - dropped.total() - account.in_flight
    in_hand = max(0, min(missing, rig.killed_producers * rig.scenario.in_hand * rig.load.cameras))
    return Row(
        scenario=rig.scenario.name,
        seed=rig.seed,
        frames=len(captured),
        answered=answered,
        lost=missing - in_hand,
        in_hand=in_hand,
        twice=sum(len(entries) - 1 for entries in seen.answers.values()),
        expired=expired,
        dead=dead.total(),
        dropped=dict(dropped),
        balanced=(account.balance if rig.scenario.forgets else seen.worst_balance) == 0,
        gap_s=_worst_gap([at for at, _ in seen.arrived if at < stopped_at]),
        recovery_s=round((_first_since(seen.arrived, over_at, newest) or stopped_at) - over_at, 2),
        process_mb=seen.process_bytes // MEGABYTE,
        redis_mb=seen.redis_bytes // MEGABYTE,
        forgets=rig.scenario.forgets,
        note=rig.scenario.tell(rig),
    )


def _newest(captured: list[FrameName]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for camera, sequence in captured:
        newest[camera] = max(sequence, newest.get(camera, 0))
    return newest


def _worst_gap(times: list[float]) -> float:
    return round(max((after - before for before, after in pairwise(times)), default=0.0), 2)


def _first_since(arrived: list[tuple[float, FrameName]], over_at: float, newest: dict[str, int]) -> float | None:
    """When the first result came of a frame that was captured after the fault."""
    since = bisect_left(arrived, over_at, key=lambda each: each[0])
    return next((at for at, (camera, sequence) in arrived[since:] if sequence > newest.get(camera, -1)), None)
