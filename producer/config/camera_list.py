"""The cameras that a command was given, by --camera and --cameras; and whether the files that say so have changed since."""

import stat
from pathlib import Path
from typing import TypeAlias

from ferstream.producer.config.camera_config import CameraConfig, CameraSettings
from ferstream.producer.config.cameras_file import camera_from_argument, read_cameras_file, refuse_duplicates

#: What is another one when a file was written or replaced. None of a file that is not there, and of a pipe, which is read once.
_Stamp: TypeAlias = tuple[int, int, int, int] | None


class CameraList:
    """Reads the list anew each time. `file` is cameras.yaml, if there is one."""

    def __init__(self, arguments: tuple[str, ...], file: Path | None, defaults: CameraSettings) -> None:
        self._arguments, self._file, self._defaults = arguments, file, defaults
        self._read: dict[Path, _Stamp] = {}  # the files as they were read, those with URLs too
        self._last: dict[Path, _Stamp] = {}  # and as they were when they were last looked at

    def read(self) -> list[CameraConfig]:
        """The cameras, in the order in which they were given. Raises ConfigError."""
        self._read = {}
        cameras = [camera_from_argument(argument, self._defaults, self._note) for argument in self._arguments]
        if self._file is not None:
            self._note(self._file)
            cameras += read_cameras_file(self._file, self._defaults, self._note)
        refuse_duplicates(cameras)
        return cameras

    def changed(self) -> bool:
        """Whether a file is another one than was read, and has been so since the last call: nobody is writing it any more."""
        now = {path: _stamp(path) for path in self._read}
        settled, self._last = now == self._last, now
        return settled and now != self._read

    def _note(self, path: Path) -> None:
        """A file is about to be read. What changes from here on is seen as a change."""
        self._read[path] = _stamp(path)


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()  # through links: Kubernetes changes where they lead
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev) if stat.S_ISREG(found.st_mode) else None
