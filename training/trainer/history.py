"""A run's history: a CSV table with one line an epoch, which people and plots read."""

import csv
import io
from pathlib import Path

from ferstream.streams.service.atomic_file import whole_file
from ferstream.training.common.messages import first_line
from ferstream.training.trainer.checkpoint import RunError

HISTORY = "history.csv"

Row = dict[str, float]


class History:
    """The history in the folder `out`, of which `done` epochs are over: what follows them is written again. Raises RunError."""

    def __init__(self, out: Path, done: int) -> None:
        self._path = out / HISTORY
        self.rows = _read(self._path, done) if done else []

    def append(self, row: Row) -> None:
        """Write one more epoch. Figures that only some epochs have leave a gap in the others. Raises WriteError."""
        self.rows.append(row)
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(as_texts(row) for row in self.rows)
        with whole_file(self._path) as file:
            file.write(text.getvalue().encode())


def as_texts(row: Row) -> dict[str, str]:
    """The figures as people read them, to six digits."""
    return {name: f"{value:.6g}" for name, value in row.items()}


def _read(path: Path, done: int) -> list[Row]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
        return [row for row in rows if row["epoch"] <= done]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        again = "bring it back from a copy, or train again in a fresh folder"
        raise RunError(f"cannot read the history {path} ({first_line(error)}): {again}") from error
