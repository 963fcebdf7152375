"""`fer-consumer sink KIND`: results, events or minutes into a store."""

from pathlib import Path

import click
import cloup
from cloup import option

from ferstream.consumer.commands.options import true_path
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
    run_sink("jsonl", true_path(directory), options, lambda: FileSink(RecordLog(directory, "jsonl", rotation, options.of)))


@sink.command(cls=FerCommand, example="fer-consumer sink sqlite --file results.db --keep-days 30", exits=SERVICE_EXITS)
@cloup.option_group(
    "Store",
    option(
        "--file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The database, made where there is none."
    ),
    keep_option,
)
@sink_options
def sqlite(file: Path, keep_days: float | None, options: SinkOptions) -> None:
    """One SQLite file, in which every record is once."""
    with QuietInterrupts():
        from ferstream.consumer.sinks.sqlite import SqliteSink

    run_sink("sqlite", true_path(file), options, lambda: SqliteSink(file, options.of, keep_days and keep_days * _DAY_S))


@sink.command(
    cls=FerCommand, example="fer-consumer sink parquet --dir /var/lib/ferstream/results --keep-days 365", exits=SERVICE_EXITS
)
@cloup.option_group("Store", directory_option, keep_option)
@sink_options
def parquet(directory: Path, keep_days: float | None, options: SinkOptions) -> None:
    """Parquet by day and camera, to be read while it is written: a new part each minute, merged each hour and each day."""
    with QuietInterrupts():
        from ferstream.consumer.sinks.parquet import ParquetSink

    run_sink("parquet", true_path(directory), options, lambda: ParquetSink(directory, options.of, keep_days))


@sink.command(cls=FerCommand, example="fer-consumer sink postgresql --url-file /run/secrets/postgresql_url", exits=SERVICE_EXITS)
@cloup.option_group(
    "Store",
    option("--url", help="postgresql://user@host:5432/database"),
    option("--url-file", type=click.Path(path_type=Path, dir_okay=False), help="File that holds the URL (for passwords)."),
    option("--print-schema", is_flag=True, help="Print the SQL that makes the tables, and end."),
    keep_option,
)
@sink_options
@click.pass_context
def postgresql(
    ctx: click.Context,
    url: str | None,
    url_file: Path | None,
    print_schema: bool,
    keep_days: float | None,
    options: SinkOptions,
) -> None:
    """Tables of PostgreSQL, in which every record is once. They are made at the start where the user may."""
    with QuietInterrupts():
        from ferstream.consumer.sinks.postgresql import PostgresqlSink, schema
        from ferstream.streams.service.named_file import read_secret

    if print_schema:
        click.echo(schema(), nl=False)
        return
    if (url is None) == (url_file is None):
        raise click.UsageError("give --url or --url-file, and not both", ctx)
    store = PostgresqlSink(
        url or read_secret(url_file, "the URL of PostgreSQL"),  # type: ignore[arg-type]  # one of them is there
        options.of,
        keep_days and keep_days * _DAY_S,
    )
    run_sink("postgresql", store.name, options, lambda: store)
