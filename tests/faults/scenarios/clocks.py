"""Clocks that are set by an hour, forth or back: Redis's own, which all go by, the producer's, or every worker's."""

import time

from tests.faults.rig import Rig
from tests.faults.scenario import Program, Scenario
from tests.faults.server import put_clock

HOUR_S = 3600
#: Programs ask Redis for its time every few seconds.
WATCHED_S = 8.0


def step(name: str, program: Program, seconds: int) -> Scenario:
    def fault(rig: Rig) -> None:
        put_clock(rig.folder, seconds)
        time.sleep(WATCHED_S)

    return Scenario(name=name, fault=fault, clocked=program)


SCENARIOS = (
    step("Redis's clock an hour ahead", "redis", HOUR_S),
    step("Redis's clock an hour back", "redis", -HOUR_S),
    step("the producer's clock an hour ahead", "producer", HOUR_S),
    step("the producer's clock an hour back", "producer", -HOUR_S),
    step("the workers' clock an hour ahead", "worker", HOUR_S),
    step("the workers' clock an hour back", "worker", -HOUR_S),
)
