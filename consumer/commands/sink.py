"""`fer-consumer sink KIND`: results, events or minutes into a store."""

from pathlib import Path

import click
import cloup
from cloup import option

from ferstream.consumer.commands.sink_options import SinkOptions, run_sink, sink_options
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand, FerGroup

_MEGABYTE, _DAY_S = 1_000_000, 86400.0

directory_option = option(
    "--dir", "directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where the files go."
)
keep_option = option(
    "--keep-days", type=click.FloatRange(0.0001), show_default="keep for ever", help="Delete what is older than this."
)


@cloup.group(cls=FerGroup, example="fer-consumer sink sqlite --file results.db")
def sink() -> None:
    """Keep results, events or minutes in a store, each at least once and without repeats.

    A record is acknowledged only when the store has it for good. A store that is away is waited for, and nothing more is read
    meanwhile. Emotions of people are personal data: --keep-days deletes what is no longer needed.
    """


@sink.command(
    cls=FerCommand, example="fer-consumer sink jsonl --dir /var/lib/ferstream --of events --keep-days 30", exits=SERVICE_EXITS
)
@cloup.option_group(
    "Store",
    directory_option,
    option("--rotate-mb", type=click.FloatRange(0.001), default=64.0, help="Begin a new file after so many megabytes of lines."),
    option("--rotate-minutes", type=click.FloatRange(0.01), default=60.0, help="Begin a new file after so many minutes."),
    keep_option,
)
@sink_options
def jsonl(directory: Path, rotate_mb: float, rotate_minutes: float, keep_days: float | None, options: SinkOptions) -> None:
    """Rotating files of JSON lines that survive kill -9: what `fer-consumer log` writes."""
    with QuietInterrupts():
        from ferstream.consumer.log.record_log import RecordLog, Rotation
        from ferstream.consumer.sinks.jsonl import FileSink

    rotation = Rotation(int(rotate_mb * _MEGABYTE), rotate_minutes * 60, keep_days * _DAY_S if keep_days else None)
    run_sink("jsonl", str(directory.resolve()), options, lambda: FileSink(RecordLog(directory, "jsonl", rotation, options.of)))
