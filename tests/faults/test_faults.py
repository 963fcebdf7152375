"""The quickest scenarios; `make faults` has them all."""

import subprocess  # noqa: F401 - marks this file: it starts servers

import pytest

from tests.faults.run import run
from tests.faults.scenarios import SCENARIOS

FRAMES = 500


@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each.quick], ids=lambda each: each.name.replace(" ", "-"))
def test_nothing_is_lost_and_nothing_twice(scenario, tmp_path):
    row = run(scenario, 1, FRAMES, tmp_path)
    assert row.good, row
