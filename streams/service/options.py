"""Command-line options that every program shares, and how a command ends when something is wrong."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import click

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.logs import logs_json
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

#: Exit statuses: 0 done, 1 failed while running, 2 wrong usage or configuration, 3 a server, model or camera cannot be used.
EXIT_UNUSABLE = 3

CONTEXT = {"show_default": True, "help_option_names": ["-h", "--help"], "max_content_width": 110}


class Failure(click.ClickException):
    """One clear line: on the terminal as click writes it, or as a log line where the log is JSON."""

    exit_code = EXIT_UNUSABLE

    def show(self, file: IO[Any] | None = None) -> None:
        if logs_json():
            log.error("%s", self.message)
        else:
            super().show(file)


class FerGroup(click.Group):
    """A group of commands whose FerstreamErrors end as one clear line and exit status 3, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        try:
            return super().invoke(ctx)
        except FerstreamError as error:
            raise Failure(str(error)) from error


def name_variables(group: click.Group, prefix: str) -> None:
    """Give every option of the group's commands its variable in the environment: PREFIX_OPTION, the same for all commands."""
    for command in group.commands.values():
        for option in command.params:
            if isinstance(option, click.Option):
                option.envvar = f"{prefix}_{option.opts[0].lstrip('-').replace('-', '_').upper()}"


def server_options(command: F) -> F:
    """`redis_url`, and --prefix for `chosen_prefix`."""
    for option in (
        click.option(
            "--prefix",
            default="fer",
            is_eager=True,
            callback=_keep_prefix,
            expose_value=False,
            help="Prefix of every key in Redis.",
        ),
        click.option(
            "--redis-url-file",
            type=click.Path(path_type=Path, dir_okay=False),
            callback=_read_secret,
            expose_value=False,
            is_eager=True,
            help="File that holds the Redis URL (for passwords).",
        ),
        click.option(
            "--redis",
            "redis_url",
            default="redis://127.0.0.1:6379/0",
            callback=_prefer_secret,
            show_default=True,
            help="Redis to use: redis://, rediss:// (TLS), unix:// or redis+cluster:// URL.",
        ),
    ):
        command = option(command)
    return command


def chosen_prefix() -> str:
    """The --prefix of the running command."""
    return str(click.get_current_context().meta["prefix"])


def redis_options(command: F) -> F:
    """`redis_url`, `keys` (from --prefix and --shards) and `group`."""

    def with_keys(ctx: click.Context, _param: click.Parameter, shards: int) -> int:
        ctx.params["keys"] = Keys(ctx.meta["prefix"], shards)
        return shards

    for option in (
        click.option(
            "--shards",
            type=click.IntRange(1),
            default=1,
            callback=with_keys,
            expose_value=False,
            help="Shards of the deployment; the first process that starts fixes it.",
        ),
        click.option("--group", default="workers", help="Consumer group of the workers."),
    ):
        command = option(command)
    return server_options(command)


def log_options(command: F) -> F:
    """`log_level` and `log_format`."""
    command = click.option(
        "--log-format",
        type=click.Choice(["auto", "text", "json"]),
        default="auto",
        help="Log lines as text (coloured on a terminal) or JSON.",
    )(command)
    return click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        help="Least level that is logged.",
    )(command)


def trace_options(command: F) -> F:
    """`trace_endpoint`."""
    return click.option(
        "--trace-endpoint",
        metavar="URL",
        callback=_check_collector,
        help="Send OpenTelemetry traces of sampled frames to this OTLP/HTTP collector (http://collector:4318, say).",
    )(command)


def metrics_options(port: int) -> Callable[[F], F]:
    """`metrics_host` and `metrics_port`."""

    def decorate(command: F) -> F:
        command = click.option("--metrics-host", default="0.0.0.0", help="Address of /metrics, /healthz and /readyz.")(
            command
        )  # Prometheus scrapes from elsewhere
        return click.option(
            "--metrics-port",
            type=click.IntRange(0, 65535),
            default=port,
            help="Port of /metrics, /healthz and /readyz; 0 takes a free one.",
        )(command)

    return decorate


def _check_collector(_ctx: click.Context, _param: click.Parameter, url: str | None) -> str | None:
    try:
        parts = urlsplit(url or "http://none")
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that does not close
        right = False
    if not right:
        raise click.BadParameter("it must be an http:// or https:// URL, for instance http://collector:4318")
    return url


def _keep_prefix(ctx: click.Context, _param: click.Parameter, prefix: str) -> str:
    ctx.meta["prefix"] = prefix
    return prefix


def _read_secret(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    try:
        url = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"cannot read {path}: {getattr(error, 'strerror', 'it is not UTF-8 text')}") from error
    if not url:
        raise click.BadParameter(f"{path} is empty: it must hold the Redis URL")
    ctx.meta["redis_url"] = url


def _prefer_secret(ctx: click.Context, _param: click.Parameter, url: str) -> str:
    return str(ctx.meta.get("redis_url", url))
