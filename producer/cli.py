"""`fer-producer`: cameras in, frames out."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import cloup

from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.config.options import camera_list, camera_options
from ferstream.producer.config.schema import cameras_schema
from ferstream.producer.errors import ConfigError
from ferstream.producer.sources.finding import Finding, as_table, list_all
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.atomic_file import make_folder
from ferstream.streams.service.command import LOGS, SERVICE_EXITS, FerCommand, FerGroup, name_variables
from ferstream.streams.service.options import metrics_options, redis_options, trace_options

#: Where pictures go that are to be on no disk.
IN_JSON = Path("-")


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

    When --cameras or a file with an URL that it names changes, they are read again within three seconds, on SIGHUP at once: new
    cameras start, missing ones stop, changed ones start anew. A file with a mistake changes nothing, and is told of.
    """
    with QuietInterrupts():
        from ferstream.producer.service import Service, ServiceOptions  # numpy, cv2 and av: not for --help
        from ferstream.streams.service.metrics import announce

    announce("fer-producer")
    service = Service(ServiceOptions(cameras=camera_list(given), **given))
    failed = service.run()
    if as_json:
        click.echo(service.summary())
    if failed:
        ctx.exit(1)


@main.command(
    cls=FerCommand,
    example="""\
fer-producer check --cameras cameras.yaml
fer-producer check --cameras cameras.yaml --picture stills""",
    exits=_EXITS,
)
@camera_options
@cloup.option_group(
    "Output",
    cloup.option(
        "--timeout", "timeout_s", type=click.FloatRange(0.1, 600), default=15.0, help="Seconds for all cameras together."
    ),
    cloup.option("--open/--no-open", "opens", default=True, help="Open the cameras, or only see whether their list is right."),
    cloup.option(
        "--picture",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Write what each camera shows to DIR, as NAME.jpg, with its mask and region drawn on it; - into --json.",
    ),
    cloup.option("--outlines/--no-outlines", default=True, help="Whether masks and regions are drawn on pictures."),
    cloup.option("--json", "as_json", is_flag=True, help="Print JSON."),
)
@click.pass_context
def check(
    ctx: click.Context,
    /,
    timeout_s: float,
    opens: bool,
    folder: Path | None,
    outlines: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - what click checked
) -> None:
    """Open every camera once, all at the same time, and print what they are. Exit status 1 if one fails."""
    if folder is not None and not opens:
        raise click.UsageError("--picture needs cameras that are opened: leave out --no-open.")
    partition = given.pop("partition")
    cameras = [camera for camera in camera_list(given).read() if partition is None or partition.holds(camera.camera_id)]
    findings = _opened(cameras, timeout_s, folder, outlines=outlines) if opens else list_all(cameras)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for line, finding in zip(as_table(findings), [None, *findings], strict=True):
            failed = finding is not None and finding.state == "failed"
            click.echo(click.style(line, fg="red") if failed else line)
    if any(finding.state == "failed" for finding in findings):
        ctx.exit(1)


def _opened(cameras: list[CameraConfig], timeout_s: float, folder: Path | None, *, outlines: bool) -> list[Finding]:
    with QuietInterrupts():
        from ferstream.producer.sources.probe import probe_all  # numpy, cv2 and av: not for a list that is only read
        from ferstream.producer.still import Stills

    if folder is None:
        return probe_all(cameras, timeout_s)
    if folder == IN_JSON:
        return probe_all(cameras, timeout_s, Stills(None, outlines=outlines).keep)
    make_folder(folder)
    return probe_all(cameras, timeout_s, Stills(folder, outlines=outlines).keep)


@main.command(cls=FerCommand, example="fer-producer schema > cameras.schema.json")
def schema() -> None:
    """Print the JSON Schema of cameras.yaml, by which an editor knows its settings, their ranges and defaults.

    The YAML extensions of editors take it by a first line `# yaml-language-server: $schema=cameras.schema.json`.
    """
    click.echo(json.dumps(cameras_schema(), indent=2))


name_variables(main, "FER_PRODUCER")
