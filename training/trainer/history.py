"""A run's history: a CSV table with one line an epoch, which people and plots read."""

import csv
import io
import math
from pathlib import Path
from typing import Any

from ferstream.training.common.json_file import write_bytes
from ferstream.training.common.messages import first_line
from ferstream.training.trainer.checkpoint import RunError

HISTORY = "history.csv"
AGAIN = "bring it back from a copy, or train again in a fresh folder"

EpochRow = dict[str, float]


class History:
    """The history in the folder `out`, of which `done` epochs are over: what follows them is written again.

    Raises RunError where one of these epochs, or one of the `columns` in it, cannot be read.
    """

    def __init__(self, out: Path, done: int, columns: tuple[str, ...] = ("epoch",)) -> None:
        self._path = out / HISTORY
        self.rows = read_history(self._path, columns)[:done] if done else []
        if len(self.rows) < done:
            raise RunError(f"the history {self._path} has no epoch {len(self.rows) + 1}, and {done} are over: {AGAIN}")

    def append(self, row: EpochRow) -> None:
        """Write one more epoch. Figures that only some epochs have leave a gap in the others. Raises WriteError."""
        self.rows.append(row)
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(as_texts(row) for row in self.rows)
        write_bytes(self._path, text.getvalue().encode())


def as_texts(row: EpochRow) -> dict[str, str]:
    """The figures as people read them, to six digits."""
    return {name: f"{value:.6g}" for name, value in row.items()}


def read_history(path: Path, columns: tuple[str, ...]) -> list[EpochRow]:
    """One row an epoch, from the first; each has the `columns`. A loss may be infinite or nan. Raises RunError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_epoch(number, row, columns) for number, row in enumerate(csv.DictReader(file), 1)]
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"cannot read the history {path} ({first_line(error)}): {AGAIN}") from error


def _epoch(number: int, row: dict[Any, Any], columns: tuple[str, ...]) -> EpochRow:
    """The numbers in a line. Raises ValueError."""
    if missing := [name for name in columns if not row.get(name)]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if None in row:
        raise ValueError("a line has more cells than the first one")
    numbers = {name: float(value) for name, value in row.items() if value}
    if strange := [name for name, value in numbers.items() if not name.endswith("loss") and not math.isfinite(value)]:
        raise ValueError(f"{strange[0]} is {numbers[strange[0]]}")
    if numbers["epoch"] != number:
        raise ValueError(f"epoch {number} is not in its line")
    return numbers
