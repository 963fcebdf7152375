"""`fer-consumer track`: tracks and events of a fleet."""

import logging
from contextlib import ExitStack, closing
from typing import Any

import click
import cloup
from cloup import option

from ferstream.consumer.commands.options import shards_option
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import LOGS, SERVICE_EXITS, FerCommand
from ferstream.streams.service.options import chosen_prefix, metrics_options, server_options


@cloup.command(
    cls=FerCommand,
    example="""\
fer-consumer track --redis redis://10.0.0.5:6379/0
fer-consumer track --smooth 1 --keep-events 86400""",
    exits=SERVICE_EXITS,
)
@server_options
@shards_option
@cloup.option_group(
    "Tracks",
    option(
        "--smooth",
        "smooth_s",
        type=click.FloatRange(0),
        default=0.35,
        help="Smooth emotions over so many seconds (time constant).",
    ),
    option(
        "--left-after",
        "left_after_s",
        type=click.FloatRange(0.1),
        default=2.0,
        help="A face unseen for so many seconds has left.",
    ),
)
@cloup.option_group(
    "Delivery",
    option("--from", "from_", default="0", help='Where the first tracker ever begins: all that Redis still has, or "$".'),
    option(
        "--order-window",
        "order_window_s",
        type=click.FloatRange(0.01),
        default=0.5,
        help="Seconds to wait for results out of order.",
    ),
    option(
        "--keep-events",
        "keep_events_s",
        type=click.IntRange(1),
        default=3600,
        help="Seconds that events stay in Redis.",
    ),
)
@metrics_options(9105)
@cloup.option_group(
    LOGS,
    option("--camera-labels/--no-camera-labels", default=True, help="Label metrics with the camera's name."),
)
def track(
    redis_url: str,
    shards: int | None,
    camera_labels: bool,
    metrics_host: str,
    metrics_port: int,
    other_port: bool,
    **options: Any,  # noqa: ANN401 - what click checked, for TrackSettings
) -> None:
    """Follow the faces of all cameras, and publish events: a face appeared, its emotion changed, it left.

    Start as many as you like: they share the Redis shards, and one that dies is replaced. Each event comes once, also then. No
    identity is computed: a track ends when its face leaves.
    """
    with QuietInterrupts():
        from ferstream.consumer.tracking.service.shard_tracker import TrackSettings
        from ferstream.consumer.tracking.service.track_metrics import TrackMetrics
        from ferstream.consumer.tracking.service.track_service import TrackService
        from ferstream.streams.redis_client.acl_check import check_rights, tracker_commands
        from ferstream.streams.redis_client.clock import ServerClock
        from ferstream.streams.redis_client.connect import connect
        from ferstream.streams.service.health_server import StatusServer
        from ferstream.streams.service.metrics import announce
        from ferstream.streams.service.shutdown import Shutdown
        from ferstream.streams.wire.keys import Keys

    announce("fer-consumer")
    shutdown = Shutdown()
    settings = TrackSettings(redis_url=redis_url, prefix=chosen_prefix(), **options)
    with ExitStack() as stack:
        client = stack.enter_context(closing(connect(redis_url)))
        check_rights(client, tracker_commands(Keys(settings.prefix)))
        service = TrackService(client, settings, shards, TrackMetrics(camera_labels), ServerClock())
        status = StatusServer(metrics_host, metrics_port, healthy=service.unhealthy, ready=service.unready, other_port=other_port)
        stack.callback(status.close)
        logging.getLogger(__name__).info("metrics on port %d", status.port)
        service.run(shutdown.requested)
