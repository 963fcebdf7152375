"""`fer-consumer collect`, `draw` and `report-files`: the parts of `fer-analyze` that know of results and of pictures.

They are hidden: who wants a file analysed asks fer-analyze.
"""

import json
import math
import signal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand
from ferstream.streams.service.named_file import read_secret
from ferstream.streams.service.options import chosen_prefix, server_options

if TYPE_CHECKING:
    from ferstream.consumer.report.table_file import TableFormat

_PATH = click.Path(path_type=Path)


@cloup.command(
    hidden=True, cls=FerCommand, example="fer-consumer collect --camera clip --out results --name clip < announcement.json"
)
@server_options
@cloup.option_group(
    "Results",
    option("--camera", required=True, help="The camera whose results these are."),
    option("--from", "from_", default="0", help="Entry id after which to begin."),
    option("--first", type=click.IntRange(0), show_default="not known", help="Number of the first frame."),
    option("--every", type=click.IntRange(1), default=1, help="Step from one frame to the next."),
    option("--smooth", "smooth_s", type=click.FloatRange(0), default=0.5, help="Time constant of the smoothing, in seconds."),
)
@cloup.option_group(
    "Files",
    option("--out", "folder", type=_PATH, required=True, help="Folder of the tables."),
    option("--name", required=True, help="How the tables' names begin."),
    option("--format", "format_", type=click.Choice(["csv", "parquet"]), default="csv", help="Of the tables."),
    option("--emotion", "emotions", multiple=True, show_default="all", help="Only faces with this one; may be repeated."),
    option("--marks", type=_PATH, help="Also write what is to be drawn into this file."),
    option("--pictures", type=_PATH, help="JSON list of the pictures, by their numbers."),
)
def collect(
    redis_url: str,
    camera: str,
    from_: str,
    first: int | None,
    every: int,
    smooth_s: float,
    folder: Path,
    name: str,
    format_: "TableFormat",
    emotions: tuple[str, ...],
    marks: Path | None,
    pictures: Path | None,
) -> None:
    """Write the results of one file as tables.

    Standard input gives one line of JSON once all frames are written: {"frames": 56}. What came together is printed as JSON.
    """
    with QuietInterrupts():
        from ferstream.consumer.report.collect import collect as run
        from ferstream.consumer.report.collector import Collector, CollectorSettings
        from ferstream.consumer.subscribe.subscriber import ResultSubscriber
        from ferstream.consumer.tracking.tracker import FaceTracker
        from ferstream.streams.redis_client.connect import connect
        from ferstream.streams.wire.keys import Keys

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keys = Keys(chosen_prefix())
    files = tuple(json.loads(pictures.read_text("utf-8"))) if pictures else None
    settings = CollectorSettings(
        folder=folder,
        name=name,
        format=format_,
        marks=marks,
        files=files,
        emotions=frozenset(emotions) or None,
        first=first,
        every=every,
    )
    # Nothing of the tables may depend on the clock of this machine: a camera is never silent.
    tracker = None if files is not None else FaceTracker(smooth_s=smooth_s, silence_s=math.inf)
    subscriber = ResultSubscriber(redis_url, from_=from_, cameras=[camera], prefix=keys.prefix, shards=1, block_s=0.2)
    with subscriber, closing(connect(redis_url)) as client:
        click.echo(json.dumps(run(subscriber.batches(), Collector(settings, tracker), client, camera, keys)))


@cloup.command(hidden=True, cls=FerCommand, example="fer-consumer draw --video clip.mp4 --marks marks.jsonl --out drawn.mp4")
@cloup.option_group(
    "Files",
    option("--video", help="Video to draw on; @FILE reads its URL from a file."),
    option("--pictures", type=_PATH, help="JSON list of pictures to draw on, by their numbers."),
    option("--marks", type=_PATH, required=True, help="What to draw, as `collect` wrote it."),
    option("--out", type=_PATH, required=True, help="The drawn video, or the folder of drawn pictures."),
)
@cloup.option_group(
    "Drawing",
    option("--every", type=click.IntRange(1), default=1, help="Only each frame of this number."),
    option("--to-end/--to-last", default=True, help="Whether the copy goes on behind the last frame that was analysed."),
    option("--blur", is_flag=True, help="Hide every face."),
)
def draw(video: str | None, pictures: Path | None, marks: Path, out: Path, every: int, to_end: bool, blur: bool) -> None:
    """Draw what was found on a video or on pictures. How many frames were drawn is printed as JSON."""
    with QuietInterrupts():
        from ferstream.consumer.report.draw_pictures import draw_pictures
        from ferstream.consumer.report.draw_video import draw_video

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if (video is None) == (pictures is None):
        raise click.UsageError("give either --video or --pictures")
    if pictures is not None:
        files = [Path(name) for name in json.loads(pictures.read_text("utf-8"))]
        drawn = draw_pictures(files, marks, out, blur=blur)
    else:
        assert video is not None
        url = read_secret(Path(video[1:]), "the video's URL") if video.startswith("@") else video
        drawn = draw_video(url, marks, out, every=every, to_end=to_end, blur=blur)
    click.echo(json.dumps({"frames": drawn}))


@cloup.command(
    "report-files",
    hidden=True,
    cls=FerCommand,
    log_level="warning",
    example="fer-consumer report-files --out results --names names.json",
)
@cloup.option_group(
    "Files",
    option("--out", "folder", type=_PATH, required=True, help="Folder of the tables, and of the report."),
    option("--names", type=_PATH, required=True, help="JSON list of how the tables' names begin."),
)
def report_files(folder: Path, names: Path) -> None:
    """Write a report over videos that were analysed. Where it is is printed as JSON."""
    with QuietInterrupts():
        from ferstream.consumer.report.kept.clips import clip_figures
        from ferstream.consumer.report.pages.wording import Clock, duration
        from ferstream.consumer.report.report import Report, require_report

    require_report()
    clips = [clip_figures(folder, name) for name in json.loads(names.read_text("utf-8"))]
    kept = dict.fromkeys(emotion for clip in clips for emotion in clip.emotions)
    note = f"Only faces named {' or '.join(kept)} are in these tables: coverage and gaps are those of frames with such a face."
    report = Report(
        title="What was seen in the video" if len(clips) == 1 else "What was seen in the videos",
        when=f"Over {duration(sum(clip.figures.observed_s for clip in clips))}",
        cameras=tuple(clip.figures for clip in clips),
        clock=Clock(is_media=True),
        noun="file",
        notes=(note,) * bool(kept),
    )
    click.echo(json.dumps({"report": str(report.write(folder))}))
