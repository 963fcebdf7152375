"""Makes docs/pictures/report.png: the report of an hour of synthetic cameras, light on a desk and dark on a phone.

`python -m tests.plays.photograph_report`, with Debian's chromium installed; `--keep DIR` leaves the report and the whole pictures
there, to be looked at: light and dark, 1100 and 400 pixels wide.
"""

import subprocess
import tempfile
from pathlib import Path

import click
from click.testing import CliRunner
from PIL import Image

from ferstream.consumer.cli import main as consumer
from tests.plays.hour_of_cameras import write_hour
from tests.support.paths import ROOT

PICTURE = ROOT / "docs" / "pictures" / "report.png"
#: Width and height of a window: a desk's and a phone's.
_DESK, _PHONE = (1100, 6800), (400, 9600)
_SHOWN = 1180  # pixels from the top
_SPAN = ("--from", "2026-11-28T14:00", "--to", "2026-11-28T15:00", "--timezone", "Europe/Vienna")


def photograph(page: Path, size: tuple[int, int], picture: Path, *, dark: bool) -> Image.Image:
    """The page as a browser without network shows it."""
    with tempfile.TemporaryDirectory() as profile:
        arguments = (
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"),
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            *(f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}", page.as_uri()),
        )
        subprocess.run(["chromium", *arguments], check=True, capture_output=True, timeout=120)
    return Image.open(picture)


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """The upper parts of two pictures, in a few colours so that they are small."""
    together = Image.new("RGB", (left.width + right.width, _SHOWN), "white")
    together.paste(left.crop((0, 0, left.width, _SHOWN)), (0, 0))
    together.paste(right.crop((0, 0, right.width, _SHOWN)), (left.width, 0))
    return together.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


@click.command(help=__doc__)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave everything here.")
def main(keep: Path | None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = (keep or Path(temporary)).absolute()
        store = f"sqlite:{folder / 'hour.db'}"
        folder.mkdir(parents=True, exist_ok=True)
        write_hour(store)
        ended = CliRunner().invoke(consumer, ["report", "--sink", store, *_SPAN, "--out", str(folder)])
        if ended.exit_code:
            raise click.ClickException(ended.output)
        page = folder / "report.html"
        taken = {
            (size, dark): photograph(page, size, folder / f"{'dark' if dark else 'light'}-{size[0]}.png", dark=dark)
            for size in (_DESK, _PHONE)
            for dark in (False, True)
        }
        side_by_side(taken[_DESK, False].convert("RGB"), taken[_PHONE, True].convert("RGB")).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
