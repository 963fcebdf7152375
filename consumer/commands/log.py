"""`fer-consumer log`: results in files."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.consumer.commands.options import shards_option, true_path
from ferstream.consumer.commands.sink_options import SinkOptions, run_sink
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand
from ferstream.streams.service.options import metrics_options, server_options

if TYPE_CHECKING:
    from ferstream.consumer.log.record_log import FileFormat

_MEGABYTE = 1_000_000


@cloup.command(
    cls=FerCommand, example="fer-consumer log --dir /var/lib/ferstream --format parquet --keep-days 30", exits=SERVICE_EXITS
)
@cloup.option_group(
    "Files",
    option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where the files go."),
    option(
        "--format", "format_", type=click.Choice(["jsonl", "parquet"]), default="jsonl", help="JSON Lines, or one row a face."
    ),
    option("--rotate-mb", type=click.FloatRange(0.001), default=64.0, help="Begin a new file after so many megabytes of lines."),
    option("--rotate-minutes", type=click.FloatRange(0.01), default=60.0, help="Begin a new file after so many minutes."),
    option("--tracks", is_flag=True, help="Follow faces: results with tracks, and smoothed emotions."),
    option("--keep-days", type=click.FloatRange(0.0001), show_default="keep for ever", help="Delete files older than this."),
)
@server_options
@shards_option
@cloup.option_group(
    "Delivery",
    option("--group", default="logger", help="Consumer group; the loggers of one group share the results."),
    option("--consumer", show_default="from host and directory", help="Name in the group; keep it over restarts."),
    option("--from", "from_", default="0", help='Where a new group begins: all that Redis still has, or "$".'),
)
@metrics_options(9103)
def log(
    redis_url: str,
    shards: int | None,
    directory: Path,
    format_: "FileFormat",
    rotate_mb: float,
    rotate_minutes: float,
    keep_days: float | None,
    tracks: bool,
    group: str,
    consumer: str | None,
    from_: str,
    metrics_host: str,
    metrics_port: int,
    other_port: bool,
) -> None:
    """Keep every result in rotating files that survive kill -9.

    A result is acknowledged only when it is safe on the disk. This is the short way to `fer-consumer sink jsonl`, which can
    choose what is kept. Emotions of people are personal data: --keep-days deletes what is no longer needed.
    """
    with QuietInterrupts():
        from ferstream.consumer.log.record_log import RecordLog, Rotation
        from ferstream.consumer.sinks.jsonl import FileSink
        from ferstream.consumer.sinks.sink_loop import consumer_name
        from ferstream.consumer.sinks.sink_metrics import LogMetrics

    rotation = Rotation(int(rotate_mb * _MEGABYTE), rotate_minutes * 60, keep_days * 86400 if keep_days else None)
    options = SinkOptions(
        redis_url=redis_url,
        shards=shards,
        of="results",
        cameras=(),
        tracks=tracks,
        emotions=(),
        least_probability=0.0,
        min_people=0,
        group=group,
        consumer=consumer or consumer_name(true_path(directory)),
        from_=from_,
        batch_entries=5000,
        batch_s=1.0,
        dry_run=False,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
        other_port=other_port,
    )
    run_sink(format_, str(directory), options, lambda: FileSink(RecordLog(directory, format_, rotation)), LogMetrics)
