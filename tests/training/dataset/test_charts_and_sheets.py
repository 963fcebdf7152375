"""Sheets of faces and the charts of a dataset: what is where, in which colour, whatever the input."""

import io

import numpy as np
import pytest
from PIL import Image

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.contact_sheet import EMPTY, GAP, MARGIN, PAPER, filled, fitted, sheet
from ferstream.training.dataset.inspect.charts import (
    OVER,
    UNDER,
    brightness_chart,
    counts_chart,
    share_text,
    shared_chart,
    sizes_chart,
)

RED, GREEN = (200, 30, 40), (20, 160, 60)


def plain(colour, height=30, width=30):
    return np.full((height, width, 3), colour, np.uint8)


def pixels_of(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def ink(pixels):
    """Pixels that are neither paper nor the rim of a place."""
    return (pixels != PAPER).any(axis=2) & (pixels != EMPTY).any(axis=2)


def test_faces_stand_in_reading_order():
    found = pixels_of(sheet([plain(RED), plain(GREEN), None, plain(RED)], [""] * 4, columns=2, side=40))
    assert found.shape == (GAP + 2 * (40 + GAP), GAP + 2 * (40 + GAP), 3)
    first, second = GAP + 20, GAP + 40 + GAP + 20
    assert tuple(found[first, first]) == RED
    assert tuple(found[first, second]) == GREEN
    assert tuple(found[second, first]) == PAPER
    assert tuple(found[second, second]) == RED


def test_a_picture_keeps_its_shape():
    found = pixels_of(sheet([plain(RED, 60, 20)], [""], columns=1, side=60))
    row = found[GAP + 30, GAP : GAP + 60]
    assert (row == RED).all(axis=1).sum() == 20
    assert tuple(row[0]) == EMPTY


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 5), (48, 48)])
def test_any_shape_grey_or_coloured_fits(shape):
    for picture in (np.full(shape, 90, np.uint8), np.full((*shape, 3), 90, np.uint8)):
        small = fitted(picture, 32)
        assert max(small.shape[:2]) == 32
        assert small.shape[2] == 3
        assert (small == 90).all()


def test_captions_stand_below_their_face_and_are_cut():
    faces = [plain(PAPER), plain(PAPER)]
    found = ink(pixels_of(sheet(faces, ["a name that is far too long for its face\nsecond line", ""], columns=2, side=60)))
    below = found[GAP + 60 :]
    assert below[:, GAP : GAP + 60].any()
    assert not below[:, GAP + 60 :].any()
    assert not found[: GAP + 60].any()


def test_rows_have_names():
    found = ink(pixels_of(sheet([plain(PAPER)] * 4, [""] * 4, columns=2, side=50, rows=["anger", "joy"])))
    assert found[: GAP + 50, :MARGIN].any()
    assert found[GAP + 50 + GAP :, :MARGIN].any()
    assert not found[:, MARGIN:].any()


def test_a_name_that_is_no_utf8_is_written():
    assert ink(pixels_of(sheet([plain(PAPER, 60, 200)], ["im\udcff.png"], columns=1, side=200)))[GAP + 200 :].any()


def test_nothing_to_show_is_a_sheet_too():
    assert (pixels_of(sheet([], [], columns=3, side=20)) == PAPER).all()


def test_the_same_faces_give_the_same_bytes():
    faces = [plain(RED), plain(GREEN)]
    assert sheet(faces, ["a", "b"], 2, 40) == sheet(faces, ["a", "b"], 2, 40)


def test_what_no_sheet_can_show():
    with pytest.raises(ValueError, match="1 captions for 2 pictures"):
        sheet([plain(RED)] * 2, ["a"], 2, 40)
    with pytest.raises(ValueError, match="pixels high"):
        sheet([None] * 5000, [""] * 5000, 1, 40)


def test_a_row_is_filled_up():
    assert filled([1, 2], 4, 0) == [1, 2, 0, 0]
    assert filled([1, 2], 2, 0) == [1, 2]


def counts(*values):
    return dict(zip(EMOTIONS, values, strict=True))


def coloured(png, colour):
    wanted = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return int((pixels_of(png) == wanted).all(axis=2).sum())


@pytest.mark.parametrize(
    ("values", "under", "over"),
    [
        ((500,) * 8, False, True),
        ((400_000, 0, 3, 398_000, 200_000, 150_000, 120_000, 100_000), True, True),
        ((1, 0, 0, 0, 0, 0, 0, 0), True, True),
    ],
)
def test_bars_are_red_under_the_mean_and_green_above(values, under, over):
    png = counts_chart({"train": counts(*values)})
    assert (coloured(png, UNDER) > 50) == under
    assert (coloured(png, OVER) > 50) == over


def test_a_class_that_no_part_has_is_not_in_the_mean():
    even = counts(*(800,) * 6, 799, 0)
    few = coloured(counts_chart({"train": even}), UNDER)
    assert few > coloured(counts_chart({"train": counts(*(800,) * 7, 0)}), UNDER) + 50, "799 is under the mean of seven classes"


def test_every_part_has_a_panel():
    widths = [pixels_of(counts_chart({str(part): counts(*range(8)) for part in range(n)})).shape[:2] for n in (1, 3, 4, 5)]
    assert widths[0][1] < widths[1][1] < widths[2][1] == widths[3][1]
    assert widths[0][0] == widths[2][0] < widths[3][0]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0.0 %"),
        (0, 9, "0.0 %"),
        (1, 400_000, "< 0.1 %"),
        (399_999, 400_000, "> 99.9 %"),
        (1, 8, "12.5 %"),
        (5, 5, "100.0 %"),
    ],
)
def test_shares(part, whole, text):
    assert share_text(part, whole) == text


def test_the_other_charts_draw_the_least_and_the_most():
    for sizes in ({(48, 48): 1}, {(1, 1): 1, (8000, 8000): 400_000}, {(48, 48): 3, (49, 50): 1}):
        assert ink(pixels_of(sizes_chart(sizes))).any()
    assert ink(
        pixels_of(brightness_chart({str(part): np.arange(50) for part in range(9)} | {"none": np.zeros(50, np.int64)}))
    ).any()
    for side in (1, 7):
        names, square = [str(n) for n in range(side)], np.arange(side * side).reshape(side, side) * 10_000
        assert ink(pixels_of(shared_chart({"Sources": (names, square), "Splits": (["train"], np.zeros((1, 1), np.int64))}))).any()
