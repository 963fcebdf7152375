"""What is to be analysed: the videos and sets of pictures that `fer-analyze` is given, each under a name of its own."""

import glob
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from ferstream.streams.local.analysis_record import drawn_in
from ferstream.streams.redis_client.connect import redact
from ferstream.streams.service.named_file import as_text

VIDEOS = {
    ".3gp",
    ".avi",
    ".flv",
    ".m2ts",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".mts",
    ".ogv",
    ".ts",
    ".webm",
    ".wmv",
}
PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
#: Bytes of a name: file systems take 255, and suffixes follow.
LONGEST = 180
_LIVE = ("rtsp", "rtsps", "rtmp", "webcam")
#: Endings that tables and records have: a file of that name would take the place of another one's.
_TAKEN = re.compile(r"\.(events|analysis)$")
_UNFIT = re.compile(r"[\x00-\x1f\x7f/\\]|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Clip:
    """A video, or a set of pictures. `name` begins the names of what is written, `source` is what the user gave.

    A video is one file, or none where `source` is a URL.
    """

    name: str
    kind: Literal["video", "pictures"]
    source: str
    files: tuple[Path, ...] = ()

    @property
    def shown(self) -> str:
        """Its source on one line, without a password."""
        return as_text(redact(self.source)) if not self.files else as_text(self.source)


@dataclass(frozen=True, slots=True)
class ClipProblem:
    """What cannot be analysed, and why."""

    source: str
    text: str


def find_clips(arguments: Sequence[str]) -> tuple[list[Clip], list[ClipProblem]]:
    """The clips that files, folders, globs and URLs name, in their order, each once; and what names none.

    A folder gives the videos in it, and its pictures as one set; pictures that are named themselves are one set too.
    """
    found: list[Clip] = []
    problems: list[ClipProblem] = []
    singles: list[Path] = []
    for argument in arguments:
        for item in _items(argument):
            if isinstance(item, ClipProblem):
                problems.append(item)
            elif isinstance(item, Clip):
                found.append(item)
            else:
                singles.append(item)
    if singles:
        found.append(Clip("pictures", "pictures", f"{len(singles)} pictures", tuple(dict.fromkeys(singles))))
    return _named(list(dict.fromkeys(found))), problems


def source_of(clip: Clip, folder: Path) -> str:
    """What a producer is given for a clip: links in `folder`, since a path may hold what no camera's URL may; a URL in a file."""
    if clip.kind == "pictures":
        inside = folder / "pictures"
        inside.mkdir()
        for number, file in enumerate(clip.files):
            (inside / f"{number:08}{file.suffix.lower()}").symlink_to(file)
        return str(inside)
    if clip.files:
        (folder / "clip").symlink_to(clip.files[0])
        return str(folder / "clip")
    (folder / "url").write_text(clip.source, "utf-8")
    return f"@{folder / 'url'}"


def _items(argument: str) -> Iterator[Clip | ClipProblem | Path]:
    scheme = argument.partition(":")[0].lower() if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", argument) else ""
    if scheme in ("http", "https") and "://" in argument:
        yield Clip("", "video", argument)
    elif scheme in _LIVE:
        yield ClipProblem(as_text(redact(argument)), "a live camera has no end: fer-producer reads it")
    else:
        yield from _paths(argument)


def _paths(argument: str) -> Iterator[Clip | ClipProblem | Path]:
    path = Path(argument)
    paths = [path]
    if not _exists(path) and glob.has_magic(argument):
        paths = [Path(name) for name in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207 - Path.glob wants a folder
        if not paths:
            yield ClipProblem(as_text(argument), "no file has such a name")
    for each in paths:
        if not _exists(each):
            yield ClipProblem(as_text(str(each)), "no such file")
        elif each.is_dir():
            yield from _folder(each)
        elif each.suffix.lower() in PICTURES:
            yield each.absolute()
        else:
            yield Clip("", "video", str(each), (each.absolute(),))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or that no file can have
        return False


def _folder(folder: Path) -> Iterator[Clip | ClipProblem]:
    try:
        drawn = drawn_in(folder)
        inside = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in drawn)
    except OSError as error:
        yield ClipProblem(as_text(str(folder)), f"cannot read the folder: {error.strerror}")
        return
    videos = [path for path in inside if path.suffix.lower() in VIDEOS]
    pictures = tuple(path.absolute() for path in inside if path.suffix.lower() in PICTURES)
    yield from (Clip("", "video", str(path), (path.absolute(),)) for path in videos)
    if pictures:
        yield Clip(_fit(folder.absolute().name) or "pictures", "pictures", str(folder), pictures)
    if not videos and not pictures:
        yield ClipProblem(as_text(str(folder)), "there is no video and no picture in the folder")


def _named(clips: list[Clip]) -> list[Clip]:
    """Each with a name that no other has: of its file, with the suffix, with the folder, or numbered, as far as is needed."""
    ways: tuple[Callable[[Clip], str], ...] = (_stem, _with_suffix, _with_folder)
    names = [_stem(clip) for clip in clips]
    for way in ways:
        twice = _twice(names)
        names = [way(clip) if name.casefold() in twice else name for clip, name in zip(clips, names, strict=True)]
    twice, used = _twice(names), dict[str, int]()
    for at, name in enumerate(names):
        if name.casefold() in twice:
            used[name.casefold()] = used.get(name.casefold(), 0) + 1
            names[at] = f"{name}-{used[name.casefold()]}"
    return [replace(clip, name=name) for clip, name in zip(clips, names, strict=True)]


def _twice(names: Sequence[str]) -> set[str]:
    folded = [name.casefold() for name in names]  # some file systems take Clip and clip for one name
    return {name for name in folded if folded.count(name) > 1}


def _stem(clip: Clip) -> str:
    return clip.name or _fit(_path_of(clip).stem) or "clip"


def _with_suffix(clip: Clip) -> str:
    return clip.name or _fit(f"{_path_of(clip).stem}_{_path_of(clip).suffix.lstrip('.')}")


def _with_folder(clip: Clip) -> str:
    folder = clip.files[0].parent.name if clip.files else urlsplit(clip.source).hostname or ""
    return _fit(f"{folder}_{_stem(clip)}")


def _path_of(clip: Clip) -> Path:
    return clip.files[0] if clip.files else Path(unquote(urlsplit(clip.source).path))


def _fit(name: str) -> str:
    """The name without what no file's name may hold, and not too long for one."""
    fit = _TAKEN.sub(r"_\1", _UNFIT.sub("_", name)).lstrip(".")
    if len(fit.encode()) <= LONGEST:
        return fit
    mark = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{fit.encode()[:LONGEST].decode('utf-8', 'ignore')}-{mark}"
