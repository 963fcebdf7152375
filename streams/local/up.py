"""`fer-up`: everything on one machine, each part a process that is watched, with one log and a page."""

import math
from pathlib import Path
from typing import Any

import click
import cloup
from cloup import option

from ferstream.streams.local.cores import share_cores
from ferstream.streams.local.parts.board import Board
from ferstream.streams.local.parts.camera_list import CameraList, named
from ferstream.streams.local.parts.machine import Machine
from ferstream.streams.local.parts.options import camera_option, page_options, planned_page
from ferstream.streams.local.parts.plan import SINKS, Plan, Sink
from ferstream.streams.programs import INTERRUPTED
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand, name_variables
from ferstream.streams.service.options import chosen_prefix, own_server_options


class SinkType(click.ParamType):  # type: ignore[type-arg]
    """KIND:TARGET, and options of `fer-consumer sink KIND` behind it."""

    name = "KIND:TARGET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Sink:  # noqa: ANN401
        try:
            return value if isinstance(value, Sink) else Sink.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class WorkersType(click.IntRange):
    """A number, or `auto` for None."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        return None if value == "auto" else super().convert(value, param, ctx)


@cloup.command(
    cls=FerCommand,
    log_level="warning",
    example="""\
fer-up --cameras cameras.yaml --open
fer-up --camera desk=webcam:0 --sink sqlite:results.db
fer-up --cameras cameras.yaml --redis redis://10.0.0.5:6379/0 --workers 2 --host 0.0.0.0 --users users.txt""",
    exits={
        **SERVICE_EXITS,
        1: "a part could not be kept running, a frame is not accounted for, or the Redis of its own ended",
    },
    context_settings={"auto_envvar_prefix": "FER_UP"},
)
@cloup.option_group(
    "Cameras",
    option(
        "--cameras",
        "cameras_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="cameras.yaml, read again when it changes and on SIGHUP; admins change it on the page.",
    ),
    camera_option("A camera"),
)
@own_server_options
@cloup.option_group(
    "Parts",
    option(
        "--workers",
        type=WorkersType(1, 64),
        default="auto",
        metavar="N|auto",
        help="Worker processes; auto is one for each 8 cores.",
    ),
    option(
        "--sink",
        "sinks",
        type=SinkType(),
        multiple=True,
        help=f"Keep or send results ({', '.join(SINKS)}); may be repeated. Options of fer-consumer sink may follow in quotes:"
        " 'sqlite:results.db --keep-days 30'. Of an URL, @FILE reads it from a file.",
    ),
    option("--no-track", is_flag=True, help="Follow no faces: there are no events then."),
)
@page_options
@cloup.option_group(
    "Output",
    option("--json", "as_json", is_flag=True, help="Print the page's address and the account as JSON lines."),
)
@click.version_option(package_name="ferstream", prog_name="fer-up")
@click.pass_context
def main(
    ctx: click.Context,
    /,
    cameras: tuple[str, ...],
    cameras_file: Path | None,
    redis_url: str | None,
    workers: int | None,
    sinks: tuple[Sink, ...],
    no_track: bool,
    no_page: bool,
    open_: bool,
    as_json: bool,
    **_page: Any,  # noqa: ANN401 - for planned_page
) -> None:
    """Run everything on this machine, with a page: Redis, cameras, workers, tracker, sinks.

    A part that ends is started again. Ctrl-C or SIGTERM ends all in the order of a frame's way, a second one at once. SIGHUP
    reads the cameras again. A part's own options are set by its variables: FER_WORKER_DEVICE, say. Without --redis all that is
    not in a sink is gone at the end.
    """
    if no_page and not cameras and cameras_file is None:
        raise click.UsageError("no camera: give --camera NAME=URL or --cameras cameras.yaml", ctx)
    plan = Plan(
        cameras=CameraList(named(cameras), cameras_file),
        workers=share_cores(workers),
        redis_url=redis_url,
        prefix=chosen_prefix(),
        page=None if no_page else planned_page(ctx),
        seconds=math.inf,
        patience_s=math.inf,
        open=open_,
        track=not no_track,
        sinks=sinks,
        as_json=as_json,
    )
    ran = Machine(plan, Board(ctx.meta["log_format"])).run()
    if ran is None:
        ctx.exit(INTERRUPTED)
    ran.tell(as_json=as_json)
    ctx.exit(0 if ran.balances and not ran.gave_up else 1)


name_variables(main, "FER_UP")
