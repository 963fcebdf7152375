"""`fer-worker plan`: the demand from the command line, the plan as text, as JSON, or as a table."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup
from cloup import option

from ferstream.streams.service.command import FerCommand
from ferstream.workers.sizing.capacity import MOST_FACES, PACKAGED, Capacity, capacity_of, read_capacities
from ferstream.workers.sizing.worksheet import Workload, number

if TYPE_CHECKING:
    from ferstream.workers.sizing.plan import Plan

HEIGHTS = ["360", "480", "720", "1080"]
TABLE = (10, 100, 1_000, 10_000)
GIB = 2**30
WHY = (
    "One Redis carries up to one node; from half of one on start it with shards: the first process fixes their number.",
    "Above that a Redis Cluster: a camera is in one shard, a shard on one primary. Shards on one Redis share its main thread.",
    "Above 16 primaries a cluster a site: pictures stay near their cameras, and a failure stops one site.",
)


@cloup.command(
    cls=FerCommand,
    log_level="warning",
    example="""\
fer-worker plan --cameras 200 --fps 10 --faces 2
fer-worker plan --table""",
)
@cloup.option_group(
    "Fleet",
    option("--cameras", type=click.IntRange(1), help="Cameras of the fleet."),
    option("--fps", type=click.FloatRange(0.01, 240), default=10.0, help="Frames a second that a camera's producer writes."),
    option("--faces", type=click.FloatRange(0, 100), default=1.0, help="Faces in a frame, on average."),
    option("--height", type=click.Choice(HEIGHTS), default="720", help="Height of a 16:9 frame as written, in pixels."),
    option("--frame-bytes", type=click.IntRange(1000), show_default="as measured, for the height", help="Bytes of a JPEG."),
    option("--freshness", "freshness_s", type=click.FloatRange(0.1), default=5.0, help="Seconds a frame is worth computing."),
    option(
        "--budget-bytes",
        type=click.IntRange(65536),
        show_default="what its freshness lets wait",
        help="Byte budget of a camera.",
    ),
    option("--subscribers", type=click.IntRange(0), default=1, help="Programs that read every result."),
)
@cloup.option_group(
    "Workers",
    option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", help="What computes the models."),
    option("--precision", type=click.Choice(["f32", "bf16"]), default="f32", help="Arithmetic of workers on CPUs."),
    option("--gpu-faces-per-second", type=click.FloatRange(1), help="What a worker on one of your GPUs reaches in make bench."),
    option("--cores", type=click.IntRange(1, 8), show_default="as measured", help="Cores of one worker."),
    option(
        "--headroom",
        type=click.FloatRange(0, 1, min_open=True),
        default=0.7,
        help="Share of what was measured that is planned with.",
    ),
    option(
        "--capacity",
        "file",
        type=click.Path(path_type=Path),
        default=PACKAGED,
        show_default="as released",
        help="Measurements to plan from.",
    ),
)
@cloup.option_group(
    "Redis",
    option(
        "--keep-results", "keep_results_s", type=click.FloatRange(1), default=600.0, help="Seconds that results stay in Redis."
    ),
    option("--node-gbit", type=click.FloatRange(0.1), default=10.0, help="Network of one Redis node, in Gbit/s."),
    option("--node-gib", type=click.FloatRange(0.1), default=64.0, help="Memory for one Redis, in GiB."),
)
@cloup.option_group(
    "Output",
    option("--table", "as_table", is_flag=True, help="Print a table of 10, 100, 1,000 and 10,000 cameras."),
    option("--json", "as_json", is_flag=True, help="Print JSON."),
)
def plan(
    cameras: int | None,
    device: str,
    precision: str,
    file: Path,
    as_table: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - what click checked, for Workload
) -> None:
    """Say what a fleet needs: workers, GPUs, Redis memory and network, with the arithmetic.

    It computes from what `make bench` measured on one machine, which it names. Measure yours with
    make bench ARGS="--write FILE", and give it with --capacity FILE.
    """
    if (cameras is None) == (not as_table):
        raise click.UsageError("give --cameras N, or --table")
    rows = read_capacities(file)
    capacity = _measured(rows, precision, file)
    if device == "cuda":
        given["gpu_faces_per_second"] = _gpu_rate(rows, given["gpu_faces_per_second"])
    elif given["gpu_faces_per_second"]:
        raise click.UsageError("--gpu-faces-per-second is for --device cuda")
    given["cores"] = given["cores"] or capacity.cores
    given["frame_bytes"] = given["frame_bytes"] or capacity.frame_bytes[given["height"]]
    from ferstream.workers.sizing.plan import make_plan  # a Redis client comes with it: not for --help

    plans = [make_plan(Workload(cameras=each, **given), capacity) for each in ((cameras,) if cameras else TABLE)]
    if as_json:
        said = [{"measured_on": _machine(capacity), **each.as_json()} for each in plans]
        click.echo(json.dumps(said if as_table else said[0]))
    else:
        click.echo(_table(plans, capacity) if as_table else _text(plans[0], capacity))


def _measured(rows: list[Capacity], precision: str, file: Path) -> Capacity:
    found = capacity_of(rows, "cpu", precision)
    if found is None:
        measure = f'make bench ARGS="--precision {precision} --write {file}"'
        raise click.UsageError(f"{file} has no measurement of a CPU in {precision}: {measure}")
    return found


def _gpu_rate(rows: list[Capacity], given: float | None) -> float:
    if given:
        return given
    measured = next((row for row in rows if row.device == "cuda"), None)
    if measured is None:
        raise click.UsageError(
            'no GPU has been measured: run make bench ARGS="--device cuda" on a machine with yours,'
            " and give the faces a second that it prints as --gpu-faces-per-second"
        )
    return measured.reached(MOST_FACES) * MOST_FACES


def _machine(capacity: Capacity) -> str:
    return (
        f"{capacity.machine}, {capacity.cores} cores, {capacity.precision}, {capacity.measured_on}"
        f" (load before: {capacity.load_before:.2f})"
    )


def _stages(c: Capacity) -> str:
    decode, *others = (number(1000 * seconds) for seconds in (c.decode_s["720"], c.detect_s, c.crop_s, c.classify_s))
    return "Stages alone: decode {} ms, detect {} ms a frame; crop {} ms, classify {} ms a face.".format(decode, *others)


def _text(made: "Plan", capacity: Capacity) -> str:
    """Figures first, then how each came about."""
    rows = [
        ("workers", f"{made.workers} of {made.demand.cores} cores" if not made.gpus else f"{made.workers}, one a GPU"),
        ("GPUs", str(made.gpus)),
        ("cores of workers", f"{made.cores:.1f}"),
        ("workers' memory", f"{made.worker_memory_bytes / GIB:.1f} GiB"),
        ("cores of producers", f"{made.producer_cores:.1f}"),
        (
            "Redis maxmemory",
            f"{made.redis.max_memory_bytes / GIB:.1f} GiB, with budget_bytes: {made.redis.budget_bytes} in cameras.yaml",
        ),
        ("network of Redis", f"{made.redis.in_mbit:.0f} Mbit/s in, {made.redis.out_mbit:.0f} Mbit/s out"),
        ("carried by", f"{made.carrier.words}; {made.carrier.limit} runs out first"),
    ]
    lines = [f"Measured on {_machine(capacity)}.", _stages(capacity), ""]
    lines += [f"{name:<20} {value}" for name, value in rows]
    lines += ["", *WHY, "", "How:"]
    for step in made.steps:
        lines += [f"  {step.name}: {number(step.value)} {step.unit}", f"      = {step.words}", f"      = {step.numbers}"]
    return "\n".join(lines)


def _table(plans: "list[Plan]", capacity: Capacity) -> str:
    """Markdown."""
    demand = plans[0].demand
    faces = f"{number(demand.faces)} {'face' if demand.faces == 1 else 'faces'}"
    worker = "GPUs" if plans[0].gpus else f"workers of {demand.cores} cores"
    lines = [
        f"| cameras, {number(demand.fps)} frames a second each, {demand.height} lines, {faces} a frame,"
        f" {capacity.precision} | {worker} | cores of producers | Redis maxmemory | network in / out | carried by |",
        "|---|---|---|---|---|---|",
    ]
    for each in plans:
        gib = each.redis.max_memory_bytes / GIB
        lines.append(
            f"| {each.demand.cameras:,} | {each.gpus or each.workers:,} | {each.producer_cores:,.0f} | {gib:,.1f} GiB"
            f" | {each.redis.in_mbit:,.0f} / {each.redis.out_mbit:,.0f} Mbit/s | {each.carrier.words} |"
        )
    return "\n".join(lines)
