"""`make scale-out`: plays the story and writes its CSV, JSON and plot."""

import json
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

import click

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.command import EXIT_UNUSABLE
from ferstream.streams.service.logs import configure_logging
from tests.plays.scale_out.caption import account_line, caption
from tests.plays.scale_out.fleet import Fleet
from tests.plays.scale_out.page import replace_block
from tests.plays.scale_out.plot import draw
from tests.plays.scale_out.recorder import write_rows
from tests.plays.scale_out.story import Story
from tests.plays.scale_out.teller import Teller
from tests.support.paths import ROOT

PICTURES = ROOT / "deploy" / "pictures"


@click.command(context_settings={"show_default": True})
@click.option("--pace", type=click.FloatRange(0.2, 5), default=1.0, help="Length of the story; 1 takes about three minutes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/scale-out"), help="Where files go.")
@click.option("--write", is_flag=True, help="Also renew deploy's plot, account and caption.")
def main(pace: float, out: Path, write: bool) -> None:
    """Three producers, workers 1 -> 3 -> 1 under load, one of them killed; then the account of every frame.

    Exit status 0 only if the account balances and the story shows what it should.
    """
    configure_logging("warning", "auto")
    out.mkdir(parents=True, exist_ok=True)
    logs = Path(mkdtemp(prefix="fer-scale-out-"))
    try:
        with Fleet(logs) as fleet:
            story = Teller(fleet, pace, lambda line: click.echo(line, err=True)).tell()
    except FerstreamError as error:
        failure = click.ClickException(f"{error} (logs are in {logs})")
        failure.exit_code = EXIT_UNUSABLE  # type: ignore[misc]
        raise failure from error
    _write(story, out)
    if write:
        for name in ("scale_out.png", "scale_out.json"):
            shutil.copy(out / name, PICTURES / name)
        replace_block("scale-out", caption(story))
    if story.account:
        click.echo(f"{account_line(story.account)}; balance {story.account.balance}")
    for fact, true in story.facts.items():
        click.echo(f"{click.style('yes', fg='green') if true else click.style('NO ', fg='red')}  {fact}")
    click.echo(f"plot, account and samples are in {out}, logs in {logs}")
    sys.exit(0 if all(story.facts.values()) else 1)


def _write(story: Story, out: Path) -> None:
    write_rows(story.rows, out / "scale_out.csv")
    (out / "scale_out.json").write_text(json.dumps(story.summary(), indent=2) + "\n")
    draw(story, out / "scale_out.png")


if __name__ == "__main__":
    main()
