"""`fer-consumer audit`: who looked at what."""

from contextlib import closing

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand
from ferstream.streams.service.options import chosen_prefix, server_options


@cloup.command(cls=FerCommand, example="fer-consumer audit --camera door --json")
@server_options
@cloup.option_group(
    "Lines",
    option("--camera", "camera_id", show_default="all", help="Only subscribers that could see this camera."),
    option("--count", type=click.IntRange(1), default=100, help="The newest so many of them are looked through."),
)
@cloup.option_group("Output", option("--json", "as_json", is_flag=True, help="One subscriber a line, as JSON."))
def audit(redis_url: str, camera_id: str | None, count: int, as_json: bool) -> None:
    """Show which subscribers have started: who, where, with what program, and for which cameras.

    A person who looked at pictures on the page has a line too, for each camera once in ten minutes: READS is pictures then.
    It is what subscribers say of themselves, and Redis keeps the newest 10,000 lines. One without the right to write there
    is missing: Redis's own users (ACL) decide who may read.
    """
    with QuietInterrupts():
        from ferstream.consumer.subscribe.audit import read_lines
        from ferstream.consumer.terminal.audit_table import audit_json, audit_table
        from ferstream.streams.redis_client.connect import connect
        from ferstream.streams.wire.keys import Keys

    with closing(connect(redis_url)) as client:
        lines = read_lines(client, Keys(chosen_prefix()), count)
    chosen = [(at, line) for at, line in lines if camera_id is None or line.cameras is None or camera_id in line.cameras]
    if not chosen and not as_json:
        click.echo("no subscriber has started since Redis did, or none that could write so", err=True)
        return
    if shown := audit_json(chosen) if as_json else audit_table(chosen):
        click.echo("\n".join(shown))
