"""The history of a run: a table that grows by a line an epoch, and goes on where its run does."""

from pathlib import Path

import pytest

from ferstream.training.trainer.checkpoint import RunError
from ferstream.training.trainer.history import HISTORY, History


def test_figures_of_some_epochs_leave_gaps_in_the_others(tmp_path: Path) -> None:
    history = History(tmp_path, 0)
    history.append({"epoch": 1, "train_loss": 2.0})
    history.append({"epoch": 2, "train_loss": 1.23456789, "majority": 0.5})
    assert (tmp_path / HISTORY).read_text() == "epoch,train_loss,majority\n1,2,\n2,1.23457,0.5\n"


def test_what_follows_the_last_checkpoint_is_written_again(tmp_path: Path) -> None:
    first = History(tmp_path, 0)
    for epoch in (1, 2, 3):
        first.append({"epoch": epoch, "train_loss": 3.0 - epoch})
    History(tmp_path, 2).append({"epoch": 3, "train_loss": 0.5})
    assert (tmp_path / HISTORY).read_text() == "epoch,train_loss\n1,2\n2,1\n3,0.5\n"
    History(tmp_path, 0).append({"epoch": 1, "train_loss": 9.0})
    assert (tmp_path / HISTORY).read_text() == "epoch,train_loss\n1,9\n", "another run in the same folder"


@pytest.mark.parametrize("content", [None, b"epoch,train_loss\none,2\n", b"loss\n2\n", b"\xff", b"epoch\n1,2\n", b"epoch\n2\n"])
def test_a_history_that_is_gone_or_broken_says_so(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / HISTORY).write_bytes(content)
    with pytest.raises(RunError, match=r"cannot read the history.*bring it back from a copy"):
        History(tmp_path, 1)


def test_epochs_that_are_over_and_columns_that_are_needed_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / HISTORY).write_text("epoch,val_loss\n1,2\n2,\n")
    assert History(tmp_path, 2).rows == [{"epoch": 1, "val_loss": 2}, {"epoch": 2}]
    with pytest.raises(RunError, match="it lacks val_loss"):
        History(tmp_path, 2, ("epoch", "val_loss"))
    with pytest.raises(RunError, match="has no epoch 3, and 3 are over"):
        History(tmp_path, 3)
