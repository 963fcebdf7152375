"""The cameras file that the page changes: read, changed by one at a time, and replaced whole once a producer would take it."""

import hashlib
import os
import stat
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ferstream.consumer.dashboard.cameras.editing import with_camera, without_camera
from ferstream.consumer.dashboard.cameras.layout import EditError, Entry, entries_of
from ferstream.consumer.dashboard.cameras.program import ConfigRefused, ProducerProgram
from ferstream.consumer.dashboard.cameras.wishes import Wish, entry_of
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import RESULTS, alone_in, sync_directory, whole_file
from ferstream.streams.service.named_file import LARGEST_TEXT, NamedFileError, read_bytes


class NoSuchCamera(FerstreamError):
    """The file has no camera of this name."""


class Conflict(FerstreamError):
    """The file is not as whoever asks believes, or cannot be changed."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What stands in the file behind each name. `version` is another one after each change, whoever made it."""

    entries: dict[str, Entry]
    version: str


class CameraFile:
    """One cameras file, which need not be there yet. Its methods wait for disks and programs: call them in a thread."""

    def __init__(self, path: Path, program: ProducerProgram) -> None:
        self.path = path.resolve()  # a link stays one
        self._program = program
        self._changing = threading.Lock()

    @property
    def name(self) -> str:
        return self.path.name

    def read(self) -> Listing:
        """Raises Conflict, with the producer's words where it would not read the file either."""
        return self._listing(self._text())

    def put(self, name: str, wish: Wish) -> Entry:
        """Make the camera what is wished; what then stands in the file. Raises Conflict, WishError, ConfigRefused, WriteError."""

        def edit(text: str, entries: dict[str, Entry]) -> str:
            if wish.new and name in entries:
                raise Conflict(f"there is a camera with the name {name} already: choose another name, or change that one")
            return with_camera(text, name, entry_of(name, wish, entries.get(name)))

        return self._change(edit, wish.version)[name]

    def remove(self, name: str) -> None:
        """Take the camera out. Raises NoSuchCamera, and as `put`."""

        def edit(text: str, entries: dict[str, Entry]) -> str:
            if name not in entries:
                raise NoSuchCamera(f"there is no camera {name[:128]!r} in {self.name}")
            return without_camera(text, name)

        self._change(edit, None)

    def trial(self, name: str, wish: Wish) -> dict[str, object]:
        """What the program is to try: as it would stand in the file, with a file that holds its URL by its whole name."""
        entry = entry_of(name, wish, self.read().entries.get(name))
        url, file = entry.pop("url", None), entry.pop("url_file", None)
        named = file if isinstance(file, str) else url[1:] if isinstance(url, str) and url.startswith("@") else None
        where = f"@{self.path.parent / Path(named).expanduser()}" if named is not None else url
        return {"url": where, **entry}

    def _change(self, edit: Callable[[str, dict[str, Entry]], str], version: str | None) -> dict[str, Entry]:
        with self._changing:
            before = self._text()
            listing = self._listing(before)
            if version not in (None, listing.version):
                raise Conflict(f"{self.name} was changed meanwhile: look at the cameras as they are now, then change them")
            try:
                after = edit(before, listing.entries)
            except EditError as error:
                raise Conflict(f"{self.name}: {error}") from None
            self._try_to_read(after)
            with alone_in(self.path.parent):  # that took a while, and another server, or an editor, has waited for nobody
                if self._text() != before:
                    raise Conflict(f"{self.name} was changed at the same moment by somebody else: try it again")
                self._write(after)
            return entries_of(after)

    def _listing(self, text: str) -> Listing:
        try:
            return Listing(entries_of(text), _version(text))
        except EditError as error:
            try:
                self._validate(self.path)
            except ConfigRefused as refused:
                raise Conflict(str(refused)) from None
            raise Conflict(f"{self.name}: {error}") from None

    def _text(self) -> str:
        try:
            return read_bytes(self.path, LARGEST_TEXT).decode("utf-8") if self.path.exists() else ""
        except (NamedFileError, OSError) as error:
            raise Conflict(f"{self.name}: {error}") from None
        except UnicodeDecodeError:
            raise Conflict(f"{self.name} is not UTF-8 text") from None

    def _try_to_read(self, text: str) -> None:
        """Let the producer read the new text, beside the old one: a name in it may be that of a file there."""
        try:
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=f".{self.name}.", suffix=".new") as file:
                file.write(text.encode())
                file.flush()
                self._validate(Path(file.name))
        except OSError as error:
            raise Conflict(f"{self.name} cannot be changed: {error.strerror} in its folder") from None

    def _validate(self, file: Path) -> None:
        self._program.validate(file, self.name)

    def _write(self, text: str) -> None:
        """With the mode that the file had, and its owner where we may give it away."""
        before = self.path.stat() if self.path.exists() else None
        mode = stat.S_IMODE(before.st_mode) if before else RESULTS
        with whole_file(self.path, mode) as file:
            os.fchmod(file.fileno(), mode)
            if before is not None:
                with suppress(PermissionError):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(text.encode())
        sync_directory(self.path.parent)


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
