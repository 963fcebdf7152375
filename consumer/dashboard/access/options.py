"""The options of `fer-dashboard run` that say who may look."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import cloup
from cloup import option

F = TypeVar("F", bound=Callable[..., Any])

ACCESS = "Who may look"
_file = click.Path(path_type=Path, dir_okay=False)


def access_options(command: F) -> F:
    """The fields of DashboardSettings that say who may look."""
    return cloup.option_group(
        ACCESS,
        option("--users", "users_file", type=_file, help="File of people, which `fer-dashboard user add` writes."),
        option("--token-file", type=_file, help="File that holds a token: ?token=... in the first address, or a bearer's."),
        option(
            "--token-role",
            type=click.Choice(["watcher", "viewer", "admin"]),
            default="viewer",
            help="What the token lets one do.",
        ),
        option("--proxy-header", metavar="NAME", help="Header in which a trusted proxy names who looks: X-Forwarded-User."),
        option(
            "--trust-proxy",
            "trusted_proxies",
            multiple=True,
            metavar="ADDRESS",
            help="Address or network of that proxy, or of one whose X-Forwarded-For is believed; may be repeated.",
        ),
        option(
            "--origin",
            "origins",
            multiple=True,
            metavar="URL",
            help="Another address of the page, behind a proxy: https://faces.example.org; may be repeated.",
        ),
        option(
            "--session-secret-file",
            "secret_file",
            type=_file,
            show_default="drawn at each start",
            help="File that holds what signs cookies: with it, people stay logged in over a restart.",
        ),
        option(
            "--session-hours",
            "session_s",
            type=click.FloatRange(0.1, 24 * 366),
            default=12.0,
            callback=lambda _ctx, _param, hours: hours * 3600,
            metavar="NUMBER",
            help="Hours after which people log in again; many for a screen on a wall.",
        ),
        option("--tls-cert", type=_file, help="Certificate (PEM, with its chain): the page is served by HTTPS."),
        option("--tls-key", type=_file, help="Its private key (PEM)."),
    )(command)
