"""`fer-consumer report`: a page of what a sink kept."""

from contextlib import closing
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand

_EXITS = {1: "there is nothing of that time, or the camera is not known"}


class _Moment(click.ParamType):  # type: ignore[type-arg]
    """A date or a time of ISO 8601, which may have an offset."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-11-29, 2026-11-29T14:30 or 2026-11-29T14:30:00+01:00", param, ctx)


class _Zone(click.ParamType):  # type: ignore[type-arg]
    """A time zone by its name."""

    name = "ZONE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:  # noqa: ANN401
        from zoneinfo import ZoneInfo

        if isinstance(value, tzinfo):
            return value
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # unknown, no name for a file, or a folder of zones
            self.fail(f"{value!r} is no time zone this machine knows; they are named as Europe/Vienna or UTC", param, ctx)


@cloup.command(
    cls=FerCommand,
    exits=_EXITS,
    log_level="warning",
    example="""\
fer-consumer report --sink sqlite:results.db --from 2026-11-29 --to 2026-11-30 --out report
fer-consumer report --dir /var/lib/ferstream --from 2026-11-29T14:00 --to 2026-11-29T15:00 --camera door --out report""",
)
@cloup.option_group(
    "Store",
    option("--sink", "sink", metavar="URL", help="sqlite:FILE, jsonl:DIR, parquet:DIR or postgresql://user@host/database."),
    option(
        "--sink-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File that holds the URL of the sink (for passwords).",
    ),
    option(
        "--dir", "directory", type=click.Path(path_type=Path), help="Directory that `fer-consumer log` or a sink of files writes."
    ),
)
@cloup.option_group(
    "Records",
    option("--from", "from_", type=_Moment(), required=True, help="From this time on."),
    option("--to", "to", type=_Moment(), show_default="now", help="Until before this time."),
    option(
        "--timezone", "zone", type=_Zone(), show_default="the machine's", help="Of the report, and of times without an offset."
    ),
    option("--camera", "cameras", multiple=True, show_default="all", help="Only this camera; may be repeated."),
)
@cloup.option_group(
    "Output",
    option(
        "--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder for report.html and what is beside it."
    ),
    option("--json", "as_json", is_flag=True, help="Print the figures as JSON; then --out may be left out."),
)
@click.pass_context
def report(
    ctx: click.Context,
    sink: str | None,
    sink_file: Path | None,
    directory: Path | None,
    from_: datetime,
    to: datetime | None,
    zone: tzinfo | None,
    cameras: tuple[str, ...],
    folder: Path | None,
    as_json: bool,
) -> None:
    """Write a page of what a sink kept: people, apparent emotions, coverage and gaps of each camera and of all.

    It reads results, or minutes where there are none, and events of tracks; the sink may go on meanwhile, and nothing in it is
    changed. The page loads nothing from elsewhere. Its charts are beside it as PNG, its figures as CSV and JSON.
    """
    if folder is None and not as_json:
        raise click.UsageError("give --out, or --json")
    if sum(given is not None for given in (sink, sink_file, directory)) != 1:
        raise click.UsageError("give one of --sink, --sink-file and --dir")
    start, end = (_seconds(at, zone) for at in (from_, to or datetime.now().astimezone()))
    if end <= start:
        raise click.UsageError("--to must be after --from" if to else "--from must be before now")
    with QuietInterrupts():
        from ferstream.consumer.report.kept.gather import NothingKept, gather
        from ferstream.consumer.report.kept.open_kept import open_kept
        from ferstream.consumer.report.numbers.period import period_of
        from ferstream.consumer.report.pages.wording import Clock
        from ferstream.consumer.report.report import Report, require_report
        from ferstream.streams.service.named_file import read_secret

    if folder is not None:
        require_report()  # said at once, and not after all was read
    clock = Clock(zone)
    url = f"jsonl:{directory}" if directory is not None else sink or read_secret(sink_file, "the URL of a sink")  # type: ignore[arg-type]
    with closing(open_kept(url)) as kept:
        try:
            gathered = gather(kept, period_of(start, end, clock.offset_s(start)), tuple(dict.fromkeys(cameras)))
        except NothingKept as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)
        made = Report(
            title="What cameras saw",
            when=clock.span(start, end),
            cameras=gathered.cameras,
            clock=clock,
            notes=gathered.notes,
            source=f"Read from {kept.name}.",
        )
    if folder is not None:
        page = made.write(folder)
        click.echo(f"wrote {page}", err=as_json)
    if as_json:
        click.echo(made.json(), nl=False)


def _seconds(at: datetime, zone: tzinfo | None) -> float:
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()  # without a zone, the machine's
