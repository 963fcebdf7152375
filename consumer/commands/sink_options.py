"""What every `fer-consumer sink KIND` can be told, and how it runs."""

import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
import cloup
from click.core import ParameterSource
from cloup import option

from ferstream.consumer.commands.options import face_tracker, shards_option
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.options import chosen_prefix, metrics_options, server_options
from ferstream.streams.wire.emotions import NAMES

if TYPE_CHECKING:
    from ferstream.consumer.records.rows import Of
    from ferstream.consumer.rules.condition import Rule
    from ferstream.consumer.sinks.preparation import Preparation
    from ferstream.consumer.sinks.sink import Sink
    from ferstream.consumer.sinks.sink_metrics import SinkMetrics

F = TypeVar("F", bound=Callable[..., Any])

METRICS_PORT = 9104


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """What the options of `sink_options` say: what is read, as whom, and what of it is kept."""

    redis_url: str
    shards: int | None
    of: "Of"
    cameras: tuple[str, ...]
    tracks: bool
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
    when: "Rule | None" = None
    not_again_for_s: float = 60.0
    only_changes: bool = False
    least_duration_s: float = 0.0

    @property
    def purpose(self) -> str:
        """What tells a sink from others of its kind: those of two rules or filters must not share a group, each needs all."""
        chosen = (sorted(self.cameras), sorted(self.emotions), self.least_probability, self.only_changes, self.least_duration_s)
        if self.when:
            return f"alerts-{_digest((str(self.when), *chosen))}"
        return self.of if chosen == ([], [], 0.0, False, 0.0) else f"{self.of}-{_digest(chosen)}"

    @property
    def needs_every_result(self) -> bool:
        """Whether what it writes comes of all results of a camera: it cannot share its group."""
        return self.of == "minutes" or self.tracks or self.when is not None

    @property
    def written(self) -> "Of":
        """The kind of records that the sink gets: alerts are events."""
        return "events" if self.when else self.of


def _digest(said: object) -> str:
    return f"{zlib.crc32(str(said).encode()):08x}"


def sink_options(command: F) -> F:
    """`options`, the SinkOptions of the command."""

    @wraps(command)
    def with_options(**given: Any) -> Any:  # noqa: ANN401 - click's
        if given.pop("aggregate") is not None:
            if given["of"] == "events":
                raise click.UsageError("--aggregate makes minutes of results: leave out --of events")
            given["of"] = "minutes"
        mine = {name: given.pop(name) for name in SinkOptions.__slots__}
        _check(mine)
        return command(options=SinkOptions(**mine), **given)

    wrapped: Any = with_options
    for decorate in (metrics_options(METRICS_PORT), _delivery, shards_option, server_options, _alerts, _records):
        wrapped = decorate(wrapped)
    return wrapped  # type: ignore[no-any-return]


def _check(mine: dict[str, Any]) -> None:
    """Raises UsageError for options that contradict each other, and for those that would do nothing."""
    if mine["min_people"] and mine["of"] != "minutes":
        raise click.UsageError("--min-people is for minutes: give --of minutes")
    if mine["min_people"] == 1:
        raise click.UsageError("--min-people hides somebody from 2 on")
    if mine["when"] is not None and mine["of"] != "results":
        raise click.UsageError("--when watches results, and writes events: leave out --of")
    if mine["when"] is not None and (mine["emotions"] or mine["least_probability"]):
        raise click.UsageError("--when says which faces are meant: leave out --emotion and --least-probability")
    if mine["tracks"] and (mine["of"] != "results" or mine["when"] is not None):
        raise click.UsageError("--tracks is for results: events, alerts and minutes are of tracks")
    given_how = click.get_current_context().get_parameter_source("not_again_for_s")
    if mine["when"] is None and given_how is ParameterSource.COMMANDLINE:
        raise click.UsageError("--not-again-for is for alerts: give --when")


def _seconds(_ctx: click.Context, _param: click.Parameter, text: str) -> float:
    from ferstream.consumer.rules.grammar import RuleError, parse_seconds

    try:
        return parse_seconds(text)
    except RuleError as error:
        raise click.BadParameter(str(error)) from None


def _rule(_ctx: click.Context, _param: click.Parameter, text: str | None) -> "Rule | None":
    from ferstream.consumer.rules.grammar import RuleError, parse_rule

    try:
        return None if text is None else parse_rule(text)
    except RuleError as error:
        raise click.BadParameter(str(error)) from None


