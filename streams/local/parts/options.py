"""Options that `fer-up` and `fer-demo` share."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click
import cloup
from click.core import ParameterSource
from cloup import option

from ferstream.streams.local.parts.plan import Page
from ferstream.streams.local.processes import free_port

PORT = 8080
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
#: Variables of the page by which it asks who looks, beside our own options.
_ASKS = ("FER_DASHBOARD_USERS", "FER_DASHBOARD_TOKEN_FILE", "FER_DASHBOARD_PROXY_HEADER")


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
    """`host`, `port`, `no_page`, `open_`, and who may see it: `users`, `token_file`, `token_role`."""
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
        option("--users", type=_FILE, help="Who may see it: a file of fer-dashboard user."),
        option("--token-file", type=_FILE, help="Who may see it: whoever has the token in this file."),
        option(
            "--token-role",
            type=click.Choice(["watcher", "viewer", "admin"]),
            default="viewer",
            help="What the token lets one do.",
        ),
    )(command)


def planned_page(ctx: click.Context) -> Page:
    """The page that its options ask for, on a port that is free now.

    Raises UsageError where the port that was chosen is taken, or everybody could look from elsewhere.
    """
    host, port = ctx.params["host"], ctx.params["port"]
    users, token = ctx.params["users"], ctx.params["token_file"]
    if not (users or token or _is_loopback(host) or any(map(os.environ.get, _ASKS))):
        raise click.UsageError(
            f"with --host {host} everybody who reaches this machine could look: give --users FILE (fer-dashboard user add NAME "
            "--role viewer --users FILE) or --token-file FILE; or stay on 127.0.0.1 and come by `ssh -L`",
            ctx,
        )
    chosen = ctx.get_parameter_source("port") is not ParameterSource.DEFAULT
    found = _free_port(ctx, host, port, chosen=chosen)
    return Page(host, found, users, token, ctx.params["token_role"], taken=port if port not in (0, found) else None)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


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
