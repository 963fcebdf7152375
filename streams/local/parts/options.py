"""Options that `fer-up` and `fer-demo` share."""

from pathlib import Path
from typing import Any

import click
import cloup
from click.core import ParameterSource
from cloup import option

from ferstream.streams.local.parts.plan import Page
from ferstream.streams.local.processes import free_port

PORT = 8080


def camera_option(instead: str) -> Any:  # noqa: ANN401 - a decorator of cloup's
    """`cameras`: URLs on the command line; the help begins with `instead`."""
    return option(
        "--camera",
        "cameras",
        multiple=True,
        metavar="NAME=URL",
        help=f"{instead}; may be repeated. A bare URL is called camera-1, and so on. @FILE reads the URL from a file (for"
        " passwords).",
    )


def page_options(command: Any) -> Any:  # noqa: ANN401 - as cloup's decorators
    """`host`, `port`, `no_page`, `open_`."""
    return cloup.option_group(
        "Page",
        option("--host", default="127.0.0.1", help="Address that the page listens on."),
        option(
            "--port",
            type=click.IntRange(0, 65535),
            default=PORT,
            show_default=f"{PORT}, or a free one where that is taken",
            help="Port of the page; 0 takes a free one.",
        ),
        option("--no-page", is_flag=True, help="Serve no page."),
        option("--open", "open_", is_flag=True, help="Open the page in this machine's browser."),
    )(command)


def planned_page(ctx: click.Context, host: str, port: int, users: Path | None = None) -> Page:
    """The page, on a port that is free now. Raises UsageError where the port that was chosen is taken."""
    chosen = ctx.get_parameter_source("port") is not ParameterSource.DEFAULT
    return Page(host, _free_port(ctx, host, port, chosen=chosen), users)


def _free_port(ctx: click.Context, host: str, port: int, *, chosen: bool) -> int:
    """The port, or a free one where that is taken and nobody has `chosen` it. Raises UsageError."""
    try:
        return free_port(host, port)
    except (OSError, UnicodeError, OverflowError) as error:
        try:
            if chosen:
                raise
            return free_port(host)
        except (OSError, UnicodeError, OverflowError):
            raise click.UsageError(f"the page cannot listen on {host}:{port}: {error}", ctx) from None
