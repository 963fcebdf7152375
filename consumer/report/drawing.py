"""Drawing on a picture: a box around each face with the track's number, the emotion's name and a bar; or blocks over the face."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ferstream.consumer.report.colours import LOOKS
from ferstream.consumer.report.marks import Box, MarkedFace
from ferstream.streams.wire.emotions import UNKNOWN

Picture = NDArray[np.uint8]  # (height, width, 3), BGR

#: Of boxes and labels by emotion, BGR: those of the report.
COLOURS = {name: (int(look.colour[5:], 16), int(look.colour[3:5], 16), int(look.colour[1:3], 16)) for name, look in LOOKS.items()}
_INK = (20, 20, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX

#: What is hidden is larger than the box by this share of its sides, on each side: hair, ears and chin tell a person too.
HIDDEN_MARGIN = 0.25
#: Blocks along the longer side of what is hidden: three or so across the face itself.
BLOCKS = 5


def draw_face(picture: Picture, face: MarkedFace) -> None:
    """Draw one face into the picture: box, `3 happiness 96%` above it, a bar of the probability below that."""
    height, width = picture.shape[:2]
    unit = max(1, round(max(height, width) / 640))  # a line, in pixels
    colour = COLOURS.get(face.emotion, COLOURS[UNKNOWN])
    x1, y1, x2, y2 = (round(value) for value in face.box)
    cv2.rectangle(picture, (x1, y1), (x2, y2), colour, unit)
    text = label_of(face)
    scale = 0.4 * unit
    (wide, high), below = cv2.getTextSize(text, _FONT, scale, unit)
    bar = 3 * unit
    tall = high + below + bar + 2 * unit
    left = max(0, min(x1, width - wide - 4 * unit))
    top = y1 - tall if y1 >= tall else min(y2, height - tall)
    right = left + wide + 4 * unit
    cv2.rectangle(picture, (left, top), (right, top + tall), colour, cv2.FILLED)
    cv2.putText(picture, text, (left + 2 * unit, top + high + unit), _FONT, scale, _INK, unit, cv2.LINE_AA)
    cv2.rectangle(picture, (left, top + tall - bar), (right, top + tall), (90, 90, 90), cv2.FILLED)
    filled = left + round((right - left) * (face.confidence or 0.0))
    cv2.rectangle(picture, (left, top + tall - bar), (filled, top + tall), _INK, cv2.FILLED)


def label_of(face: MarkedFace) -> str:
    """What stands above a face: `3 happiness 96%`. Names of emotions are those of the wire, in letters of ASCII."""
    number = "" if face.track is None else f"{face.track} "
    likely = "" if face.confidence is None else f" {face.confidence:.0%}"
    return f"{number}{face.emotion}{likely}"


def hide_face(picture: Picture, box: Box) -> None:
    """Replace a face and what is around it with BLOCKS blocks, each the mean of what it covers."""
    height, width = picture.shape[:2]
    across, along = HIDDEN_MARGIN * (box[2] - box[0]), HIDDEN_MARGIN * (box[3] - box[1])
    x1, y1 = max(0, int(box[0] - across)), max(0, int(box[1] - along))
    x2, y2 = min(width, int(box[2] + across) + 1), min(height, int(box[3] + along) + 1)
    if x2 <= x1 or y2 <= y1:
        return
    part = picture[y1:y2, x1:x2]
    longest = max(part.shape[:2])
    blocks = [max(1, round(BLOCKS * side / longest)) for side in (x2 - x1, y2 - y1)]
    small = cv2.resize(part, blocks, interpolation=cv2.INTER_AREA)
    picture[y1:y2, x1:x2] = cv2.resize(small, (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)
