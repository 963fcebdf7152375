"""The options that say which cameras there are, and how they are read and written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import cloup

from ferstream.producer.config.camera_config import COMMON_NAMES, RANGES, CameraSettings
from ferstream.producer.config.camera_list import CameraList
from ferstream.producer.config.partition import Partition
from ferstream.producer.errors import ConfigError
from ferstream.streams.service.environment import preferred

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULTS = CameraSettings()


def _number(name: str) -> "click.ParamType[Any]":
    least, most = RANGES[name]
    if isinstance(getattr(_DEFAULTS, name), int):
        return click.IntRange(int(least), int(most))
    return click.FloatRange(least, most)


def camera_options(command: F) -> F:
    """--camera, --cameras, and what holds for all of them: `camera_list` takes them out of what a command was given."""

    option = cloup.option
    for group in (
        cloup.option_group(
            "Cameras",
            option(
                "--camera",
                "arguments",
                multiple=True,
                metavar="NAME=URL",
                help="A camera; may be repeated. NAME=@FILE reads the URL from a file's first line (for passwords).",
            ),
            option(
                "--cameras",
                "file",
                type=click.Path(path_type=Path),
                help="cameras.yaml, read again when it changes and on SIGHUP.",
            ),
            option(
                "--partition",
                metavar="I/N",
                callback=_partition,
                help="Read the cameras of part I of N only, counted from 0; NAME-I/N, as a pod is named, is understood.",
            ),
            # What --partition was called up to 0.2.
            option("--camera-shard", hidden=True, is_eager=True, expose_value=False, callback=_keep),
        ),
        cloup.option_group(
            "Reading",
            option("--fps", type=_number("fps"), default=_DEFAULTS.fps, help="Frame-rate cap; the newest frame is kept."),
            option(
                "--realtime/--as-fast-as-possible",
                default=_DEFAULTS.realtime,
                help="Play files by their own clock, or as fast as workers keep up, with no frame dropped and no frame-rate cap.",
            ),
            option("--loop/--no-loop", default=_DEFAULTS.loop, help="Begin files and folders again at their end."),
            option(
                "--stall-after",
                "stall_after_s",
                type=_number("stall_after_s"),
                default=_DEFAULTS.stall_after_s,
                help="Seconds without a frame after which to reconnect.",
            ),
            option(
                "--frozen-after",
                "frozen_after_s",
                type=_number("frozen_after_s"),
                default=_DEFAULTS.frozen_after_s,
                help="Seconds of the same picture after which a camera is called frozen.",
            ),
        ),
        cloup.option_group(
            "Files, with --as-fast-as-possible",
            option("--every", type=_number("every"), default=_DEFAULTS.every, help="Only each frame of this number."),
            option(
                "--from",
                "from_s",
                type=_number("from_s"),
                default=_DEFAULTS.from_s,
                help="Where to begin, in seconds of the file.",
            ),
            option("--to", "to_s", type=_number("to_s"), show_default="the end", help="Second of the file to end before."),
            option(
                "--frame-numbers/--running-numbers",
                default=_DEFAULTS.frame_numbers,
                help="A frame's sequence is its number in the file, from 0, or grows over all runs.",
            ),
        ),
        cloup.option_group(
            "Frames in Redis",
            option(
                "--max-side",
                type=_number("max_side"),
                default=_DEFAULTS.max_side,
                help="Longest side that is written, in pixels.",
            ),
            option("--jpeg-quality", type=_number("jpeg_quality"), default=_DEFAULTS.jpeg_quality, help="JPEG quality."),
            option(
                "--budget-bytes",
                type=_number("budget_bytes"),
                default=_DEFAULTS.budget_bytes,
                help="Bytes of one camera that may wait in Redis.",
            ),
            option(
                "--freshness",
                "freshness_s",
                type=_number("freshness_s"),
                show_default="5; 3600 with --as-fast-as-possible",
                help="Seconds after which a frame is not worth computing.",
            ),
        ),
    )[::-1]:
        command = group(command)
    return command


def camera_list(given: dict[str, Any]) -> CameraList:
    """Take the camera options out of `given`. Raises ConfigError where they name no camera."""
    arguments, file = given.pop("arguments"), given.pop("file")
    defaults = CameraSettings(**{name: given.pop(name) for name in COMMON_NAMES})
    if not arguments and file is None:
        raise ConfigError("no camera: give --camera NAME=URL or --cameras cameras.yaml")
    return CameraList(arguments, file, defaults)


def _keep(ctx: click.Context, param: click.Parameter, text: str | None) -> None:
    ctx.meta[str(param.name)] = text


def _partition(ctx: click.Context, param: click.Parameter, text: str | None) -> Partition | None:
    if preferred(ctx, str(param.name), "camera_shard") == "camera_shard":
        text = ctx.meta["camera_shard"]
    return Partition.parse(text) if text is not None else None