_records = cloup.option_group(
    "Records",
    option("--of", type=click.Choice(["results", "events", "minutes"]), default="results", help="What is kept."),
    option("--aggregate", type=click.Choice(["60s"]), help="Keep statistics of each minute: the same as --of minutes."),
    option("--min-people", type=click.IntRange(0), default=0, help="Of minutes, leave out groups of fewer people."),
    option("--tracks", is_flag=True, help="Follow faces: results with tracks, and smoothed emotions."),
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
    option("--only-changes", is_flag=True, help="Of events, only changes of emotion, and alerts."),
    option(
        "--least-duration",
        "least_duration_s",
        default="0s",
        callback=_seconds,
        help="Of events, only those that tell of so long: 500ms, 3s, 5min. A face that appeared has lasted for no time.",
    ),
    option("--dry-run", is_flag=True, help="Print what would be written, as JSON lines; write and acknowledge nothing."),
)
_alerts = cloup.option_group(
    "Alerts",
    option(
        "--when",
        metavar="RULE",
        callback=_rule,
        help='Write an alert where this holds for a face, and no more: "emotion=surprise and probability>0.7 for 3s".',
    ),
    option(
        "--not-again-for",
        "not_again_for_s",
        default="60s",
        callback=_seconds,
        help="After an alert, none of its camera for so long.",
    ),
)
_delivery = cloup.option_group(
    "Delivery",
    option(
        "--group",
        show_default="KIND-OF, for each filter and rule another",
        help="Consumer group; the sinks of one group share the records.",
    ),
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
    *,
    follow: bool = False,
) -> None:
    """Move records into the sink until SIGTERM; `target` says which of its kind it is, without a password.

    `follow` gives it tracked results and their events, where it is one of results.

    Raises SinkError and StoreRefused where trying again will not help, NameTaken and GroupLost where another has the group of a
    sink that needs it for itself, and UsageError for filters of events where none are read.
    """
    follow = follow and options.of == "results"
    if (options.only_changes or options.least_duration_s) and not follow and options.written != "events":
        raise click.UsageError("--only-changes and --least-duration are for events: give --of events, or --when")
    with QuietInterrupts():
        from ferstream.consumer.sinks.dry_run import DryRun
        from ferstream.consumer.sinks.group_lease import GroupLease
        from ferstream.consumer.sinks.sink_loop import Batching, SinkLoop, consumer_name
        from ferstream.consumer.sinks.sink_metrics import SinkMetrics
        from ferstream.consumer.subscribe.subscriber import EventSubscriber, ResultSubscriber
        from ferstream.streams.redis_client.connect import connect
        from ferstream.streams.service.health_server import StatusServer
        from ferstream.streams.service.metrics import announce
        from ferstream.streams.service.shutdown import Shutdown
        from ferstream.streams.wire.keys import Keys

    announce("fer-consumer")
    shutdown = Shutdown()
    with ExitStack() as stack:
        sink = DryRun() if options.dry_run else open_sink()
        stack.callback(sink.close)
        group = None if options.dry_run else options.group or f"{kind}-{options.purpose}"
        preparation, window_s = _preparation(options, follow=follow)
        subscribe = EventSubscriber if options.of == "events" else ResultSubscriber
        subscriber = subscribe(
            options.redis_url,
            from_=options.from_,
            cameras=options.cameras or None,
            order_window_s=window_s,
            prefix=chosen_prefix(),
            shards=options.shards,
            group=group,
            consumer=(options.consumer or consumer_name(f"{kind} {target} {options.purpose}")) if group else None,
            acknowledge_each=False,
            repeats=True,
            latecomers=True,  # what a worker that died had in hand comes seconds late: it is kept, if not followed
            block_s=min(0.5, max(0.01, options.batch_s)),
        )
        stack.callback(subscriber.close)
        loop = SinkLoop(
            subscriber,
            preparation,
            sink,
            f"{kind} {target}",
            (make_metrics or SinkMetrics)(kind, options.written),
            Batching(options.batch_entries, options.batch_s),
        )
        lease = None
        if group and (follow or options.needs_every_result):
            client = stack.enter_context(closing(connect(options.redis_url)))
            lease = GroupLease(client, Keys(chosen_prefix()), group, kind, options.of)
        status = StatusServer(
            options.metrics_host,
            options.metrics_port,
            healthy=lambda: None if lease and lease.waits_for else loop.unhealthy(),
            ready=lambda: (lease and lease.waits_for) or loop.unready(),
            other_port=options.other_port,
        )
        stack.callback(status.close)
        if lease:
            stack.enter_context(lease.held(shutdown.requested))
        loop.run(shutdown.requested)


def _preparation(options: SinkOptions, *, follow: bool) -> "tuple[Preparation, float]":
    """What is between the subscriber and the sink, and the window of time in which it needs the order of capture."""
    from ferstream.consumer.sinks.preparation import ORDER_WINDOW_S, Everything, Filter

    keep = Filter(
        frozenset(options.emotions),
        options.least_probability,
        only_changes=options.only_changes,
        least_duration_s=options.least_duration_s,
    )
    if options.of == "minutes":
        from ferstream.consumer.sinks.aggregate import MinutePreparation

        return MinutePreparation(keep, face_tracker(None), options.min_people), ORDER_WINDOW_S
    if follow or options.when is not None:
        from ferstream.consumer.rules.alerts import Alerts
        from ferstream.consumer.sinks.following import Following

        alerts = None if options.when is None else Alerts(options.when, options.not_again_for_s)
        return Following(face_tracker(None), keep, alerts, only_alerts=not follow), ORDER_WINDOW_S
    return (Everything(keep, face_tracker(None)), ORDER_WINDOW_S) if options.tracks else (Everything(keep), 0.0)
