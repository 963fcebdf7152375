"""`fer status`: how a whole deployment is, in figures, and what is wrong with it, in words."""

import json
import shutil
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand, name_variables
from ferstream.streams.service.options import chosen_prefix, server_options

if TYPE_CHECKING:
    from ferstream.consumer.deployment.deployment import DeploymentReader

#: Rates are those between two looks.
BETWEEN_LOOKS_S = 1.0
_CLEAR = "\x1b[H\x1b[2J"


@cloup.command(
    cls=FerCommand,
    log_level="warning",
    example="""\
fer-status
fer-status --watch
fer-status --json | jq .problems""",
    exits={0: "all is well", 1: "something is wrong; the lines at the end say what, and what to do"},
)
@server_options
@cloup.option_group(
    "Output",
    option("--json", "as_json", is_flag=True, help="One JSON object; with --watch one a second, each in a line."),
    option("--watch", is_flag=True, help="Look again every second, until Ctrl-C."),
)
@click.version_option(package_name="ferstream", prog_name="fer-status")
def main(redis_url: str, as_json: bool, watch: bool) -> None:
    """See how a whole deployment is, and what is wrong with it.

    Redis, cameras, workers, trackers, groups of sinks, and the account of every frame; then in words what is wrong and what to
    do. It takes a second, over which it counts. What the Redis user has no right to see is left out.
    """
    with QuietInterrupts():
        from ferstream.consumer.deployment.deployment import DeploymentReader
        from ferstream.streams.redis_client.connect import connect

    with closing(connect(redis_url)) as client:
        reader = DeploymentReader(client, chosen_prefix())
        if watch:
            _watch(reader, as_json)
        reader.read()
        time.sleep(BETWEEN_LOOKS_S)
        text, well = _look(reader, as_json)
    click.echo(text)
    sys.exit(0 if well else 1)


def _watch(reader: "DeploymentReader", as_json: bool) -> None:
    """For ever. A Redis that is away is told, and asked again."""
    from ferstream.streams.errors import StoreUnavailable

    in_place = sys.stdout.isatty() and not as_json
    while True:
        try:
            text, _ = _look(reader, as_json)
        except StoreUnavailable as error:
            text = click.style(str(error), fg="red")
            if as_json:
                click.echo(text, err=True)
                text = ""
        if text:
            click.echo((_CLEAR if in_place else "") + text + ("" if in_place or as_json else "\n"))
        time.sleep(BETWEEN_LOOKS_S)


def _look(reader: "DeploymentReader", as_json: bool) -> tuple[str, bool]:
    """What there is to print, and whether all is well."""
    from ferstream.consumer.deployment.diagnosis import diagnose
    from ferstream.consumer.deployment.status_object import status_object
    from ferstream.consumer.terminal.status_page import page

    deployment = reader.read()
    problems = diagnose(deployment)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if as_json:
        text = json.dumps(status_object(deployment, problems), ensure_ascii=False)
    else:
        text = "\n".join(page(deployment, problems, width))
    return text, not problems


name_variables(main, "FER_STATUS")


if __name__ == "__main__":
    main()
