"""`fer-dashboard`: the page, and who may see it."""

import logging
import webbrowser
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import cloup
from click.core import ParameterSource
from cloup import option

from ferstream.consumer.commands.options import shards_option
from ferstream.consumer.dashboard.access.options import access_options
from ferstream.consumer.dashboard.access.people.user_commands import user
from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand, FerGroup, name_variables
from ferstream.streams.service.options import chosen_prefix, metrics_options, server_options

#: The page's own port.
PORT = 8080


@cloup.group(cls=FerGroup, example="fer-dashboard run --open")
@click.version_option(package_name="ferstream", prog_name="fer-dashboard")
def main() -> None:
    """Serve a page that shows it live: cameras, faces, events, and how the deployment is.

    What the page shows, other programs get as an API.
    """


@cloup.command(
    cls=FerCommand,
    example="""\
fer-dashboard run --open
fer-dashboard run --redis redis://10.0.0.5:6379/0 --cameras cameras.yaml""",
    exits=SERVICE_EXITS,
)
@server_options
@shards_option
@cloup.option_group(
    "Page",
    option("--host", default="127.0.0.1", help="Address to listen on."),
    option(
        "--port",
        type=click.IntRange(0, 65535),
        default=PORT,
        show_default=f"{PORT}, or a free one where that is taken",
        help="Port of the page; 0 takes a free one.",
    ),
    option("--open", "open_", is_flag=True, help="Open the page in this machine's browser."),
    option(
        "--cameras",
        "cameras_file",
        type=click.Path(path_type=Path, dir_okay=False),
        show_default="none can be changed",
        help="Cameras file that an admin may change on the page.",
    ),
    option("--pictures/--no-pictures", default=True, help="Show pictures, of workers with --previews."),
    option("--browser-camera/--no-browser-camera", default=True, help="Take frames of browsers' cameras, as a producer does."),
)
@access_options
@metrics_options(9107)
def run(
    metrics_host: str,
    metrics_port: int,
    other_port: bool,
    open_: bool,
    **options: Any,  # noqa: ANN401 - what click checked, for DashboardSettings
) -> None:
    """Serve the page until SIGTERM or Ctrl-C. Redis may come later, and go and come back."""
    with QuietInterrupts():
        from ferstream.streams.service.health_server import StatusServer
        from ferstream.streams.service.metrics import announce
        from ferstream.streams.service.shutdown import Shutdown

        try:
            from ferstream.consumer.dashboard.server import build_app
            from ferstream.consumer.dashboard.service import address_of, check_redis, listen, make_server, serve
            from ferstream.consumer.dashboard.settings import DashboardSettings
        except ModuleNotFoundError as error:
            raise FerstreamError(f"the page needs {error.name}: {how_to_install('dashboard')}") from error

    announce("fer-dashboard")
    shutdown = Shutdown()
    settings = DashboardSettings(prefix=chosen_prefix(), **options)
    with ExitStack() as stack:
        check_redis(settings)
        any_port = click.get_current_context().get_parameter_source("port") is ParameterSource.DEFAULT
        listening = stack.enter_context(listen(settings.host, settings.port, other_port=any_port))
        app = build_app(replace(settings, port=listening.getsockname()[1]))
        hub = app.state.hub
        status = StatusServer(metrics_host, metrics_port, healthy=hub.unhealthy, ready=hub.unready, other_port=other_port)
        stack.callback(status.close)
        log = logging.getLogger(__name__)
        log.info("metrics on port %d", status.port)
        address = address_of(settings, listening)
        log.info("the page is at %s", address)
        if open_:
            webbrowser.open(address)
        serve(make_server(app, settings), listening, shutdown)


main.add_command(run)
main.add_command(user)
name_variables(main, "FER_DASHBOARD")
