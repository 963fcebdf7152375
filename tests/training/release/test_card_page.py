"""The card for people says what the card for programs says."""

from ferstream.training.release.card_page import page
from ferstream.workers.models.card import PACKAGED, PAGE, PICTURE, ModelCard


def test_a_page_has_every_figure_limit_source_and_digest() -> None:
    card = ModelCard.read(PACKAGED["classifier"])
    text = "\n".join(page(card))
    assert f"{card.figures['val']['majority']['accuracy']:.4g}" in text
    for said in (*card.limits, *card.sha256.values(), *(row["licence"] for row in card.data), card.command, card.retrain):
        assert said in text
    for emotion in card.labels:
        assert f"| {emotion} |" in text
    assert "research only" in text
    assert "not the inner state" in text


def test_the_packaged_pages_are_those_of_their_cards() -> None:
    for folder in PACKAGED.values():
        assert (folder / PAGE).read_text("utf-8") == "\n".join(page(ModelCard.read(folder))) + "\n"
        assert (folder / PICTURE).read_bytes().startswith(b"\x89PNG")
