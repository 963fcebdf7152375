"""Chosen faces of an evaluation: the worst mistakes, and the surest answers with what the net looked at."""

import cv2
import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.common.contact_sheet import sheet
from ferstream.training.study.evaluate.evaluated_model import EvaluatedModel
from ferstream.training.study.evaluate.evaluation import Evaluation
from ferstream.training.study.evaluate.faces import Crops, Picture
from ferstream.training.study.evaluate.grad_cam import grad_cam
from ferstream.training.study.evaluate.named_pictures import answer_text
from ferstream.training.study.evaluate.rollout import attention_rollout
from ferstream.workers.models.card import ModelCard

Places = NDArray[np.int64]

MISTAKES, COLUMNS, SIDE = 40, 8, 120
TITLES = ("attention rollout", "Grad-CAM")


def worst_mistakes(evaluation: Evaluation) -> Places:
    """Places of the wrong answers, the most confident first, at most MISTAKES."""
    sure, wrong = evaluation.probabilities.max(axis=1), _wrong(evaluation)
    return np.array([place for place in np.argsort(-sure, kind="stable") if wrong[place]][:MISTAKES], np.int64)


def mistakes_sheet(evaluation: Evaluation, side: int) -> bytes | None:
    """The PNG of the worst mistakes, cut to `side` as the net saw them; None where every answer is right."""
    places = worst_mistakes(evaluation)
    if not len(places):
        return None
    pictures = [evaluation.faces.crop(int(place), side) for place in places]
    return sheet(pictures, [caption(evaluation, int(place)) for place in places], COLUMNS, SIDE)


def caption(evaluation: Evaluation, place: int) -> str:
    """Label, answer and its probability, in two lines."""
    return answer_text(int(evaluation.faces.labels[place]), evaluation.probabilities[place])


def surest(evaluation: Evaluation, each: int) -> list[tuple[str, list[int], list[int]]]:
    """Each class that the faces have, with the places of its `each` surest right and surest wrong answers."""
    sure, wrong, labels = evaluation.probabilities.max(axis=1), _wrong(evaluation), evaluation.faces.labels
    order = np.argsort(-sure, kind="stable")
    found = []
    for label in sorted(set(labels.tolist())):
        of = order[labels[order] == label]
        found.append((EMOTIONS[label], of[~wrong[of]][:each].tolist(), of[wrong[of]][:each].tolist()))
    return found


def saliency_sheet(evaluation: Evaluation, measured: EvaluatedModel, each: int) -> bytes:
    """The PNG of the surest right and wrong answers of each class, each beside its maps. Raises SaliencyError."""
    chosen = surest(evaluation, each)
    places = [place for _, right, wrong in chosen for place in (*right, *wrong)]
    net, side_px = measured.net(), measured.classifier.card.input_size
    strips = {  # one at a time: memory is that of one picture, however large the net
        place: _strip(evaluation.faces.crop(place, side_px), evaluation.logits[place], net, measured.classifier.card)
        for place in places
    }
    wide = len(next(iter(strips.values())))
    pictures: list[Picture | None] = []
    captions: list[str] = []
    names: list[str] = []
    for name, right, wrong in chosen:
        for row in range(max(len(right), len(wrong))):
            names.append(name if not row else "")
            for side in (right, wrong):
                drawn = side[row : row + 1]
                pictures += strips[drawn[0]] if drawn else [None] * wide
                captions += [caption(evaluation, drawn[0]), *TITLES[-wide + 1 :]] if drawn else [""] * wide
    return sheet(pictures, captions, 2 * wide, SIDE, names)


def chosen_sheet(evaluation: Evaluation, measured: EvaluatedModel) -> bytes:
    """The PNG of the pictures that were asked about, numbered, each beside its maps. Raises SaliencyError."""
    net, temperature = measured.net(), evaluation.temperature.used
    strips = [_strip(picture.crop, picture.logits, net, measured.classifier.card) for picture in evaluation.chosen]
    captions = []
    for picture, strip in zip(evaluation.chosen, strips, strict=True):
        captions += [answer_text(picture.label, picture.probabilities(temperature)), *TITLES[-len(strip) + 1 :]]
    rows = [str(number) for number in range(1, len(strips) + 1)]
    return sheet([cell for strip in strips for cell in strip], captions, len(strips[0]), SIDE, rows)


def _strip(crop: Picture, logits: NDArray[np.float32], net: nn.Module, card: ModelCard) -> list[Picture]:
    """The crop of a face, and the crop under each of its maps."""
    pixels = normalised(crop[None], card)
    answer = torch.tensor([int(logits.argmax())])
    rolled, spoke = attention_rollout(net, pixels), grad_cam(net, pixels, answer)
    return [crop, *(overlay(crop, maps[0]) for maps in (rolled, spoke) if maps is not None)]


def normalised(crops: Crops, card: ModelCard) -> Tensor:
    """Crops (n, side, side, 3) as the net takes them (n, 3, side, side)."""
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    if card.colour == "BGR":
        pixels = pixels.flip(1)
    return (pixels - torch.tensor(card.mean).view(1, 3, 1, 1)) / torch.tensor(card.std).view(1, 3, 1, 1)


def overlay(crop: Picture, heat: NDArray[np.float32]) -> Picture:
    """The crop in grey under a map (h, w), which is stretched from its least value to its largest."""
    span = float(heat.max() - heat.min())
    stretched = (heat - heat.min()) / span if span else np.zeros_like(heat)
    side = crop.shape[0]
    smooth = cv2.resize(stretched, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colours = mpl.colormaps["inferno"](smooth)[..., :3] * 255
    grey = np.repeat(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    weight = 0.15 + 0.55 * smooth[..., None]
    return np.asarray(grey * (1 - weight) + colours * weight, np.uint8)


def _wrong(evaluation: Evaluation) -> NDArray[np.bool_]:
    return np.asarray(evaluation.logits.argmax(axis=1) != evaluation.faces.labels, np.bool_)
