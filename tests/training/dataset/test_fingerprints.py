"""Fingerprints tell the same picture saved anew from another face, and near ones are found exactly."""

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image
from skimage import data

from ferstream.training.classifier.ferplus_pack import FerPlus
from ferstream.training.commands.dataset import dataset
from ferstream.training.dataset.prepare import near_duplicates as module
from ferstream.training.dataset.prepare.fingerprints import BITS, DISTANCE, perceptual_hash, pixel_digest
from ferstream.training.dataset.prepare.near_duplicates import near_duplicates
from tests.support.training_packs import real_pack

FACE = np.ascontiguousarray(data.astronaut()[0:224, 110:334])


def distance(one: np.ndarray, other: np.ndarray) -> int:
    a, b = (np.frombuffer(perceptual_hash(picture), np.uint8) for picture in (one, other))
    return int(np.bitwise_count(a ^ b).sum())


def resaved(picture: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize(
    "anew",
    [
        lambda p: resaved(p, 50),
        lambda p: cv2.resize(p, (100, 100), interpolation=cv2.INTER_AREA),
        lambda p: cv2.resize(p, (48, 48), interpolation=cv2.INTER_AREA),
        lambda p: cv2.resize(p, (256, 256), interpolation=cv2.INTER_CUBIC),
        lambda p: np.clip(p * 1.1, 0, 255).astype(np.uint8),
        lambda p: (p * 0.6 + 20).astype(np.uint8),
        lambda p: np.ascontiguousarray(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)),
    ],
    ids=["jpeg 50", "100 px", "48 px", "256 px", "brighter", "flatter", "grey"],
)
def test_a_picture_saved_anew_is_near(anew) -> None:
    assert distance(FACE, anew(FACE)) <= DISTANCE


def test_another_picture_is_far() -> None:
    other = np.ascontiguousarray(data.astronaut()[200:424, 110:334])
    assert distance(FACE, other) > 2 * DISTANCE
    assert distance(FACE, np.ascontiguousarray(FACE[:, ::-1])) > DISTANCE


def test_the_hash_is_that_of_imagehash() -> None:
    grey = cv2.cvtColor(FACE, cv2.COLOR_RGB2GRAY)
    theirs = np.packbits(imagehash.phash(Image.fromarray(grey), hash_size=16, highfreq_factor=2).hash)
    ours = np.frombuffer(perceptual_hash(FACE), np.uint8)
    assert np.bitwise_count(ours ^ theirs).sum() <= 12, "they only make it smaller in another way"


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (224, 224), (224, 224, 3)])
def test_pictures_without_anything_on_them_are_one(shape: tuple[int, ...]) -> None:
    hashes = {perceptual_hash(np.full(shape, value, np.uint8)) for value in (1, 77, 255)}
    assert len(hashes) == 1, "whole numbers leave no noise of rounding"
    assert len(hashes.pop()) * 8 == BITS


def test_a_digest_is_of_shape_and_values() -> None:
    plain = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert pixel_digest(plain) == pixel_digest(np.asfortranarray(plain))
    assert pixel_digest(plain) != pixel_digest(plain.reshape(4, 2, 3))
    assert pixel_digest(plain) != pixel_digest(plain + np.uint8(1))
    assert len(pixel_digest(plain)) == 64


def test_near_pairs_of_real_faces_are_one_photograph() -> None:
    """Of 4,000 faces, those that are taken for one picture look alike pixel by pixel, too."""
    faces = FerPlus.open(real_pack("ferplus_trainval.npz"), "val").faces[:4000]
    clusters = near_duplicates(np.array([np.frombuffer(perceptual_hash(face), np.uint8) for face in faces]), DISTANCE)
    found = [np.flatnonzero(clusters == cluster) for cluster in np.flatnonzero(np.bincount(clusters) > 1)]
    assert len(found) > 20
    for members in found:
        one, other = (cv2.GaussianBlur(faces[i], (0, 0), 2).ravel().astype(float) for i in members[:2])
        assert np.corrcoef(one, other)[0, 1] > 0.9, members


