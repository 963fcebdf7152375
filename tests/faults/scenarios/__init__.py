"""All scenarios, in the order of the table."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import cameras, clocks, network, redis_faults, results, workers

SCENARIOS: tuple[Scenario, ...] = (
    *workers.SCENARIOS,
    *redis_faults.SCENARIOS,
    *clocks.SCENARIOS,
    *network.SCENARIOS,
    *cameras.SCENARIOS,
    *results.SCENARIOS,
)
