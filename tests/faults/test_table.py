"""The table of docs/faults.md when only some of its rows are renewed."""

import re

import pytest

from tests.faults.run import Row
from tests.faults.scenarios import SCENARIOS
from tests.faults.table import OLDER, PAGE, write_page
from tests.plays.scale_out.page import block

NAMES = [scenario.name for scenario in SCENARIOS]
FLUSHED = Row(
    scenario="FLUSHALL",
    seed=7,
    frames=12345,
    answered=12345,
    lost=0,
    in_hand=0,
    twice=0,
    expired=0,
    dead=0,
    balanced=True,
    gap_s=0.1,
    recovery_s=0.2,
    process_mb=300,
    redis_mb=2,
    forgets="",
)


LINE = "| FLUSHALL | 7 | 12,345 | 0 | 0 | 0 | 0 | 0 | balanced | 0.1 s | 0.2 s | 300 / 2 MB |"


@pytest.fixture
def page(tmp_path):
    """A copy, as if it had been written long ago."""
    copy = tmp_path / "faults.md"
    copy.write_text(re.sub(r"Measured on \S+,", "Measured on 2020-02-20,", PAGE.read_text()))
    return copy


def test_only_the_rows_that_were_run_change(page):
    before = page.read_text().splitlines()
    write_page([FLUSHED], NAMES, page)
    heading, line = (new for old, new in zip(before, page.read_text().splitlines(), strict=True) if old != new)
    assert heading.endswith(OLDER)
    assert line == LINE


def test_rows_stand_in_the_order_of_the_scenarios_and_those_of_none_go(page):
    write_page([FLUSHED], ["FLUSHALL", "worker killed in read"], page)
    heading, _, _, _, first, second = block("faults", page).splitlines()
    assert heading.endswith(OLDER)
    assert first == LINE
    assert second.startswith("| worker killed in read | 1 2 3 |")


def test_of_a_table_that_is_new_nothing_is_older(page):
    write_page([FLUSHED], ["FLUSHALL"], page)
    heading, _, _, _, line = block("faults", page).splitlines()
    assert heading.endswith("no GPU.")
    assert line == LINE
