"""The folder that an inspection is written to: a new one, or that of an earlier inspection, whose files are replaced."""

import json
import re
from pathlib import Path

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import WriteError

PAGE, REPORT, DUPLICATES = "index.html", "report.json", "duplicates.csv"

#: In report.json, so that a folder is known to be ours. Before any file of an inspection it is written, so that one that was
#: stopped can be written again.
MADE_BY = "fer-train dataset inspect"

_OURS = re.compile(
    rf"({re.escape(PAGE)}|{re.escape(REPORT)}|{re.escape(DUPLICATES)}"
    r"|(counts|counts-[a-z0-9-]+|samples-[a-z0-9-]+|mean-faces|sizes|brightness|duplicates-[a-z]+)\.png)(\.part)?"
)


class InspectionFolderError(FerstreamError):
    """A folder holds files that no inspection wrote."""


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier inspection. Raises InspectionFolderError."""
    names = _names(folder)
    others = [name for name in names if not _OURS.fullmatch(name)] if _is_ours(folder) else names
    if others:
        raise InspectionFolderError(f"{folder} holds other things ({others[0]}): name a new or empty folder with --out")


def clear(folder: Path) -> None:
    """Remove the pictures of an earlier inspection: this one may have fewer. Raises WriteError."""
    try:
        for name in _names(folder):
            if name.endswith(".png"):
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"cannot clear {folder}: {error.strerror}") from error


def _is_ours(folder: Path) -> bool:
    try:
        report = json.loads((folder / REPORT).read_text("utf-8"))
    except (OSError, ValueError):  # none, or not one of ours: then nothing there is touched
        return False
    return isinstance(report, dict) and report.get("made_by") == MADE_BY


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:  # it will be made
        return []
    except OSError as error:
        raise InspectionFolderError(f"cannot look into {folder}: {error.strerror}") from error
