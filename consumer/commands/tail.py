"""`fer-consumer tail`: results on a terminal."""

import shutil
import sys

import click
import cloup
from cloup import option

from ferstream.consumer.commands.options import face_tracker, shards_option
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand
from ferstream.streams.service.options import chosen_prefix, server_options


@cloup.command(
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
    option(
        "--lines-a-second",
        type=click.IntRange(1),
        show_default="all",
        help="Print no more lines a second, for eyes; the others are left out.",
    ),
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
    lines_a_second: int | None,
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
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    style = Style(as_json=as_json, show_all=show_all, count=count, events=tracks, width=width, lines_a_second=lines_a_second)
    with subscriber, SilenceHint(redis_url, chosen_prefix(), cameras, show_all) as hint:
        print_results(subscriber.deliveries(), style, tracker, hint.line)
