"""Augmented copies are Keras's: exact where pixels stay whole, and as SciPy and Pillow have them where they do not."""

from collections.abc import Callable
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.ndimage import affine_transform
from skimage import data

from ferstream.training.dataset.augment.augmentation import Augmentation, RangeError, Ranges, augmented

FACE = np.ascontiguousarray(data.astronaut()[60:170, 170:270])  # (110, 100, 3)


def keras(pixels: np.ndarray, drawn: Augmentation) -> np.ndarray:
    """The copy by SciPy, its matrix written out: keras-preprocessing 1.1.2 with the centre and the brightness of Keras 3."""
    height, width = pixels.shape[:2]
    c, s = np.cos(np.deg2rad(drawn.rotation)), np.sin(np.deg2rad(drawn.rotation))
    zy, zx, ty, tx = drawn.zoom_rows, drawn.zoom_columns, drawn.shift_rows * height, drawn.shift_columns * width
    y0, x0 = (height - 1) / 2, (width - 1) / 2
    matrix = [[c * zy, -s * zx], [s * zy, c * zx]]
    offset = [y0 - c * zy * y0 + s * zx * x0 + c * ty - s * tx, x0 - s * zy * y0 - c * zx * x0 + s * ty + c * tx]
    channels = [pixels[..., i].astype(np.float32) for i in range(3)]
    moved = np.stack([affine_transform(channel, matrix, offset, order=1, mode="nearest") for channel in channels], axis=-1)
    if drawn.flip:
        moved = moved[:, ::-1]
    whole = moved.astype(np.uint8)  # fractions are cut off, where ours are rounded
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(whole)).enhance(drawn.brightness))


ALL = Augmentation(
    rotation=7.5, shift_rows=-0.13, shift_columns=0.08, zoom_rows=0.7, zoom_columns=1.35, flip=True, brightness=0.55
)


@pytest.mark.parametrize(
    "drawn",
    [
        *(Augmentation(**{name: value}) for name, value in asdict(ALL).items()),
        Augmentation(rotation=-10),
        Augmentation(zoom_rows=0.4, zoom_columns=1.6),
        Augmentation(zoom_rows=1.6, zoom_columns=0.4),
        Augmentation(shift_rows=0.2, shift_columns=-0.2),
        ALL,
        replace(ALL, flip=False, rotation=-9),
    ],
    ids=str,
)
def test_a_copy_is_that_of_keras(drawn: Augmentation) -> None:
    ours, theirs = drawn.apply(FACE).astype(int), keras(FACE, drawn).astype(int)
    difference = np.abs(ours - theirs)
    assert difference.mean() < 0.8  # half a level is cut off there
    assert np.quantile(difference, 0.999) <= 4  # OpenCV 4 takes places to 1/32 px
    unmoved = np.abs(FACE.astype(int) - theirs)
    assert unmoved.mean() > 4, "the effect is there to be seen"


def test_two_hundred_draws_are_those_of_keras() -> None:
    for seed in range(200):
        drawn = Augmentation.draw(np.random.default_rng(seed), Ranges())
        difference = np.abs(drawn.apply(FACE).astype(int) - keras(FACE, drawn).astype(int))
        assert difference.mean() < 0.8, drawn
        assert np.quantile(difference, 0.999) <= 4, drawn


def test_nothing_drawn_changes_nothing() -> None:
    assert np.array_equal(Augmentation().apply(FACE), FACE)


TURNS = [(90, lambda p: np.rot90(p, -1)), (-90, np.rot90), (180, lambda p: p[::-1, ::-1])]


@pytest.mark.parametrize(("degrees", "turned"), TURNS, ids=["90", "-90", "180"])
@pytest.mark.parametrize("side", [8, 9, 48])
def test_a_quarter_turn_is_about_the_centre_to_the_pixel(
    degrees: float, turned: Callable[[np.ndarray], np.ndarray], side: int
) -> None:
    face = np.ascontiguousarray(FACE[:side, :side])
    assert np.array_equal(Augmentation(rotation=degrees).apply(face), turned(face))
    assert np.array_equal(keras(face, Augmentation(rotation=degrees)), turned(face))


def test_a_zoom_about_the_centre_takes_whole_places() -> None:
    copy = Augmentation(zoom_rows=1 / 3, zoom_columns=1 / 3).apply(FACE[:9, :9].copy())
    assert np.array_equal(copy[1::3, 1::3], FACE[3:6, 3:6])


def test_whole_places_are_exactly_those_of_scipy() -> None:
    drawn = Augmentation(shift_rows=0.2, shift_columns=-0.1, rotation=180, flip=True, brightness=0.55)  # 22 and 10 px
    assert np.array_equal(drawn.apply(FACE), keras(FACE, drawn))


