"""`NAME.analysis.json`: what was analysed, how, and what came of it. It is how a second run knows what is done.

Who makes something of a folder of results reads these first: `tables` names the files beside it, `state` is `done` where they are
whole. Its fields are in docs/analyze.md.
"""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferstream.streams.service.atomic_file import RESULTS, whole_file

VERSION = 1
SUFFIX = ".analysis.json"

#: What a file is, whatever the names of it: device and number.
FileIdentity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AnalysisRecord:
    """The record of one clip of a `name`. Raises WriteError where it cannot be written.

    `source` is what the user gave, without a password, `files` what it names; `options` are those that the results depend on.
    """

    folder: Path
    name: str
    kind: str
    source: str
    files: tuple[Path, ...]
    options: Mapping[str, Any]

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}{SUFFIX}"

    def done(self) -> dict[str, Any] | None:
        """The record of an analysis of the same file with the same options, whose results are all there; else None."""
        said = self._read()
        if said is None or said.get("state") != "done" or not self._is_of_this(said) or said.get("options") != self.options:
            return None
        there = all((self.folder / name).exists() for name in said.get("tables", {}).values())
        return said if there else None

    def danger(self, outputs: Mapping[str, str], sources: Collection[FileIdentity]) -> str | None:
        """Why `outputs`, names of files by what they are, must never be written: one is of `sources`. None where none is."""
        for name in outputs.values():
            if identity(self.folder / name) in sources:
                return f"{name} would take the place of a file that is to be analysed: give another --out"
        return None

    def refusal(self, outputs: Mapping[str, str]) -> str | None:
        """Why `outputs` must not be written without --force; None where they may."""
        paths = [self.folder / name for name in outputs.values()]
        said = self._read()
        if said is not None and said.get("source") != self.source:
            return f"{self.path.name} is of another file, {said.get('source')}: give another --out, or --force"
        if said is None and (there := next((path for path in paths if path.exists()), None)):
            return f"{there.name} is there already, and not of an analysis: give another --out, or --force"
        return None

    def begin(self) -> None:
        """Say that the files of this name are of this clip, and not whole."""
        self._write({"state": "begun"})

    def finish(self, outputs: Mapping[str, str], said: Mapping[str, Any]) -> dict[str, Any]:
        """Say that all is there, and what came of it; returns the record."""
        return self._write({"state": "done", **said, "tables": dict(outputs)})

    def _write(self, said: Mapping[str, Any]) -> dict[str, Any]:
        record = {
            "version": VERSION,
            "name": self.name,
            "kind": self.kind,
            "source": self.source,
            "fingerprint": self._fingerprint(),
            "options": dict(self.options),
            **said,
        }
        with whole_file(self.path, RESULTS) as file:
            file.write(json.dumps(record, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace") + b"\n")
        return record

    def _read(self) -> dict[str, Any] | None:
        return _read(self.path)

    def _is_of_this(self, said: Mapping[str, Any]) -> bool:
        return said.get("source") == self.source and said.get("fingerprint") == self._fingerprint()

    def _fingerprint(self) -> list[list[Any]]:
        """Name, size and time of change of each file."""
        found: list[list[Any]] = []
        for file in self.files:
            with suppress(OSError):
                stat = file.stat()
                found.append([file.name, stat.st_size, stat.st_mtime_ns])
        return found


def identity(path: Path) -> FileIdentity | None:
    """Of a file that is there; None of one that is not."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def drawn_in(folder: Path) -> set[str]:
    """Names of the videos in a folder that an analysis has drawn: they are results, and not to be analysed."""
    records = (_read(path) or {} for path in folder.glob(f"*{SUFFIX}"))
    tables = (record.get("tables") for record in records)
    return {str(names["drawn"]) for names in tables if isinstance(names, dict) and "drawn" in names}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # none yet, or not one of ours
        return None
    return said if isinstance(said, dict) else None
