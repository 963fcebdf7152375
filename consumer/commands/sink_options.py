"""What every `fer-consumer sink KIND` can be told, and how it runs."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
import cloup
from cloup import option

from ferstream.consumer.commands.options import shards_option
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.options import chosen_prefix, metrics_options, server_options
from ferstream.streams.wire.emotions import NAMES

if TYPE_CHECKING:
    from ferstream.consumer.records.rows import Of
    from ferstream.consumer.sinks.preparation import Preparation
    from ferstream.consumer.sinks.sink import Sink
    from ferstream.consumer.sinks.sink_metrics import SinkMetrics

F = TypeVar("F", bound=Callable[..., Any])

METRICS_PORT = 9104
#: Seconds that results wait for those before them, where faces are followed.
_ORDER_WINDOW_S = 0.5


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """What the options of `sink_options` say: what is read, as whom, and what of it is kept."""

    redis_url: str
    shards: int | None
    of: "Of"
    cameras: tuple[str, ...]
    emotions: tuple[str, ...]
    least_probability: float
    min_people: int
    group: str | None
    consumer: str | None
    from_: str
    batch_entries: int
    batch_s: float
    dry_run: bool
    metrics_host: str
    metrics_port: int
    other_port: bool


def sink_options(command: F) -> F:
    """`options`, the SinkOptions of the command."""

    @wraps(command)
    def with_options(**given: Any) -> Any:  # noqa: ANN401 - click's
        if given.pop("aggregate") is not None:
            if given["of"] == "events":
                raise click.UsageError("--aggregate makes minutes of results: leave out --of events")
            given["of"] = "minutes"
        mine = {name: given.pop(name) for name in SinkOptions.__slots__}
        if mine["min_people"] and mine["of"] != "minutes":
            raise click.UsageError("--min-people is for minutes: give --of minutes")
        return command(options=SinkOptions(**mine), **given)

    wrapped: Any = with_options
    for decorate in (metrics_options(METRICS_PORT), _delivery, shards_option, server_options, _records):
        wrapped = decorate(wrapped)
    return wrapped  # type: ignore[no-any-return]


_records = cloup.option_group(
    "Records",
    option("--of", type=click.Choice(["results", "events", "minutes"]), default="results", help="What is kept."),
    option("--aggregate", type=click.Choice(["60s"]), help="Keep statistics of each minute: the same as --of minutes."),
    option("--min-people", type=click.IntRange(0), default=0, help="Of minutes, leave out groups of fewer people."),
    option("--camera", "cameras", multiple=True, show_default="all", help="Only this camera; may be repeated."),
    option(
        "--emotion",
        "emotions",
        type=click.Choice(NAMES),
        metavar="NAME",
        multiple=True,
        show_default="all",
        help="Only faces and events of this emotion; may be repeated.",
    ),
    option(
        "--least-probability",
        type=click.FloatRange(0, 1),
        default=0.0,
        help="Only faces and events that are named with at least this probability.",
    ),
    option("--dry-run", is_flag=True, help="Print what would be written, as JSON lines; write and acknowledge nothing."),
)
_delivery = cloup.option_group(
    "Delivery",
    option("--group", show_default="KIND-OF", help="Consumer group; the sinks of one group share the records."),
    option("--consumer", show_default="from host and target", help="Name in the group; keep it over restarts."),
    option("--from", "from_", default="0", help='Where a new group begins: all that Redis still has, or "$".'),
    option("--batch-entries", type=click.IntRange(1), default=5000, help="Write a batch after so many entries of Redis."),
    option("--batch-seconds", "batch_s", type=click.FloatRange(0), default=1.0, help="Or after so many seconds."),
)


def run_sink(
    kind: str,
    target: str,
    options: SinkOptions,
    open_sink: "Callable[[], Sink]",
    make_metrics: "Callable[[str, str], SinkMetrics] | None" = None,
) -> None:
    """Move records into the sink until SIGTERM; `target` says which of its kind it is, without a password.

    Raises SinkError and StoreRefused where trying again will not help.
    """
    with QuietInterrupts():
        from ferstream.consumer.sinks.dry_run import DryRun
        from ferstream.consumer.sinks.sink_loop import Batching, SinkLoop, consumer_name
        from ferstream.consumer.sinks.sink_metrics import SinkMetrics
        from ferstream.consumer.subscribe.subscriber import EventSubscriber, ResultSubscriber
        from ferstream.streams.service.health_server import StatusServer
        from ferstream.streams.service.metrics import announce
        from ferstream.streams.service.shutdown import Shutdown

    announce("fer-consumer")
    shutdown = Shutdown()
    with ExitStack() as stack:
        sink = DryRun() if options.dry_run else open_sink()
        stack.callback(sink.close)
        group = None if options.dry_run else options.group or f"{kind}-{options.of}"
        subscribe = EventSubscriber if options.of == "events" else ResultSubscriber
        subscriber = subscribe(
            options.redis_url,
            from_=options.from_,
            cameras=options.cameras or None,
            order_window_s=_ORDER_WINDOW_S if options.of == "minutes" else 0.0,
            prefix=chosen_prefix(),
            shards=options.shards,
            group=group,
            consumer=(options.consumer or consumer_name(f"{kind} {target} {options.of}")) if group else None,
            acknowledge_each=False,
            repeats=True,
            block_s=min(0.5, max(0.01, options.batch_s)),
        )
        stack.callback(subscriber.close)
        loop = SinkLoop(
            subscriber,
            _preparation(options),
            sink,
            f"{kind} {target}",
            (make_metrics or SinkMetrics)(kind, options.of),
            Batching(options.batch_entries, options.batch_s),
        )
        status = StatusServer(
            options.metrics_host,
            options.metrics_port,
            healthy=loop.unhealthy,
            ready=loop.unready,
            other_port=options.other_port,
        )
        stack.callback(status.close)
        loop.run(shutdown.requested)


def _preparation(options: SinkOptions) -> "Preparation":
    from ferstream.consumer.sinks.preparation import Everything, Filter

    keep = Filter(frozenset(options.emotions), options.least_probability)
    if options.of == "minutes":
        from ferstream.consumer.sinks.aggregate import MinutePreparation  # it brings scipy

        return MinutePreparation(keep, options.min_people)
    return Everything(keep)
