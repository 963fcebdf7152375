"""`fer-consumer cameras`: what producers say of their cameras."""

from contextlib import closing

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand
from ferstream.streams.service.options import chosen_prefix, server_options


@cloup.command(cls=FerCommand, example="fer-consumer cameras")
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
