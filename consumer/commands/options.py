"""Options that several commands of `fer-consumer` share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.streams.programs import QuietInterrupts

if TYPE_CHECKING:
    from ferstream.consumer.tracking.tracker import FaceTracker

shards_option = cloup.option_group(
    "Redis", option("--shards", type=click.IntRange(1), show_default="what Redis says", help="Shards of the deployment.")
)


def true_path(path: Path) -> str:
    """The path without links. One whose links lead round in a circle too: whoever opens it says what is wrong."""
    return os.path.realpath(path)


def face_tracker(smooth_s: float | None) -> "FaceTracker":
    """A tracker that smooths over so many seconds, or as long as is usual. It brings scipy, which takes a while to load."""
    with QuietInterrupts():
        from ferstream.consumer.tracking.tracker import FaceTracker

    return FaceTracker() if smooth_s is None else FaceTracker(smooth_s)
