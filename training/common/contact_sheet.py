"""Sheets: many faces as one picture, each with a line or two under it."""

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]  # (H, W, 3) RGB or (H, W) grey
Cell = TypeVar("Cell")

PAPER, INK, EMPTY = (255, 255, 255), (29, 39, 51), (240, 243, 246)
GAP = 6  # pixels between two faces
MARGIN = 130  # left of the faces, where rows have names
MOST_SIDE = 60_000  # pixels that a sheet may be high: a PNG of more opens in few programs


def sheet(
    pictures: Sequence[Picture | None], captions: Sequence[str], columns: int, side: int, rows: Sequence[str] = ()
) -> bytes:
    """The PNG of faces in reading order, each within a square of `side` pixels, its shape kept; None leaves a place empty.

    A caption may have several lines; what is too wide is cut. `rows` are names of the rows, left of them. Raises ValueError
    where captions and pictures differ in number, and where the sheet would be over 60,000 pixels high.
    """
    if len(captions) != len(pictures):
        raise ValueError(f"{len(captions)} captions for {len(pictures)} pictures")
    size = max(9, min(13, side // 7))
    lines = max((caption.count("\n") + 1 for caption in captions if caption), default=0)
    left, below = MARGIN if rows else GAP, round(lines * size * 1.3) + 2 * bool(lines)
    count = max(len(rows), -(-len(pictures) // columns), 1)
    height = GAP + count * (side + below + GAP)
    if height > MOST_SIDE:
        raise ValueError(f"a sheet of {count} rows would be {height} pixels high")
    canvas = Image.new("RGB", (left + columns * (side + GAP), height), PAPER)
    draw = ImageDraw.Draw(canvas)
    for row, name in enumerate(rows):
        _write(draw, (GAP, GAP + row * (side + below + GAP)), name, size + 1, MARGIN - 2 * GAP)
    for place, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = left + place % columns * (side + GAP), GAP + place // columns * (side + below + GAP)
        if picture is not None:
            _paste(canvas, picture, (x, y), side)
            _write(draw, (x, y + side + 2), caption, size, side)
    return png(np.asarray(canvas))


def png(pixels: Picture) -> bytes:
    """Pixels as the bytes of a PNG, the same for the same pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def fitted(picture: Picture, side: int) -> Picture:
    """The picture as RGB (h, w, 3), its longer side `side` pixels long, its shape kept."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    wanted = (max(1, round(width * scale)), max(1, round(height * scale)))
    smaller = cv2.resize(picture, wanted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.asarray(smaller if smaller.ndim == 3 else cv2.cvtColor(smaller, cv2.COLOR_GRAY2RGB), np.uint8)


def filled(row: Sequence[Cell], columns: int, empty: Cell) -> list[Cell]:
    """A row with `empty` added until it has as many as there are columns."""
    return [*row, *([empty] * (columns - len(row)))]


def _paste(canvas: Image.Image, picture: Picture, corner: tuple[int, int], side: int) -> None:
    pixels = fitted(picture, side)
    square = np.full((side, side, 3), EMPTY, np.uint8)
    top, left = (side - pixels.shape[0]) // 2, (side - pixels.shape[1]) // 2
    square[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    canvas.paste(Image.fromarray(square), corner)


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, size: int, width: int) -> None:
    font = _font(size)
    printable = text.encode("utf-8", "backslashreplace").decode()  # a name of a file need not be UTF-8
    for place, line in enumerate(printable.split("\n")):
        draw.text((corner[0], corner[1] + round(place * size * 1.3)), _cut(line, font, width), fill=INK, font=font)


def _cut(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    kept = len(line)
    while kept and font.getlength(line[:kept] + "…") > width:
        kept -= 1
    return line[:kept] + "…"


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings: it has the letters of most names of files."""
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
