"""What the packaged models reach, as two tables in Markdown: from their cards, for README and for `fer-train summary`."""

from typing import Any

from ferstream.training.common.tables import markdown
from ferstream.workers.models.card import ModelCard, ModelError

DETECTOR_ROWS = {
    "ap50_side24": "AP at IoU 0.5, faces of 24 px and more",
    "ap50_side48": "AP at IoU 0.5, faces of 48 px and more",
    "ap50": "AP at IoU 0.5, all faces",
    "score_threshold": "working threshold",
    "recall": "recall there, all faces",
    "precision": "precision there",
    "false_positives_per_faceless_picture": "false faces a picture without any",
    "ms_per_picture": "milliseconds a picture, one core",
}


def summary(detector: ModelCard, classifier: ModelCard) -> list[str]:
    """The lines of both tables. Raises ModelError where a card is of another task, or has no figures of val."""
    for card, task in ((detector, "detector"), (classifier, "classifier")):
        if card.task != task or "val" not in card.figures:
            raise ModelError(f"{card.name} is no {task} with figures of val: name the folder of one that fer-train fit made")
    try:
        return [*_detector_lines(detector), "", *_classifier_lines(classifier)]
    except KeyError as error:
        raise ModelError(f"a card lacks {error}: it was made by an older ferstream, make the model again") from error


def _detector_lines(card: ModelCard) -> list[str]:
    figures = card.figures["val"]
    columns: dict[str, dict[str, Any]] = {f"ours, {card.name}": figures} | figures.get("beside", {})
    head = f"face detection on val: {figures['n']} pictures, {figures['faces']} faces"
    rows = [[label, *(_number(column[key]) for column in columns.values())] for key, label in DETECTOR_ROWS.items()]
    return markdown([head, *columns], rows)


def _classifier_lines(card: ModelCard) -> list[str]:
    majority, argmax8 = card.figures["val"]["majority"], card.figures["val"]["argmax8"]
    columns = {f"majority, n = {majority['n']:,}": majority, f"argmax-8, n = {argmax8['n']:,}": argmax8}
    rows = [
        ["accuracy (95 % interval)", *(_share(c["accuracy"], c["accuracy_from"], c["accuracy_to"]) for c in columns.values())],
        [
            "the same with the mirrored face too, which is not served",
            *(_number(c["accuracy_with_flip"]) for c in columns.values()),
        ],
        ["calibration error on the half of val that nothing was fitted on", *(_number(c["ece"]) for c in columns.values())],
        ["share of faces that are named, and accuracy of the names", *(_named(c["named"]) for c in columns.values())],
    ]
    for emotion in sorted(card.labels, key=lambda name: -majority["per_class"][name]["recall"]):
        per_class = [column["per_class"][emotion] for column in columns.values()]
        rows.append(
            [f"recall of {emotion}", *(f"{_share(c['recall'], c['recall_from'], c['recall_to'])} of {c['n']}" for c in per_class)]
        )
    return markdown([f"apparent expression on FER+ val, {card.name}", *columns], rows)


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.3f}"


def _share(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _named(figures: dict[str, float]) -> str:
    return f"{figures['coverage']:.3f}, {figures['accuracy']:.3f}"
