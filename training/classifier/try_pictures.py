"""Pictures of one's own with the faces drawn on them that the models find."""

from pathlib import Path

import cv2

from ferstream.streams.wire.messages import Face
from ferstream.workers.faces.picture import PictureError
from ferstream.workers.models.detector import Picture

INK, PAPER = (255, 200, 0), (20, 20, 20)


def draw(picture: Picture, faces: list[Face]) -> Picture:
    """A copy of the picture with a box and a name around every face."""
    drawn = picture.copy()
    size = max(0.4, max(picture.shape[:2]) / 1600)
    for face in faces:
        x0, y0, x1, y1 = (round(value) for value in face.box)
        label = face.emotion if face.confidence is None else f"{face.emotion} {face.confidence:.0%}"
        (width, height), base = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        top = max(y0, height + base)  # a label above the frame comes down into it
        cv2.rectangle(drawn, (x0, y0), (x1, y1), INK, max(1, round(2 * size)), cv2.LINE_AA)
        cv2.rectangle(drawn, (x0, top - height - base), (x0 + width, top), INK, cv2.FILLED)
        cv2.putText(drawn, label, (x0, top - base // 2 - 1), cv2.FONT_HERSHEY_SIMPLEX, size, PAPER, 1, cv2.LINE_AA)
    return drawn


def write_picture(path: Path, picture: Picture) -> None:
    """Write `picture` in the form that the name of the file says. Raises PictureError, also where there is such a file."""
    if path.exists():
        raise PictureError("not-written", f"{path} is there already: name another --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    except (OSError, cv2.error) as error:
        raise PictureError("not-written", f"cannot write {path}: {str(error).strip().splitlines()[0]}") from error
    if not written:
        raise PictureError("not-written", f"cannot write {path}")
