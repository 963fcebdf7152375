"""`fer-consumer top`: the faces that are seen now."""

import click
import cloup
from cloup import option

from ferstream.consumer.commands.options import face_tracker, shards_option
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand
from ferstream.streams.service.options import chosen_prefix, server_options


@cloup.command(
    cls=FerCommand,
    log_level="error",
    example="""\
fer-consumer top
fer-consumer top --camera door --camera hall""",
)
@server_options
@shards_option
@cloup.option_group(
    "Results",
    option("--camera", "cameras", multiple=True, show_default="all", help="Only this camera; may be repeated."),
    option("--smooth", "smooth_s", type=click.FloatRange(0), help="Smooth over so many seconds (time constant)."),
    option("--count", type=click.IntRange(1), help="End after so many tables."),
    option("--idle-timeout", "idle_timeout_s", type=click.FloatRange(0.01), help="End after so many seconds with nothing."),
)
def top(
    redis_url: str,
    shards: int | None,
    cameras: tuple[str, ...],
    smooth_s: float | None,
    count: int | None,
    idle_timeout_s: float | None,
) -> None:
    """See who is there now: one row a face, in place, until Ctrl-C; and below, what is wrong.

    A face keeps its number while it is seen. FOR is how long it has been there, SIZE its width in pixels. Into a pipe goes a
    table every second.
    """
    with QuietInterrupts():
        from rich.console import Console

        from ferstream.consumer.subscribe.subscriber import ResultSubscriber
        from ferstream.consumer.terminal.face_board import FaceBoard
        from ferstream.consumer.terminal.tail import TRACKING_WINDOW_S
        from ferstream.consumer.terminal.top import DRAW_EVERY_S, Problems, show

    subscriber = ResultSubscriber(
        redis_url,
        cameras=cameras or None,
        order_window_s=TRACKING_WINDOW_S,
        prefix=chosen_prefix(),
        shards=shards,
        idle_timeout_s=idle_timeout_s,
        block_s=DRAW_EVERY_S,
    )
    console = Console(highlight=False, no_color=click.get_current_context().color is False or None)
    with subscriber, Problems(redis_url, chosen_prefix()) as problems:
        show(subscriber, FaceBoard(face_tracker(smooth_s)), problems, console, count)
