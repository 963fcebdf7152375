"""`fer-demo`: what `fer-up` runs, with the demo's cameras, for a while, and with an account at the end."""

import math
from typing import Any

import click
import cloup
from cloup import option

from ferstream.streams.local.cores import share_cores, usable_cores
from ferstream.streams.local.parts.board import Board
from ferstream.streams.local.parts.camera_list import CameraList, named
from ferstream.streams.local.parts.machine import Machine
from ferstream.streams.local.parts.options import camera_option, page_options, planned_page
from ferstream.streams.local.parts.plan import Plan
from ferstream.streams.programs import INTERRUPTED
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand, name_variables

#: Both people, mirrored, one of them, and both again, later: a wall that does not look the same four times.
CAMERAS = ("demo-1=portraits:", "demo-2=portraits:1", "demo-3=portraits:2", "demo-4=portraits:4")
#: Frames a second of all of them that a core answers, beside what makes the pictures.
_FRAMES_A_CORE = 12


@cloup.command(
    cls=FerCommand,
    log_level="warning",
    example="""\
fer-demo
fer-demo --camera desk=webcam:0 --forever --open
fer-demo --camera @door.url --seconds 60""",
    exits={
        0: "done, or ended by Ctrl-C while it ran: every frame is accounted for, and faces were found",
        1: "a frame is not accounted for, or no face was found, also where Ctrl-C ended it",
        INTERRUPTED: "ended by Ctrl-C while it started",
        143: SERVICE_EXITS[143],
    },
    context_settings={"auto_envvar_prefix": "FER_DEMO"},
)
@cloup.option_group("Cameras", camera_option("Camera to use instead of the demo's"))
@page_options
@cloup.option_group(
    "Running",
    option("--workers", type=click.IntRange(1, 16), default=1, help="Worker processes."),
    option("--seconds", type=click.FloatRange(1), default=20.0, help="How long to run after the first result."),
    option("--patience", "patience_s", type=click.FloatRange(1), default=60.0, help="Seconds to wait for the first result."),
    option("--forever", is_flag=True, help="Go on until Ctrl-C, then add up as otherwise."),
    option("--json", "as_json", is_flag=True, help="Print the results and the summary as JSON lines."),
)
@click.version_option(package_name="ferstream", prog_name="fer-demo")
@click.pass_context
def main(
    ctx: click.Context,
    /,
    cameras: tuple[str, ...],
    no_page: bool,
    open_: bool,
    workers: int,
    seconds: float,
    patience_s: float,
    forever: bool,
    as_json: bool,
    **_page: Any,  # noqa: ANN401 - for planned_page
) -> None:
    """Watch real faces go through the whole path: camera, Redis, worker, subscriber, page.

    Exit status 0 only if every frame is accounted for and faces were classified. Its Redis is its own, and gone at the end.
    """
    plan = Plan(
        cameras=CameraList(named(cameras)) if cameras else CameraList(CAMERAS, fps=demo_fps()),
        workers=share_cores(workers),
        redis_url=None,
        prefix="fer",
        page=None if no_page else planned_page(ctx),
        seconds=math.inf if forever else seconds,
        patience_s=math.inf if forever else patience_s,
        open=open_,
        faces=True,
        as_json=as_json,
    )
    board = Board(ctx.meta["log_format"])
    ran = Machine(plan, board).run()
    if ran is None or not ran.any_result:
        ctx.exit(INTERRUPTED)
    ran.tell(as_json=as_json)
    if not (as_json or forever or no_page):
        board.say("page", "it is gone now: fer-demo --forever keeps it open (make demo ARGS=--forever)", "good")
    ctx.exit(0 if ran.faces and ran.balances else 1)


def demo_fps() -> float:
    """Frames a second of each of the demo's cameras that this machine keeps up with."""
    return max(2.0, min(15.0, _FRAMES_A_CORE * usable_cores() / len(CAMERAS)))


name_variables(main, "FER_DEMO")
