"""The rows of a run as JSON, and as the table of docs/faults.md: a line for each scenario, over its seeds."""

import json
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import psutil

from tests.faults.run import Row
from tests.plays.scale_out.page import block, replace_block
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "faults.md"
COLUMNS = (
    "scenario", "seeds", "frames", "lost", "twice", "expired", "dead", "dropped", "account", "worst gap", "recovery", "memory",
)  # fmt: skip
#: What is said of a table of which only some rows were renewed.
OLDER = " Rows that were not run again are older."


def as_markdown(rows: Sequence[Row]) -> str:
    return _table(_when_and_where(), _lines(rows).values())


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([asdict(row) | {"good": row.good} for row in rows], indent=1) + "\n"


def write_page(rows: Sequence[Row], scenarios: Sequence[str], page: Path = PAGE) -> None:
    """Renew these rows of the page's table, which is in the order of `scenarios`; rows of others among these stay as they are."""
    heading, *old = block("faults", page).splitlines()
    new, kept = _lines(rows), {line.removeprefix("| ").split(" | ")[0].split("; ")[0]: line for line in old}
    when_and_where = _when_and_where()
    if when_and_where != heading and set(scenarios) & set(kept) - set(new):
        when_and_where += OLDER
    lines = kept | new
    replace_block("faults", _table(when_and_where, [lines[name] for name in scenarios if name in lines]), page)


def read_rows(path: Path) -> list[Row]:
    """What `as_json` wrote."""
    rows = json.loads(path.read_text())
    return [Row(**{name: value for name, value in row.items() if name != "good"}) for row in rows]


def _table(when_and_where: str, lines: Iterable[str]) -> str:
    heads = (_row(COLUMNS), f"| {'|'.join(['---'] * len(COLUMNS))} |")
    return f"{when_and_where}\n\n" + "\n".join([*heads, *lines])


def _lines(rows: Sequence[Row]) -> dict[str, str]:
    """The line of each scenario."""
    return {name: _row(_cells(list(group))) for name, group in groupby(rows, key=lambda row: row.scenario)}


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(rows: list[Row]) -> list[str]:
    dropped: Counter[str] = Counter()
    for row in rows:
        dropped.update(row.dropped)
    lost, in_hand = sum(row.lost for row in rows), sum(row.in_hand for row in rows)
    return [
        rows[0].scenario + "".join(f"; {note}" for note in sorted({row.note for row in rows if row.note})),
        " ".join(str(row.seed) for row in rows),
        f"{sum(row.frames for row in rows):,}",
        f"{max(0, lost)}" + (f" (and {in_hand} in a killed producer's hands)" if in_hand else "") + _forgotten(rows, lost),
        str(sum(row.twice for row in rows)),
        str(sum(row.expired for row in rows)),
        str(sum(row.dead for row in rows)),
        ", ".join(f"{reason} {frames}" for reason, frames in sorted(dropped.items()) if frames) or "0",
        "balanced" if all(row.balanced for row in rows) else "**off**",
        f"{max(row.gap_s for row in rows):.1f} s",
        f"{max(row.recovery_s for row in rows):.1f} s",
        f"{max(row.process_mb for row in rows)} / {max(row.redis_mb for row in rows)} MB",
    ]


def _forgotten(rows: list[Row], lost: int) -> str:
    if not rows[0].forgets:
        return "" if lost >= 0 else f"; **{-lost} in two columns**"
    twofold = f"; {-lost}, answered in the last second, are in `redis_lost` too" if lost < 0 else ""
    return f"; Redis forgets {rows[0].forgets}{twofold}"


def _when_and_where() -> str:
    memory = psutil.virtual_memory().total / 2**30
    cores = psutil.cpu_count()
    return f"Measured on {datetime.now(UTC):%Y-%m-%d}, {cores} cores of {platform.machine()}, {memory:.0f} GiB of memory, no GPU."
