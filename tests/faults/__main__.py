"""`make faults`: every scenario with every seed, a table of them, and exit status 1 where a row is not as it must be."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click
import redis

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.logs import configure_logging
from tests.faults.run import Row, run
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.table import as_json, as_markdown, read_rows, write_page


@click.command(context_settings={"show_default": True})
@click.option("--only", multiple=True, help="Scenarios that have this in their name; may be repeated.")
@click.option("--seeds", default="1 2 3", help="A run of every scenario with each.")
@click.option("--frames", type=click.IntRange(100), default=2000, help="At least so many in each run.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/faults"), help="Where files go.")
@click.option("--resume", is_flag=True, help="Keep the rows that are there, and run what is missing.")
@click.option("--write", is_flag=True, help="Also renew the rows of docs/faults.md that were run.")
@click.option("--list", "lists", is_flag=True, help="Name the scenarios, and leave.")
def main(only: tuple[str, ...], seeds: str, frames: int, out: Path, resume: bool, write: bool, lists: bool) -> None:
    """Do to real processes what happens to them in the field, and account for every frame."""
    configure_logging("error", "auto")
    chosen = [scenario for scenario in SCENARIOS if not only or any(part in scenario.name for part in only)]
    if lists:
        click.echo("\n".join(scenario.name for scenario in chosen))
        return
    out.mkdir(parents=True, exist_ok=True)
    file, failures = out / "faults.json", 0
    rows = {(row.scenario, row.seed): row for row in (read_rows(file) if resume and file.exists() else ())}
    wanted = [(scenario, seed) for scenario in chosen for seed in map(int, seeds.split())]
    for scenario, seed in wanted:
        row = rows.get((scenario.name, seed)) or _attempt(scenario, seed, frames)
        failures += row is None or not row.good
        if row is not None:
            rows[scenario.name, seed] = row
        file.write_text(as_json(list(rows.values())))
    in_order = [rows[scenario.name, seed] for scenario, seed in wanted if (scenario.name, seed) in rows]
    (out / "faults.md").write_text(as_markdown(in_order) + "\n")
    if write:
        write_page(in_order, [scenario.name for scenario in SCENARIOS])
    click.echo(f"{len(in_order)} rows in {out}; {failures} runs were not as they must be")
    sys.exit(bool(failures))


def _attempt(scenario: Scenario, seed: int, frames: int) -> Row | None:
    folder, started = Path(tempfile.mkdtemp(prefix="fer-faults-")), time.monotonic()
    try:
        row = run(scenario, seed, frames, folder)
    except (FerstreamError, AssertionError, redis.RedisError) as error:
        click.echo(f"FAIL {scenario.name}, seed {seed}: {error} (logs in {folder})")
        return None
    said = [
        f"{'ok  ' if row.good else 'BAD '} {scenario.name}, seed {seed}: {row.frames} frames, lost {row.lost}, twice {row.twice}"
    ]
    said += [f"expired {row.expired}, dead {row.dead}, dropped {row.dropped}, gap {row.gap_s} s, recovery {row.recovery_s} s"]
    said += [row.note] if row.note else []
    said += [f"took {time.monotonic() - started:.0f} s" + ("" if row.good else f", logs in {folder}")]
    click.echo(", ".join(said))
    if row.good:
        shutil.rmtree(folder)
    return row


if __name__ == "__main__":
    main()
