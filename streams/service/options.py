"""Options that several programs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
import cloup
from click.core import ParameterSource

from ferstream.streams.service.command import LOGS
from ferstream.streams.service.environment import preferred
from ferstream.streams.service.named_file import NamedFileError, read_secret
from ferstream.streams.wire.keys import Keys

F = TypeVar("F", bound=Callable[..., Any])

USUAL_REDIS = "redis://127.0.0.1:6379/0"


def server_options(command: F) -> F:
    """`redis_url`, and --prefix for `chosen_prefix`."""
    return _server_options(command, USUAL_REDIS, show_default=True)


def own_server_options(command: F) -> F:
    """As `server_options`; `redis_url` is None where nobody gave one."""
    return _server_options(command, None, show_default="a server of its own, gone at the end")


def _server_options(command: F, default: str | None, *, show_default: str | bool) -> F:
    return cloup.option_group(
        "Redis",
        cloup.option(
            "--redis",
            "redis_url",
            default=default,
            show_default=show_default,
            callback=_choose_redis,
            help="Redis to use: redis://, rediss:// (TLS), unix:// or redis+cluster:// URL.",
        ),
        cloup.option(
            "--redis-url-file",
            type=click.Path(path_type=Path, dir_okay=False),
            callback=_keep,
            expose_value=False,
            is_eager=True,
            help="File that holds the Redis URL (for passwords).",
        ),
        cloup.option(
            "--prefix", default="fer", callback=_keep, expose_value=False, is_eager=True, help="Prefix of every key in Redis."
        ),
    )(command)


def chosen_prefix() -> str:
    """The --prefix of the running command."""
    return str(click.get_current_context().meta["prefix"])


def redis_options(command: F) -> F:
    """`redis_url`, `keys` (from --prefix and --shards) and `group`."""

    def with_keys(ctx: click.Context, _param: click.Parameter, shards: int) -> int:
        ctx.params["keys"] = Keys(ctx.meta["prefix"], shards)
        return shards

    command = cloup.option_group(
        "Redis",
        cloup.option(
            "--shards",
            type=click.IntRange(1),
            default=1,
            callback=with_keys,
            expose_value=False,
            help="Shards of the deployment; the first process that starts fixes it.",
        ),
        cloup.option("--group", default="workers", help="Consumer group of the workers."),
    )(command)
    return server_options(command)


def trace_options(command: F) -> F:
    """`trace_endpoint`."""
    return cloup.option_group(
        LOGS,
        cloup.option(
            "--trace-endpoint",
            metavar="URL",
            callback=_check_collector,
            help="Send OpenTelemetry traces of sampled frames to this OTLP/HTTP collector (http://collector:4318, say).",
        ),
    )(command)


def metrics_options(port: int) -> Callable[[F], F]:
    """`metrics_host`, `metrics_port`, and `other_port`: whether another one does, where that is taken and nobody asked for it."""

    def with_other_port(ctx: click.Context, param: click.Parameter, chosen: int) -> int:
        ctx.params["other_port"] = ctx.get_parameter_source(str(param.name)) is ParameterSource.DEFAULT
        return chosen

    return cloup.option_group(
        LOGS,
        cloup.option(
            "--metrics-port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=f"{port}, or a free one where that is taken",
            callback=with_other_port,
            help="Port of /metrics, /healthz and /readyz; 0 takes a free one.",
        ),
        # It names cameras and says how busy a house is: who is to see that from elsewhere is said, not taken for granted.
        cloup.option(
            "--metrics-host",
            default="127.0.0.1",
            help="Address of /metrics, /healthz and /readyz; 0.0.0.0 where Prometheus or a probe comes from another machine.",
        ),
    )


def _check_collector(_ctx: click.Context, _param: click.Parameter, url: str | None) -> str | None:
    try:
        parts = urlsplit(url or "http://none")
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that does not close
        right = False
    if not right:
        raise click.BadParameter("it must be an http:// or https:// URL, for instance http://collector:4318")
    return url


def _keep(ctx: click.Context, param: click.Parameter, value: object) -> object:
    ctx.meta[str(param.name)] = value
    return value


def _choose_redis(ctx: click.Context, param: click.Parameter, url: str | None) -> str | None:
    """The URL of --redis, or what --redis-url-file holds."""
    if preferred(ctx, str(param.name), "redis_url_file") == param.name:
        return url
    try:
        return read_secret(ctx.meta["redis_url_file"], "the Redis URL")
    except NamedFileError as error:
        raise click.BadParameter(str(error), param_hint="--redis-url-file") from error
