"""`fer-worker`: the command line."""

import json
import logging
from pathlib import Path
from typing import Any

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import LOGS, SERVICE_EXITS, FerCommand, FerGroup, name_variables
from ferstream.streams.service.options import metrics_options, redis_options, trace_options
from ferstream.streams.wire.keys import Keys
from ferstream.workers.settings import WorkerSettings, default_threads
from ferstream.workers.sizing.command import plan

log = logging.getLogger(__name__)

MODEL_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@cloup.group(cls=FerGroup, example="fer-worker run --redis redis://10.0.0.5:6379/0")
@click.version_option(package_name="ferstream", prog_name="fer-worker")
def main() -> None:
    """Find faces in frames and name their apparent expression.

    Start as many as you like: they share the frames.
    """


@main.command(
    cls=FerCommand,
    example="""\
fer-worker run --redis redis://10.0.0.5:6379/0
fer-worker run --device cuda --max-batch-size 128 --redis-url-file /run/secrets/redis_url""",
    exits=SERVICE_EXITS,
)
@redis_options
@cloup.option_group(
    "Redis",
    option("--name", show_default="host and process id", help="Consumer name; keep it stable over restarts."),
)
@cloup.option_group(
    "Models",
    option("--device", default="auto", help="auto, cpu, cuda or cuda:N."),
    option("--runtime", type=click.Choice(["auto", "openvino", "torch"]), default="auto", help="What computes the models."),
    option(
        "--precision",
        type=click.Choice(["f32", "bf16"]),
        default="f32",
        help="Arithmetic of openvino; bf16 halves the cost of a face where the processor has it.",
    ),
    option("--detector", type=MODEL_FOLDER, show_default="the packaged one", help="Folder of a detector."),
    option("--classifier", type=MODEL_FOLDER, show_default="the packaged one", help="Folder of a classifier."),
)
@cloup.option_group(
    "Speed",
    option(
        "--threads", type=click.IntRange(1, 64), default=default_threads, show_default="cores, 8 at most", help="Threads a stage."
    ),
    option("--window", type=click.IntRange(1, 4096), default=64, help="Frames held from read to answer."),
    option("--detect-batch-size", type=click.IntRange(1, 256), default=8, help="Frames in one call of the detector, at most."),
    option("--max-batch-size", type=click.IntRange(1, 1024), default=32, help="Faces in one call of the classifier, at most."),
    option(
        "--batch-timeout",
        "batch_timeout_s",
        type=click.FloatRange(0, 1),
        default=0.005,
        help="Seconds to wait for more faces once one is there.",
    ),
)
@cloup.option_group(
    "Delivery",
    option(
        "--claim-after",
        "claim_after_s",
        type=click.FloatRange(0.1),
        default=2.0,
        help="Seconds after which frames of a worker that is silent are taken over.",
    ),
    option("--max-deliveries", type=click.IntRange(1), default=3, help="A frame delivered more often becomes a dead letter."),
    option(
        "--keep-results", "keep_results_s", type=click.FloatRange(1), default=600.0, help="Seconds that results stay in Redis."
    ),
    option("--keep-dead-pictures", is_flag=True, help="Keep the picture of a dead letter (privacy: off unless you need it)."),
    option(
        "--previews",
        type=click.Choice(["off", "plain", "blur"]),
        default="off",
        help="Put small pictures of a camera into Redis while somebody looks at it: as they are, or with faces pixelated "
        "(privacy: off unless you need them).",
    ),
    option("--max-pixels", type=click.IntRange(1), default=40_000_000, help="A picture with more is refused undecoded."),
    option(
        "--drain-timeout",
        "drain_timeout_s",
        type=click.FloatRange(0),
        default=20.0,
        help="Seconds to finish what is held after SIGTERM.",
    ),
)
@metrics_options(9102)
@cloup.option_group(
    LOGS,
    option("--camera-labels/--no-camera-labels", default=True, help="Label metrics with the camera's name."),
    option("--json", "as_json", is_flag=True, help="Print the sums of frames and faces as one line of JSON at the end."),
)
@trace_options
def run(
    keys: Keys,
    metrics_host: str,
    metrics_port: int,
    other_port: bool,
    name: str | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - what click checked, for WorkerSettings
) -> None:
    """Take frames from Redis until SIGTERM; then finish, publish, acknowledge and leave."""
    with QuietInterrupts():
        from ferstream.streams.service.health_server import StatusServer
        from ferstream.streams.service.metrics import announce
        from ferstream.streams.service.shutdown import Shutdown
        from ferstream.streams.service.threads import leave
        from ferstream.workers.metrics import totals
        from ferstream.workers.worker import Worker  # numpy, cv2 and a runtime: not for --help

    announce("fer-worker")
    shutdown = Shutdown()
    if name:
        options["name"] = name
    worker = Worker(WorkerSettings(keys=keys, **options))
    server = StatusServer(metrics_host, metrics_port, healthy=worker.unhealthy, ready=worker.unready, other_port=other_port)
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
    # Not through the interpreter's own end, which destroys what native threads stand on: where a batch outlasted the drain, that
    # ends with "terminate called without an active exception" and SIGABRT.
    leave(1 if failed else 0)


main.add_command(plan)
name_variables(main, "FER_WORKER")


if __name__ == "__main__":
    main()
