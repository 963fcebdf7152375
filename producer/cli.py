"""`fer-producer`: cameras in, frames out."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
import cloup

from ferstream.producer.config.camera_config import COMMON_NAMES, RANGES, CameraConfig, CameraSettings
from ferstream.producer.config.cameras_file import camera_from_argument, read_cameras_file, refuse_duplicates
from ferstream.producer.config.partition import Partition
from ferstream.producer.errors import ConfigError
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import LOGS, SERVICE_EXITS, FerCommand, FerGroup, name_variables
from ferstream.streams.service.environment import preferred
from ferstream.streams.service.options import metrics_options, redis_options, trace_options

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULTS = CameraSettings()


def _number(name: str) -> "click.ParamType[Any]":
    least, most = RANGES[name]
    if isinstance(getattr(_DEFAULTS, name), int):
        return click.IntRange(int(least), int(most))
    return click.FloatRange(least, most)


def camera_options(command: F) -> F:
    """`cameras`: a function that gives the list, from --camera, --cameras and what holds for all of them."""

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
            option("--cameras", "file", type=click.Path(path_type=Path), help="cameras.yaml, read again on SIGHUP."),
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


def _reader(given: dict[str, Any]) -> Callable[[], list[CameraConfig]]:
    """Take the camera options out of `given`; the function reads the file anew each time."""
    arguments, file = given.pop("arguments"), given.pop("file")
    defaults = CameraSettings(**{name: given.pop(name) for name in COMMON_NAMES})
    if not arguments and file is None:
        raise ConfigError("no camera: give --camera NAME=URL or --cameras cameras.yaml")

    def read() -> list[CameraConfig]:
        cameras = [camera_from_argument(argument, defaults) for argument in arguments]
        cameras += read_cameras_file(file, defaults) if file is not None else []
        refuse_duplicates(cameras)
        return cameras

    return read


def _keep(ctx: click.Context, param: click.Parameter, text: str | None) -> None:
    ctx.meta[str(param.name)] = text


def _partition(ctx: click.Context, param: click.Parameter, text: str | None) -> Partition | None:
    if preferred(ctx, str(param.name), "camera_shard") == "camera_shard":
        text = ctx.meta["camera_shard"]
    return Partition.parse(text) if text is not None else None


class _Group(FerGroup):
    """Ends with exit status 2, wrong usage, where cameras are configured wrongly."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if isinstance(error.__cause__, ConfigError):
                error.exit_code = 2  # type: ignore[misc]
            raise


_EXITS = {1: "a camera could not be read"}


@cloup.group(cls=_Group, example="fer-producer run --camera door=@/run/secrets/door", exits=_EXITS)
@click.version_option(package_name="ferstream", prog_name="fer-producer")
def main() -> None:
    """Read cameras and push their frames into Redis.

    A camera is an rtsp://, rtsps://, http:// or https:// URL, a video file, a folder of pictures, webcam:0, or portraits: (a
    synthetic camera with real faces; portraits:1, portraits:2 and so on differ). An URL with a password belongs into a file:
    what is on a command line, every user of the machine can read.
    """


@main.command(
    cls=FerCommand,
    example="""\
fer-producer run --camera door=rtsp://10.0.0.5/stream1 --camera desk=webcam:0
fer-producer run --cameras cameras.yaml --redis-url-file /run/secrets/redis_url""",
    exits={**SERVICE_EXITS, **_EXITS},
)
@camera_options
@redis_options
@cloup.option_group(
    "Running",
    cloup.option("--stay", is_flag=True, help="Go on after every file has ended."),
    cloup.option("--json", "as_json", is_flag=True, help="Print the sums of frames as one line of JSON at the end."),
)
@metrics_options(9101)
@cloup.option_group(
    LOGS, cloup.option("--camera-labels/--no-camera-labels", default=True, help="Whether metrics tell cameras apart.")
)
@trace_options
@cloup.option_group(
    LOGS,
    cloup.option("--trace-one-in", type=click.IntRange(1), default=100, help="Of how many frames of a camera one is traced."),
)
@click.pass_context
def run(ctx: click.Context, /, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - what click checked
    """Write the frames of all cameras to Redis until a signal comes or every file has ended.

    SIGHUP reads --cameras again: new cameras start, missing ones stop, changed ones start anew.
    """
    with QuietInterrupts():
        from ferstream.producer.service import Service, ServiceOptions  # numpy, cv2 and av: not for --help
        from ferstream.streams.service.metrics import announce

    announce("fer-producer")
    service = Service(ServiceOptions(read_cameras=_reader(given), **given))
    failed = service.run()
    if as_json:
        click.echo(service.summary())
    if failed:
        ctx.exit(1)


@main.command(cls=FerCommand, example="fer-producer check --cameras cameras.yaml", exits=_EXITS)
@camera_options
@cloup.option_group(
    "Output",
    cloup.option(
        "--timeout", "timeout_s", type=click.FloatRange(0.1, 600), default=15.0, help="Seconds for all cameras together."
    ),
    cloup.option("--json", "as_json", is_flag=True, help="Print JSON."),
)
@click.pass_context
def check(ctx: click.Context, /, timeout_s: float, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - what click checked
    """Open every camera once, all at the same time, and print what they are. Exit status 1 if one fails."""
    with QuietInterrupts():
        from ferstream.producer.sources.probe import as_table, probe_all

    partition = given.pop("partition")
    cameras = [camera for camera in _reader(given)() if partition is None or partition.holds(camera.camera_id)]
    findings = probe_all(cameras, timeout_s)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for line, finding in zip(as_table(findings), [None, *findings], strict=True):
            failed = finding is not None and finding.state == "failed"
            click.echo(click.style(line, fg="red") if failed else line)
    if any(finding.state == "failed" for finding in findings):
        ctx.exit(1)


name_variables(main, "FER_PRODUCER")
