"""`fer-consumer forget` and `export`: what sinks keep about a camera and a time."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand

if TYPE_CHECKING:
    from ferstream.consumer.records.rows import Of
    from ferstream.consumer.sinks.sink import CameraPeriod

F = TypeVar("F", bound=Callable[..., Any])

_FORMS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]
_TIME = click.DateTime(_FORMS)


def _period_options(command: F) -> F:
    return cloup.option_group(
        "Records",
        option("--camera", required=True, help="The camera's name."),
        option(
            "--from", "from_", type=_TIME, metavar="TIME", required=True, help="From this time on, UTC unless it has an offset."
        ),
        option("--to", "to", type=_TIME, metavar="TIME", required=True, help="Until before this time."),
    )(command)


def _stores_option(*, many: bool) -> Callable[[F], F]:
    return cloup.option_group(
        "Stores",
        option(
            "--sink",
            "sinks",
            multiple=many,
            metavar="URL",
            help=f"sqlite:FILE, jsonl:DIR, parquet:DIR or postgresql://user@host/database{'; may be repeated' * many}.",
        ),
        option(
            "--sink-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="File that holds the URL of a sink (for passwords).",
        ),
    )


@cloup.command(
    cls=FerCommand,
    example="fer-consumer forget --camera door --from 2026-11-29T09:00 --to 2026-11-29T10:00 --sink sqlite:results.db",
)
@_period_options
@_stores_option(many=True)
def forget(camera: str, from_: datetime, to: datetime, sinks: tuple[str, ...], sink_file: Path | None) -> None:
    """Delete what sinks keep about a camera and a time: results, events and minutes.

    A minute is deleted where it begins in that time. A sink that writes files must be stopped meanwhile. Backups, and what was
    exported or sent on, are not reached.
    """
    with QuietInterrupts():
        from ferstream.consumer.sinks.stores import kinds, open_store

    period = _period(camera, from_, to)
    for url in _urls(sinks, sink_file):
        for of in kinds():
            name, store = open_store(url, of)
            with closing(store):
                click.echo(f"{name}: deleted {store.forget(period)} rows of {of}")


@cloup.command(
    cls=FerCommand,
    example="fer-consumer export --camera door --from 2026-11-29 --to 2026-11-30 --sink sqlite:results.db --format csv",
)
@_period_options
@_stores_option(many=False)
@cloup.option_group(
    "Output",
    option("--of", type=click.Choice(["results", "events", "minutes"]), default="results", help="Which records."),
    option("--format", "format_", type=click.Choice(["jsonl", "csv"]), default="jsonl", help="JSON Lines, or a table."),
)
def export(
    camera: str,
    from_: datetime,
    to: datetime,
    sinks: str | None,
    sink_file: Path | None,
    of: "Of",
    format_: str,
) -> None:
    """Print what a sink keeps about a camera and a time: a row a face, event or minute, with the columns of docs/sinks.md."""
    with QuietInterrupts():
        from ferstream.consumer.records.cells import as_text
        from ferstream.consumer.sinks.stores import open_store

    if sinks and sink_file:
        raise click.UsageError("give one of --sink and --sink-file")
    (url,) = _urls((sinks,) if sinks else (), sink_file)
    _, store = open_store(url, of)
    with closing(store):
        rows = store.read(_period(camera, from_, to))
        if format_ == "csv":
            _write_csv(rows)
        else:
            for row in rows:
                click.echo(json.dumps(row, ensure_ascii=False, default=as_text))


def _write_csv(rows: Iterator[dict[str, Any]]) -> None:
    from ferstream.consumer.records.cells import cell

    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row))
            writer.writeheader()
        writer.writerow({name: cell(value) for name, value in row.items()})


def _urls(sinks: tuple[str, ...], sink_file: Path | None) -> list[str]:
    from ferstream.streams.service.named_file import read_secret

    urls = [*sinks, *([read_secret(sink_file, "the URL of a sink")] if sink_file else [])]
    if not urls:
        raise click.UsageError("give --sink or --sink-file")
    return urls


def _period(camera: str, from_: datetime, to: datetime) -> "CameraPeriod":
    from ferstream.consumer.sinks.sink import CameraPeriod

    start, end = (at if at.tzinfo else at.replace(tzinfo=UTC) for at in (from_, to))
    if end <= start:
        raise click.UsageError("--to must be after --from")
    return CameraPeriod(camera, start.timestamp(), end.timestamp())
