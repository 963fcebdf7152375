"""Model cards: what a net is, how its input is prepared, what it was trained on and how good it is."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from ferstream.streams.errors import FerstreamError

CARD = "card.json"
PAGE, PICTURE = "CARD.md", "card.png"  # the card for people
SAFETENSORS = "weights.safetensors"
ONNX = "model.onnx"
#: Packaged models, by the task they serve.
PACKAGED = {task: Path(__file__).parent / "weights" / task for task in ("detector", "classifier")}


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
    input_size: int  # pixels: the detector's long side, the classifier's side
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    colour: Literal["RGB", "BGR"] = "RGB"
    resize: Literal["fit", "stretch"] = "fit"  # detector: keep the proportions, or take a square whatever they are
    levels: tuple[Any, ...] = ()  # detector: `Levels` or `Priors` of anchors.py
    score_threshold: float = 0.5  # detector: a box under it is no face
    iou_threshold: float = 0.45  # detector: non-maximum suppression
    margin: float = 0.0  # classifier: the box's longer side grows by this fraction before it is cut
    temperature: float = 1.0  # classifier: logits are divided by it
    least_probability: float = 0.0  # classifier: under it, no emotion is named
    least_quality: float = 0.0  # classifier: a face with less to see is not named
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
            unknown = set(raw) - {f.name for f in fields(cls)}
            if unknown:
                raise ModelError(f"{path}: unknown fields {', '.join(sorted(unknown))}")
            card = cls(**{key: _tuples(value) if key != "options" else value for key, value in raw.items()})
        except OSError as error:
            raise ModelError(f"no model in {folder}: {error.strerror} ({CARD})") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError(f"{path} is no model card: {error}") from error
        if wrong := card.wrong_fields():
            raise ModelError(f"{path}: these fields have no value that can be served: {', '.join(wrong)}")
        return card

    def wrong_fields(self) -> list[str]:
        """Names of the fields that hold what nobody can serve."""
        chosen = {"task": ("detector", "classifier"), "colour": ("RGB", "BGR"), "resize": ("fit", "stretch")}
        wrong = [name for name, values in chosen.items() if getattr(self, name) not in values]
        shares = ("score_threshold", "iou_threshold", "least_probability", "least_quality", "margin", "temperature")
        wrong += [name for name in shares if not _is_number(getattr(self, name), 0)]
        for name in ("mean", "std"):
            values = getattr(self, name)
            wrong += [name] * (len(values) != 3 or not all(map(_is_number, values)))
        wrong += ["input_size"] * (not _is_number(self.input_size, 1))
        shaped = self.levels and all(isinstance(level, tuple) and len(level) in {2, 3} for level in self.levels)
        return wrong + ["levels"] * (self.task == "detector" and not shaped)

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


def _is_number(value: object, least: float = -math.inf) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= least


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
