"""Model cards: what a net is, how its input is prepared, what it was trained on and how good it is."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from ferstream.streams.errors import FerstreamError

CARD = "card.json"
PAGE, PICTURE = "CARD.md", "card.png"  # the card for people
SAFETENSORS = "weights.safetensors"
ONNX = "model.onnx"
#: Packaged models, by the task they serve.
PACKAGED = {task: Path(__file__).parent / "weights" / task for task in ("detector", "classifier")}

Number = Annotated[float, Meta(ge=-1e6, le=1e6)]  # neither end lets an infinity or what is no number through
Amount = Annotated[float, Meta(ge=0, le=1e6)]
#: One of `Levels` or `Priors` of anchors.py: a stride, the sides or shapes of its boxes, and rows and columns where fixed.
Level = Annotated[tuple[int | float | tuple[int | float | tuple[float, float], ...], ...], Meta(min_length=2, max_length=3)]


class ModelError(FerstreamError):
    """A model cannot be used: its card or a weight file is missing, unreadable, altered, or of another kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model folder's `card.json`. Preprocessing and serving read these fields; nothing restates them.

    `mean` and `std` apply to values of 0..1, per channel in the order of `colour`. `sha256` names each weight file's digest.
    """

    name: str
    task: Literal["detector", "classifier"]
    architecture: str
    options: dict[str, Any] = field(default_factory=dict)  # arguments of the architecture
    labels: tuple[str, ...]
    input_size: Annotated[int, Meta(ge=1)]  # pixels: the detector's long side, the classifier's side
    mean: tuple[Number, Number, Number] = (0.5, 0.5, 0.5)
    std: tuple[Number, Number, Number] = (0.5, 0.5, 0.5)
    colour: Literal["RGB", "BGR"] = "RGB"
    resize: Literal["fit", "stretch"] = "fit"  # detector: keep the proportions, or take a square whatever they are
    levels: tuple[Level, ...] = ()  # detector
    score_threshold: Amount = 0.5  # detector: a box under it is no face
    iou_threshold: Amount = 0.45  # detector: non-maximum suppression
    margin: Amount = 0.0  # classifier: the box's longer side grows by this fraction before it is cut
    temperature: Amount = 1.0  # classifier: logits are divided by it
    least_probability: Amount = 0.0  # classifier: under it, no emotion is named
    least_quality: Amount = 0.0  # classifier: a face with less to see is not named
    data: tuple[dict[str, str], ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    command: str = ""  # prints the figures
    retrain: str = ""  # makes the model
    limits: tuple[str, ...] = ()
    sha256: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The card in `folder`. Raises ModelError where it is missing, no JSON, or has a wrong field."""
        path = folder / CARD
        try:
            raw = json.loads(path.read_text("utf-8"))
            card = msgspec.convert(raw, cls)
        except OSError as error:
            raise ModelError(f"no model in {folder}: {error.strerror} ({CARD})") from error
        except msgspec.ValidationError as error:
            raise ModelError(_complaint(path, error)) from error
        except ValueError as error:
            raise ModelError(f"{path} is no model card: {error}") from error
        known = [each.name for each in fields(cls)]
        if unknown := sorted(set(raw) - set(known)):
            near = get_close_matches(unknown[0], known, 1)
            raise ModelError(f"{path}: unknown fields {', '.join(unknown)}" + (f"; did you mean {near[0]}?" if near else ""))
        if card.task == "detector" and not card.levels:
            raise ModelError(f"{path}: a detector without anchors; this field has no value that can be served: levels")
        return card

    def write(self, folder: Path) -> None:
        """Write `card.json` into `folder`."""
        (folder / CARD).write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")

    def weights(self, folder: Path, file: str) -> bytes:
        """The bytes of a weight file. Raises ModelError where it is missing or its SHA-256 is not the card's."""
        try:
            data = (folder / file).read_bytes()
        except OSError as error:
            raise ModelError(
                f"{folder / file} is missing ({error.strerror}): reinstall ferstream or name other weights"
            ) from error
        digest = hashlib.sha256(data).hexdigest()
        if digest != self.sha256.get(file):
            expected = self.sha256.get(file, "no digest")
            raise ModelError(f"{folder / file} was altered: sha256 {digest[:12]}…, the card says {expected[:12]}…")
        return data


def _complaint(path: Path, error: msgspec.ValidationError) -> str:
    """What msgspec found wrong, and the field that it is in."""
    what, _, place = str(error).partition(" - at `$")
    name = place.strip("`.").partition(".")[0].partition("[")[0]
    if not name:
        return f"{path} is no model card: {what}"
    return f"{path}: {what[0].lower()}{what[1:]}; this field has no value that can be served: {name}"