def test_few_real_photographs_that_are_there_twice_are_missed() -> None:
    """Of pairs that are alike pixel by pixel, however cut and saved, the most are in one cluster, and so in one split."""
    faces = FerPlus.open(real_pack("ferplus_trainval.npz"), "val").faces
    clusters = near_duplicates(np.array([np.frombuffer(perceptual_hash(face), np.uint8) for face in faces]), DISTANCE)
    small = [cv2.resize(cv2.GaussianBlur(face, (0, 0), 1), (24, 24), interpolation=cv2.INTER_AREA) for face in faces]
    vectors = np.stack(small).reshape(len(faces), -1).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    one, other = np.nonzero(np.triu(vectors @ vectors.T > 0.97, 1))
    assert len(one) > 40
    assert (clusters[one] != clusters[other]).mean() < 0.2


@pytest.mark.parametrize("name", ["inspect", "prepare"])
def test_commands_take_this_distance_and_none_that_looks_at_every_pair(name: str) -> None:
    """Their help is there without these modules, so that the numbers are written twice."""
    (option,) = [option for option in dataset.commands[name].params if option.name == "distance"]
    assert option.default == DISTANCE or str(DISTANCE) == option.show_default
    bands = np.zeros((2, BITS // module.BAND), np.uint16)
    searches = [len(list(module._searches(bands, most))) for most in (option.type.max, option.type.max + 1)]
    assert searches == [BITS // module.BAND, 1]


def brute_force(hashes: np.ndarray, most: int) -> list[int]:
    """Clusters by looking at every pair."""
    cluster = list(range(len(hashes)))
    for i in range(len(hashes)):
        for j in range(i):
            if np.bitwise_count(hashes[i] ^ hashes[j]).sum() <= most and cluster[i] != cluster[j]:
                old, new = cluster[i], cluster[j]
                cluster = [new if c == old else c for c in cluster]
    numbers: dict[int, int] = {}
    return [numbers.setdefault(c, len(numbers)) for c in cluster]


def relatives(random: np.random.Generator, families: int, size: int, flips: int, width: int) -> np.ndarray:
    """Hashes (families * size, width), each a few bits from its family's first one."""
    bits = np.repeat(random.integers(0, 2, (families, width * 8)), size, axis=0)
    for row in bits:
        places = random.choice(width * 8, random.integers(0, flips + 1), replace=False)
        row[places] ^= 1
    return np.packbits(bits[random.permutation(len(bits))].astype(np.uint8), axis=1)


@pytest.mark.parametrize("most", [0, 1, 7, 15, 16, 22, 30, 33, 60, 120, 256])
def test_clusters_are_those_of_looking_at_every_pair(most: int) -> None:
    random = np.random.default_rng(most)
    hashes = relatives(random, 12, 6, min(most, 40), 32)
    expected = brute_force(hashes, most)
    assert near_duplicates(hashes, most).tolist() == expected
    assert most > 60 or max(expected) > 4, "not all are one"


@pytest.mark.parametrize(("width", "most"), [(2, 3), (8, 5), (8, 12), (18, 20)])
def test_hashes_of_any_even_width(width: int, most: int) -> None:
    hashes = relatives(np.random.default_rng(0), 10, 4, most, width)
    assert near_duplicates(hashes, most).tolist() == brute_force(hashes, most)


def test_small_steps_of_memory_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = relatives(np.random.default_rng(5), 20, 10, 20, 32)
    whole = near_duplicates(hashes, 20)
    monkeypatch.setattr(module, "PAIRS", 7)
    assert np.array_equal(near_duplicates(hashes, 20), whole)


def test_many_of_the_same_cost_no_more_than_one() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 256, (30_000, 32), dtype=np.uint8)
    hashes[5_000:25_000] = hashes[0]
    clusters = near_duplicates(hashes, DISTANCE)
    assert (clusters == 0).sum() == 20_001
    assert clusters.max() + 1 == 10_000


def test_none_and_one() -> None:
    assert near_duplicates(np.zeros((0, 32), np.uint8), DISTANCE).tolist() == []
    assert near_duplicates(np.zeros((1, 32), np.uint8), 0).tolist() == [0]
