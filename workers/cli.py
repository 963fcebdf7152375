"""`fer-worker`: the command line."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import click

from ferstream.streams.service.health_server import StatusServer
from ferstream.streams.service.logs import Format, configure_logging
from ferstream.streams.service.metrics import announce, ferstream_version
from ferstream.streams.service.options import (
    CONTEXT,
    FerGroup,
    log_options,
    metrics_options,
    name_variables,
    redis_options,
    trace_options,
)
from ferstream.streams.service.shutdown import Shutdown
from ferstream.streams.wire.keys import Keys
from ferstream.workers.metrics import totals
from ferstream.workers.settings import WorkerSettings, default_threads
from ferstream.workers.sizing.command import plan

log = logging.getLogger(__name__)

MODEL_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(cls=FerGroup, context_settings=CONTEXT)
@click.version_option(ferstream_version(), prog_name="fer-worker")
def main() -> None:
    """Find faces in frames and name their apparent expression.

    Start as many as you like: they share the frames. Every option is also FER_WORKER_<OPTION> in the environment. Exit status:
    0 done, 1 failed while running, 2 wrong usage, 3 Redis or a model cannot be used.
    """


@main.command()
@redis_options
@click.option("--name", default=None, help="Consumer name; keep it stable over restarts.  [default: host and process id]")
@click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
@click.option("--runtime", type=click.Choice(["auto", "openvino", "torch"]), default="auto", help="What computes the models.")
@click.option(
    "--precision",
    type=click.Choice(["f32", "bf16"]),
    default="f32",
    help="Arithmetic of openvino; bf16 halves the cost of a face where the processor has it.",
)
@click.option("--detector", type=MODEL_FOLDER, help="Folder of a detector.  [default: the packaged one]")
@click.option("--classifier", type=MODEL_FOLDER, help="Folder of a classifier.  [default: the packaged one]")
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=default_threads,
    help="Threads a stage.  [default: cores, 8 at most]",
    show_default=False,
)
@click.option("--window", type=click.IntRange(1, 4096), default=64, help="Frames held from read to answer.")
@click.option("--detect-batch-size", type=click.IntRange(1, 256), default=8, help="Frames in one call of the detector, at most.")
@click.option("--max-batch-size", type=click.IntRange(1, 1024), default=32, help="Faces in one call of the classifier, at most.")
@click.option(
    "--batch-timeout",
    "batch_timeout_s",
    type=click.FloatRange(0, 1),
    default=0.005,
    help="Seconds to wait for more faces once one is there.",
)
@click.option(
    "--claim-after",
    "claim_after_s",
    type=click.FloatRange(0.1),
    default=2.0,
    help="Seconds after which another worker's unanswered frame is taken over.",
)
@click.option("--max-deliveries", type=click.IntRange(1), default=3, help="A frame delivered more often becomes a dead letter.")
@click.option(
    "--keep-results", "keep_results_s", type=click.FloatRange(1), default=600.0, help="Seconds that results stay in Redis."
)
@click.option("--keep-dead-pictures", is_flag=True, help="Keep the picture of a dead letter (privacy: off unless you need it).")
@click.option("--max-pixels", type=click.IntRange(1), default=40_000_000, help="A picture with more is refused undecoded.")
@click.option(
    "--drain-timeout",
    "drain_timeout_s",
    type=click.FloatRange(0),
    default=20.0,
    help="Seconds to finish what is held after SIGTERM.",
)
@click.option("--camera-labels/--no-camera-labels", default=True, help="Label metrics with the camera's name.")
@click.option("--json", "as_json", is_flag=True, help="Print the sums of frames and faces as one line of JSON at the end.")
@metrics_options(9102)
@log_options
@trace_options
def run(
    keys: Keys,
    log_level: str,
    log_format: Format,
    metrics_host: str,
    metrics_port: int,
    name: str | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - what click checked, for WorkerSettings
) -> None:
    """Take frames from Redis until SIGTERM; then finish, publish, acknowledge and leave."""
    from ferstream.workers.worker import Worker  # numpy, cv2 and a runtime: not for --help

    configure_logging(log_level, log_format)
    announce("fer-worker")
    shutdown = Shutdown()
    if name:
        options["name"] = name
    worker = Worker(WorkerSettings(keys=keys, **options))
    server = StatusServer(metrics_host, metrics_port, healthy=worker.unhealthy, ready=worker.unready)
    log.info("metrics on port %d", server.port)
    shutdown.add("drain", worker.stop)
    shutdown.add("close the metrics port", server.close)
    worker.start(give_up=shutdown.requested.is_set)
    failed = None
    while not failed and not shutdown.requested.wait(1.0):
        failed = worker.unhealthy()
    shutdown.run()
    if as_json:
        click.echo(json.dumps(totals()))
    if failed:
        log.error("left because %s", failed)
        sys.exit(1)


main.add_command(plan)
name_variables(main, "FER_WORKER")


if __name__ == "__main__":
    main()