def test_brightness_multiplies_every_level_as_pillow_does() -> None:
    levels = np.repeat(np.arange(200, dtype=np.uint8).reshape(1, -1, 1), 3, axis=2)
    for brightness in (0.2, 0.37, 0.6, 1.3):
        copy = Augmentation(brightness=brightness).apply(levels)
        assert np.array_equal(copy, np.asarray(ImageEnhance.Brightness(Image.fromarray(levels)).enhance(brightness)))
    dark = Augmentation(brightness=0.5).apply(levels)
    assert dark.max() == 99, "the largest value of a picture is not stretched to 255 first"


def test_a_shift_takes_what_lies_further_on_and_repeats_the_edge() -> None:
    picture = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 20, 3), np.uint8)
    down = Augmentation(shift_rows=0.2).apply(picture)  # two rows of ten
    assert down[:, 0, 0].tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 9, 9]
    across = Augmentation(shift_columns=-0.1).apply(np.ascontiguousarray(picture.transpose(1, 0, 2)))
    assert across[0, :, 0].tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]


def test_a_zoom_below_one_enlarges_its_own_axis() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[24:40, 24:40] = 255
    copy = Augmentation(zoom_rows=0.5).apply(picture)[..., 0] > 127
    assert (copy.any(axis=1).sum(), copy.any(axis=0).sum()) == (32, 16)
    copy = Augmentation(zoom_columns=1.6).apply(picture)[..., 0] > 127
    assert (copy.any(axis=1).sum(), copy.any(axis=0).sum()) == (16, 10)


def test_brightness_multiplies_and_saturates() -> None:
    picture = np.array([[[0, 101, 200]]], np.uint8)
    assert Augmentation(brightness=0.5).apply(picture).tolist() == [[[0, 50, 100]]]
    assert Augmentation(brightness=2).apply(picture).tolist() == [[[0, 202, 255]]]


def test_flip_mirrors_columns_and_grey_stays_grey() -> None:
    assert np.array_equal(Augmentation(flip=True).apply(FACE), FACE[:, ::-1])
    grey = np.repeat(FACE[..., :1], 3, axis=2)
    copy = ALL.apply(grey)
    assert np.array_equal(copy[..., 0], copy[..., 1])
    assert np.array_equal(copy[..., 1], copy[..., 2])


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (37, 2, 3)])
def test_pictures_of_any_shape_keep_it(shape: tuple[int, int, int]) -> None:
    assert ALL.apply(np.full(shape, 200, np.uint8)).tolist() == np.full(shape, 110, np.uint8).tolist()


def test_draws_are_uniform_within_the_ranges_of_the_study() -> None:
    random = np.random.default_rng(1)
    drawn = [asdict(Augmentation.draw(random, Ranges())) for _ in range(4000)]
    limits = {
        "rotation": (-10, 10), "shift_rows": (-0.2, 0.2), "shift_columns": (-0.2, 0.2), "zoom_rows": (0.4, 1.6),
        "zoom_columns": (0.4, 1.6), "brightness": (0.2, 0.6),
    }  # fmt: skip
    assert {*limits, "flip"} == {field.name for field in fields(Augmentation)}
    for name, (low, high) in limits.items():
        values = (np.array([one[name] for one in drawn]) - low) / (high - low)
        assert 0 <= values.min() < 0.01, name
        assert 0.99 < values.max() <= 1, name
        assert np.histogram(values, 4, (0, 1))[0].min() > 900, name
    assert 1850 < sum(one["flip"] for one in drawn) < 2150
    zooms = np.array([[one["zoom_rows"], one["zoom_columns"]] for one in drawn])
    assert abs(np.corrcoef(zooms.T)[0, 1]) < 0.05, "each axis has a zoom of its own"


def test_one_range_can_be_changed_alone() -> None:
    plain, flat = (
        Augmentation.draw(np.random.default_rng(4), ranges) for ranges in (Ranges(), Ranges(rotation=0, flip=False, zoom=0.1))
    )
    assert flat.rotation == 0
    assert not flat.flip
    assert (flat.shift_rows, flat.shift_columns, flat.brightness) == (plain.shift_rows, plain.shift_columns, plain.brightness)


def test_a_copy_follows_from_seed_picture_and_number() -> None:
    same = [augmented(FACE, "ab" * 32, 1, 0, Ranges()) for _ in range(2)]
    assert np.array_equal(*same)
    others = [("ab" * 32, 2, 0), ("ab" * 32, 1, 1), ("cd" * 32, 1, 0)]
    assert not any(np.array_equal(same[0], augmented(FACE, *other, Ranges())) for other in others)


@pytest.mark.parametrize(
    "wrong",
    [{"zoom": 1.0}, {"zoom": -0.1}, {"shift": 1.5}, {"rotation": 181}, {"brightness": (0.6, 0.2)}, {"brightness": (-1, 1)},
     {"brightness": (0.0, float("inf"))}, {"rotation": float("nan")}],
)  # fmt: skip
def test_ranges_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RangeError, match="nothing can be drawn"):
        Ranges(**wrong)  # type: ignore[arg-type]
