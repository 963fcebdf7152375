"""`fer-consumer`: see results, keep them, and see how the cameras are."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.consumer.commands.options import shards_option
from ferstream.consumer.commands.track import track
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand, FerGroup, name_variables
from ferstream.streams.service.options import chosen_prefix, metrics_options, server_options

if TYPE_CHECKING:
    from ferstream.consumer.log.result_log import FileFormat
    from ferstream.consumer.tracking.tracker import FaceTracker

# Commands import what they run: --help has no use for Redis, and a shell that completes has no time for it.

_MEGABYTE = 1_000_000


def face_tracker(smooth_s: float | None) -> "FaceTracker":
    """A tracker that smooths over so many seconds, or as long as is usual. It brings scipy, which takes a while to load."""
    with QuietInterrupts():
        from ferstream.consumer.tracking.tracker import FaceTracker

    return FaceTracker() if smooth_s is None else FaceTracker(smooth_s)


@cloup.group(cls=FerGroup, example="fer-consumer tail --camera door")
@click.version_option(package_name="ferstream", prog_name="fer-consumer")
def main() -> None:
    """Subscribe to the emotions that workers find, on live video of many cameras."""


@main.command(
    cls=FerCommand,
    example="""\
fer-consumer tail --camera door --smooth 1
fer-consumer tail --tracks
fer-consumer tail --json --from 0 | jq .faces""",
)
@server_options
@shards_option
@cloup.option_group(
    "Results",
    option("--from", "from_", default="$", help='"$": new results, "0": all that Redis still has, or an entry id.'),
    option("--camera", "cameras", multiple=True, show_default="all", help="Only this camera; may be repeated."),
    option(
        "--order-window",
        "order_window_s",
        type=click.FloatRange(0),
        show_default="0; with --smooth or --tracks 0.5",
        help="Seconds to wait for results out of order, to show each camera's in order of capture.",
    ),
    option(
        "--smooth",
        "smooth_s",
        type=click.FloatRange(0),
        help="Follow faces, and smooth over so many seconds (time constant).",
    ),
    option("--tracks", is_flag=True, help="Follow faces, and also print when one appears, changes or leaves."),
    option("--count", type=click.IntRange(1), help="End after so many results."),
    option("--idle-timeout", "idle_timeout_s", type=click.FloatRange(0.01), help="End after so many seconds with nothing."),
)
@cloup.option_group(
    "Output",
    option("--all", "show_all", is_flag=True, help="Also a line for each frame without faces."),
    option("--json", "as_json", is_flag=True, help="One result a line, as JSON."),
)
def tail(
    redis_url: str,
    shards: int | None,
    from_: str,
    cameras: tuple[str, ...],
    order_window_s: float | None,
    smooth_s: float | None,
    tracks: bool,
    count: int | None,
    idle_timeout_s: float | None,
    show_all: bool,
    as_json: bool,
) -> None:
    """Print results as they come: one line a face. After 5 s without a line, standard error says once what is missing."""
    with QuietInterrupts():
        from ferstream.consumer.subscribe.subscriber import ResultSubscriber
        from ferstream.consumer.terminal.tail import TRACKING_WINDOW_S, SilenceHint, Style
        from ferstream.consumer.terminal.tail import tail as print_results

    tracker = face_tracker(smooth_s) if tracks or smooth_s is not None else None
    if order_window_s is None:
        order_window_s = TRACKING_WINDOW_S if tracker else 0.0
    subscriber = ResultSubscriber(
        redis_url,
        from_=from_,
        cameras=cameras or None,
        order_window_s=order_window_s,
        prefix=chosen_prefix(),
        shards=shards,
        idle_timeout_s=idle_timeout_s,
    )
    style = Style(as_json=as_json, show_all=show_all, count=count, events=tracks)
    with subscriber, SilenceHint(redis_url, chosen_prefix(), cameras, show_all) as hint:
        print_results(subscriber.deliveries(), style, tracker, hint.line)


@main.command(
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
    group: str,
    consumer: str | None,
    from_: str,
    metrics_host: str,
    metrics_port: int,
    other_port: bool,
) -> None:
    """Keep every result in rotating files that survive kill -9.

    A result is acknowledged only when it is safe on the disk. After a crash the last second may be there twice: camera_id and
    sequence tell. Emotions of people are personal data: --keep-days deletes what is no longer needed.
    """
    with QuietInterrupts():
        from ferstream.consumer.log.log_loop import LogLoop, consumer_name
        from ferstream.consumer.log.log_metrics import LogMetrics
        from ferstream.consumer.log.result_log import ResultLog, Rotation
        from ferstream.consumer.subscribe.subscriber import ResultSubscriber
        from ferstream.streams.service.health_server import StatusServer
        from ferstream.streams.service.metrics import announce
        from ferstream.streams.service.shutdown import Shutdown

    announce("fer-consumer")
    shutdown = Shutdown()
    rotation = Rotation(int(rotate_mb * _MEGABYTE), rotate_minutes * 60, keep_days * 86400 if keep_days else None)
    with ExitStack() as stack:
        result_log = stack.enter_context(ResultLog(directory, format_, rotation))
        subscriber = ResultSubscriber(
            redis_url,
            from_=from_,
            prefix=chosen_prefix(),
            shards=shards,
            group=group,
            consumer=consumer or consumer_name(directory),
            acknowledge_each=False,
            repeats=True,
            block_s=0.5,
        )
        stack.callback(subscriber.close)
        loop = LogLoop(subscriber, result_log, LogMetrics())
        status = StatusServer(metrics_host, metrics_port, healthy=loop.unhealthy, ready=loop.unready, other_port=other_port)
        stack.callback(status.close)
        loop.run(shutdown.requested)


@main.command(cls=FerCommand, example="fer-consumer cameras")
@server_options
@cloup.option_group("Output", option("--json", "as_json", is_flag=True, help="One camera a line, as JSON."))
def cameras(redis_url: str, as_json: bool) -> None:
    """Show every camera as its producer sees it."""
    with QuietInterrupts():
        from ferstream.consumer.terminal.camera_table import json_lines, table
        from ferstream.streams.frames.camera_status import CameraStatus
        from ferstream.streams.frames.status_board import read_statuses
        from ferstream.streams.redis_client.clock import ServerClock
        from ferstream.streams.redis_client.connect import connect
        from ferstream.streams.wire.keys import Keys

    clock = ServerClock()
    with closing(connect(redis_url)) as client:
        clock.set_from(client)
        statuses = read_statuses(client, Keys(chosen_prefix()).cameras, CameraStatus)
    if not statuses and not as_json:
        click.echo("no camera has said anything yet: is a fer-producer running?", err=True)
        return
    lines = json_lines(statuses, clock.now()) if as_json else table(statuses, clock.now())
    if lines:
        click.echo("\n".join(lines))


main.add_command(track)
name_variables(main, "FER_CONSUMER")
