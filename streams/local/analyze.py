"""`fer-analyze`: video files and pictures into tables, drawn videos and a report, with nothing to start before."""

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cloup
from cloup import option

from ferstream.streams.errors import FerstreamError
from ferstream.streams.frames.account import read_account
from ferstream.streams.local.analysis_record import AnalysisRecord, identity
from ferstream.streams.local.clip_check import check_clips
from ferstream.streams.local.clip_options import ClipOptions
from ferstream.streams.local.clip_run import ClipError, ClipRun, Machinery, Stopped
from ferstream.streams.local.clips import Clip, find_clips
from ferstream.streams.local.cores import Workers, share_cores
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.local.outcome import Outcome
from ferstream.streams.local.processes import ProgramProcess, free_port
from ferstream.streams.local.progress import Progress
from ferstream.streams.programs import INTERRUPTED
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.service.atomic_file import make_folder
from ferstream.streams.service.command import FerCommand, log_arguments, name_variables
from ferstream.streams.wire.emotions import NAMES
from ferstream.streams.wire.keys import Keys

#: Clips at work at a time: while one is drawn or begins, another keeps the workers busy.
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class _Fleet:
    """How many workers, and what computes their models."""

    workers: Workers
    device: str
    precision: str


class _Emotions(click.ParamType):  # type: ignore[type-arg]
    """Names of emotions, separated by commas."""

    name = "NAMES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:  # noqa: ANN401
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip().lower() for name in value.split(",") if name.strip())
        for name in names:
            if name not in NAMES:
                self.fail(f"{name!r} is none of {', '.join(NAMES)}", param, ctx)
        return names


@cloup.command(
    cls=FerCommand,
    log_level="warning",
    example="""\
fer-analyze clip.mp4 --out results
fer-analyze videos/ 'more/*.mkv' portrait.jpg --out results --format parquet --no-video
fer-analyze clip.mp4 --out results --blur --from 60 --to 90""",
    exits={
        0: "every file was analysed to its end",
        1: "a file was not, or not to its end: a line says which and why",
        INTERRUPTED: "ended by Ctrl-C; the same command goes on with the files that are not done",
    },
    context_settings={"auto_envvar_prefix": "FER_ANALYZE"},
)
@cloup.argument("files", nargs=-1, required=True, metavar="FILE...", help="Videos, pictures, folders of them, globs, http URLs.")
@cloup.option_group(
    "Results",
    option("--out", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the results."),
    option("--format", "format_", type=click.Choice(["csv", "parquet"]), default="csv", help="Of the tables."),
    option(
        "--no-video",
        is_flag=True,
        help="Write tables only, and no copy of each video or picture with what was found drawn on it.",
    ),
    option("--no-report", is_flag=True, help="Write no report.html over the videos."),
    option("--blur", is_flag=True, help="Hide every face in what is drawn behind a few blocks."),
    option("--emotions", type=_Emotions(), default=(), show_default="all", help="Only faces with these, separated by commas."),
    option(
        "--smooth", "smooth_s", type=click.FloatRange(0), default=0.5, help="Smooth each track (time constant); 0: single frames."
    ),
    option("--force", is_flag=True, help="Analyse anew what is done, and replace files of the same names."),
)
@cloup.option_group(
    "Frames",
    option("--every", type=click.IntRange(1), default=1, help="Only each frame of this number."),
    option("--from", "from_s", type=click.FloatRange(0), default=0.0, help="Second of each video to begin at."),
    option("--to", "to_s", type=click.FloatRange(0), show_default="the end", help="Second of each video to end before."),
    option(
        "--max-side", type=click.IntRange(64, 16384), default=1280, help="Larger frames are scaled down to this for the models."
    ),
    option("--jpeg-quality", type=click.IntRange(1, 100), default=85, help="Of the frames on their way to the models."),
)
@cloup.option_group(
    "Running",
    option("--workers", type=click.IntRange(1, 64), show_default="one for each 8 cores", help="Worker processes."),
    option("--device", default="auto", help="auto, cpu, cuda or cuda:N."),
    option("--precision", type=click.Choice(["f32", "bf16"]), default="f32", help="Arithmetic of the models on a CPU."),
    option("--json", "as_json", is_flag=True, help="Print one line of JSON a file, and no progress."),
)
@click.version_option(package_name="ferstream", prog_name="fer-analyze")
@click.pass_context
def main(
    ctx: click.Context,
    /,
    files: tuple[str, ...],
    folder: Path,
    format_: str,
    force: bool,
    workers: int | None,
    device: str,
    precision: str,
    as_json: bool,
    no_video: bool,
    no_report: bool,
    **given: Any,  # noqa: ANN401 - what click checked, for ClipOptions
) -> None:
    """Analyse video files and pictures: tables of faces and events, drawn copies, and a report.

    Faces are found and followed over every frame, each frame once, in order. Files that are done are left as they are: after it
    was stopped, the same command goes on. Its Redis is its own, and gone at the end.
    """
    if given["to_s"] is not None and given["to_s"] <= given["from_s"]:
        raise click.UsageError("--to must be larger than --from")
    if given["blur"] and no_video:
        raise click.UsageError("--blur is for what is drawn: leave out --no-video")
    stop = threading.Event()
    # An exception in the middle of the start of a process would leave it behind: it is looked for where nothing is half done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    make_folder(folder)
    options = ClipOptions(format=format_, video=not no_video, **given)
    fleet = _Fleet(share_cores(workers), device, precision)
    clips, problems = find_clips(files)
    report = Outcome(as_json=as_json, folder=folder)
    for problem in problems:
        report.failed(problem.source, problem.text)
    wanted = options.message() | {"precision": precision}
    records = {clip: AnalysisRecord(folder, clip.name, clip.kind, clip.shown, clip.files, wanted) for clip in clips}
    todo = list(_todo(records, options, report, force=force))
    if todo:
        _analyse(todo, records, options, fleet, report, stop)
    if report.videos and not no_report:
        report.report(stop)
    if report.failures:
        ctx.exit(1)


def _todo(records: dict[Clip, AnalysisRecord], options: ClipOptions, report: Outcome, *, force: bool) -> Iterator[Clip]:
    """The clips that are not done, and may be."""
    sources = {found for clip in records for file in clip.files if (found := identity(file))}
    for clip, record in records.items():
        done = None if force else record.done()
        outputs = options.outputs(clip.name, clip.kind)
        if done is not None:
            report.done(clip, done, already=True)
        elif refusal := record.danger(outputs, sources) or (None if force else record.refusal(outputs)):
            report.failed(clip.shown, refusal)
        else:
            yield clip


def _analyse(
    clips: list[Clip],
    records: dict[Clip, AnalysisRecord],
    options: ClipOptions,
    fleet: _Fleet,
    report: Outcome,
    stop: threading.Event,
) -> None:
    """Start the server and the workers, and analyse the clips, AT_ONCE side by side."""
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedRedis())
        client = connect(server.url)
        stack.callback(client.close)
        processes = _start_workers(stack, server.url, fleet)

        def look() -> None:
            """Raises where the work cannot go on. In the main thread, where Ctrl-C was pressed, as that usually does."""
            if stop.is_set() and threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            for process, _ in processes:
                if not process.running():
                    raise FerstreamError(f"the {process.name} ended early: {process.last_words()}")

        findings = check_clips(clips, look, quiet=_is_quiet())
        for clip, problem in findings.problems.items():
            report.failed(clip.shown, problem)
        good = [clip for clip in clips if clip not in findings.problems]
        for process, port in processes:
            process.wait_until_ready(port, look)
        machinery = Machinery(
            url=server.url,
            client=client,
            look=look,
            stop=stop,
            shared=log_arguments(),
            quiet=_is_quiet(),
        )
        runs = {
            clip: ClipRun(clip, f"clip-{number}", options, records[clip], machinery) for number, clip in enumerate(good, start=1)
        }
        report.progress = Progress(findings.frames(good, options), shown=not report.as_json)
        report.expected = {clip: findings.frames_of(clip, options) for clip in good}
        with _pool(stop) as pool:
            _watch({pool.submit(run.run): clip for clip, run in runs.items()}, machinery, report)


def _watch(futures: "dict[Future[dict[str, Any]], Clip]", machinery: Machinery, report: Outcome) -> None:
    """Until all are done. Raises what ends all of them."""
    open_ = dict(futures)
    while open_:
        machinery.look()
        report.show(read_account(machinery.client, Keys()).published)
        time.sleep(0.2)
        for future in [future for future in open_ if future.done()]:
            clip = open_.pop(future)
            try:
                report.done(clip, future.result())
            except ClipError as error:
                report.failed(clip.shown, str(error))
            except Stopped:  # its thread saw Ctrl-C before this one looked
                raise KeyboardInterrupt from None


@contextmanager
def _pool(stop: threading.Event) -> "Iterator[ThreadPoolExecutor]":
    """Threads that are told to stop where the block ends badly, Ctrl-C included, and waited for: each ends its processes."""
    with ThreadPoolExecutor(AT_ONCE, "clip") as pool:
        try:
            yield pool
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _start_workers(stack: ExitStack, url: str, fleet: _Fleet) -> list[tuple[ProgramProcess, int]]:
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fer-log-")))
    started = []
    for number in range(1, fleet.workers.count + 1):
        port = free_port()
        arguments = ("--redis", url, *log_arguments(), "--metrics-port", str(port), "--threads", str(fleet.workers.threads))
        models = ("--device", fleet.device, "--precision", fleet.precision)
        log = logs / f"worker-{number}" if _is_quiet() else None
        process = ProgramProcess(f"worker {number}", "worker", "run", *arguments, *models, "--json", collect=True, log=log)
        stack.callback(process.stop)
        started.append((process, port))
    return started


def _is_quiet() -> bool:
    """Whether the parts' own log is of no interest: a line of ours says what matters."""
    return click.get_current_context().meta["log_level"] in ("warning", "error")


name_variables(main, "FER_ANALYZE")


if __name__ == "__main__":
    main()
