"""cameras.yaml as text with one camera added, changed or taken out; every other line stays as it is, byte for byte.

ruamel.yaml writes the camera's own lines, with their comments, quotes and anchors. It would indent the others anew, so that only
these are taken of what it writes. What came of it is read again: where it is not what was wanted, the text stays as it was.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any, TypeAlias

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import SingleQuotedScalarString

from ferstream.streams.errors import FerstreamError

#: What stands behind a camera's name: an URL, or a map of settings.
Entry: TypeAlias = object
_BY_HAND = "this file is laid out in a way that cannot be changed here: change it by hand"
_COMMENT = re.compile(r"(?:^|\s)#.*")
#: By how many columns ruamel.yaml can indent.
_INDENTS = range(2, 10)


class EditError(FerstreamError):
    """The text is no list of cameras, or cannot be changed without harm."""


def entries_of(text: str) -> dict[str, Entry]:
    """What stands behind each name, in the order of the text. Raises EditError."""
    return {name: entry for name, entry, _ in _Layout.of(text).cameras}


def with_camera(text: str, name: str, entry: Mapping[str, object]) -> str:
    """The text with a camera of this name, whose keys are exactly those of `entry`. Raises EditError."""
    layout = _Layout.of(text)
    wanted = layout.entries | {name: dict(entry)}
    change = _changed if name in layout.entries else _added
    return _verified(change(layout, name, entry), wanted)


def without_camera(text: str, name: str) -> str:
    """The text without a camera of this name and the comments in its lines; those above it stay. Raises EditError."""
    layout = _Layout.of(text)
    wanted = {other: entry for other, entry in layout.entries.items() if other != name}
    span = layout.span(name)
    if span is None:
        root, cameras, key = _ruamel(layout, name)
        del cameras[key]
        return _verified(_with_all_comments(text, _dumped(root)), wanted)
    lines = text.splitlines(keepends=True)
    return _verified("".join(lines[: span.begin] + lines[span.with_comments :]), wanted)


@dataclass(frozen=True, slots=True)
class _Span:
    """The lines of a camera: from `begin` to before `end`, and to before `with_comments` with its comments below."""

    begin: int
    end: int
    with_comments: int
    column: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand in a text. `cameras` are name, what is behind it, and its lines, None where they are others' too."""

    text: str
    cameras: list[tuple[str, Entry, _Span | None]]
    head: int | None  # the line of an empty `cameras:`

    @classmethod
    def of(cls, text: str) -> "_Layout":
        loader = None
        try:
            loader = yaml.SafeLoader(text)
            return cls._read(text, loader, loader.get_single_node())
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError):  # its text may quote a password
            raise EditError(f"this is no list of cameras; {_BY_HAND}") from None
        finally:
            if loader is not None:
                loader.dispose()

    @classmethod
    def _read(cls, text: str, loader: yaml.SafeLoader, root: yaml.Node | None) -> "_Layout":
        if root is None:
            return cls(text, [], None)
        if not isinstance(root, yaml.MappingNode) or [key.value for key, _ in root.value] != ["cameras"]:
            raise EditError(f"this is no list of cameras; {_BY_HAND}")
        key, node = root.value[0]
        if isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~"):
            return cls(text, [], key.start_mark.line if node.value == "" and not root.flow_style else None)
        if not isinstance(node, yaml.MappingNode):
            raise EditError(f"this is no list of cameras; {_BY_HAND}")
        spans = _spans(text, node) if not node.flow_style else [None] * len(node.value)
        found = [
            (name.value, loader.construct_object(value, deep=True), span)
            for (name, value), span in zip(node.value, spans, strict=True)
        ]
        if len({name for name, _, _ in found}) < len(found) or any(name == "<<" for name, _, _ in found):
            raise EditError(f"a name stands there twice, or is no name; {_BY_HAND}")
        return cls(text, found, None)

    @property
    def entries(self) -> dict[str, Entry]:
        return {name: entry for name, entry, _ in self.cameras}

    def span(self, name: str) -> _Span | None:
        return next(span for other, _, span in self.cameras if other == name)


def _spans(text: str, cameras: yaml.MappingNode) -> list[_Span | None]:
    lines = text.splitlines()
    begins = [key.start_mark.line for key, _ in cameras.value]
    last = cameras.end_mark.line + (cameras.end_mark.column > 0)
    spans: list[_Span | None] = []
    for (key, _), limit in zip(cameras.value, [*begins[1:], min(last, len(lines))], strict=True):
        begin, column, end = key.start_mark.line, key.start_mark.column, limit
        while end > begin + 1 and _is_beside(lines[end - 1]):
            end -= 1
        below = end
        while below < limit and lines[below].strip() and _indent(lines[below]) > column:
            below += 1
        # `? name` and a first key behind --- share their line with what is not the camera's.
        alone = not lines[begin][:column].strip() and begin < limit
        spans.append(_Span(begin, end, below, column) if alone else None)
    return spans


def _is_beside(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _added(layout: _Layout, name: str, entry: Mapping[str, object]) -> str:
    lines = layout.text.splitlines(keepends=True)
    new = CommentedMap({name: _written(entry)})
    if layout.cameras and (span := layout.cameras[-1][2]):
        at, column = span.with_comments, span.column
    elif layout.head is not None:
        at, column = layout.head + 1, 2
    elif not layout.cameras and "cameras" not in (yaml.safe_load(layout.text) or {}):
        at, column = len(lines), 2
        lines = _ended(lines)
        lines.append("cameras:\n")
        at += 1
    else:
        root, cameras, _ = _ruamel(layout, None)
        cameras[name] = _written(entry)
        return _with_all_comments(layout.text, _dumped(root))
    block = [" " * column + line for line in _dumped(new, column).splitlines(keepends=True)]
    return "".join([*_ended(lines[:at]), *_with_endings(block, layout.text), *lines[at:]])


def _changed(layout: _Layout, name: str, entry: Mapping[str, object]) -> str:
    span = layout.span(name)
    root, cameras, key = _ruamel(_without_comments_below(layout, span) if span else layout, name)
    _update(cameras, key, entry)
    dumped = _dumped(root, span.column if span else 2)
    if span is None or (new := _Layout.of(dumped).span(name)) is None:
        return _with_all_comments(layout.text, dumped)
    lines = layout.text.splitlines(keepends=True)
    block = dumped.splitlines(keepends=True)[new.begin : new.end]
    moved = [_moved(line, span.column - new.column) for line in block]
    before, after = lines[: span.begin], lines[span.end :]
    return "".join([*before, *_with_endings(moved, layout.text), *after])


def _without_comments_below(layout: _Layout, span: _Span) -> _Layout:
    """They belong to what comes next, or stay where they are; to ruamel.yaml they are the camera's last setting's."""
    lines = layout.text.splitlines(keepends=True)
    end = span.end
    while end < len(lines) and _is_beside(lines[end]):
        end += 1
    return _Layout.of("".join(lines[: span.end] + lines[end:]))


def _ruamel(layout: _Layout, name: str | None) -> tuple[CommentedMap, CommentedMap, object]:
    """The text as ruamel.yaml reads it, its cameras, and what it takes a name for: 123 is a number to it."""
    try:
        root = _yaml().load(layout.text)
    except (YAMLError, ValueError, RecursionError):
        raise EditError(_BY_HAND) from None
    if not isinstance(root.get("cameras"), CommentedMap):
        root["cameras"] = CommentedMap()
    keys = list(root["cameras"])
    if len(keys) != len(layout.cameras):
        raise EditError(_BY_HAND)
    key = keys[[other for other, _, _ in layout.cameras].index(name)] if name is not None else None
    return root, root["cameras"], key


def _update(cameras: CommentedMap, key: object, entry: Mapping[str, object]) -> None:
    """Make the camera what `entry` says. What is as it was keeps its form."""
    before = cameras[key]
    if not isinstance(before, CommentedMap):
        if set(entry) == {"url"}:
            if before != entry["url"]:
                cameras[key] = _value(entry["url"])
            return
        cameras[key] = _written({**entry, "url": before} if before == entry.get("url") else entry)
        return
    plain = yaml.safe_load(_dumped(before))
    for setting in [setting for setting in before if setting not in entry]:
        del before[setting]
    for setting, value in entry.items():
        if setting not in plain or plain[setting] != value or type(plain[setting]) is not type(value):
            before[setting] = _value(value)


def _written(entry: Mapping[str, object]) -> CommentedMap:
    return CommentedMap({setting: _value(value) for setting, value in entry.items()})


def _value(value: Any) -> object:  # noqa: ANN401 - of a setting
    """Text in quotes, which no version of YAML takes for something else; lists in brackets."""
    if type(value) is str:
        return SingleQuotedScalarString(value)
    if isinstance(value, list):
        found = CommentedSeq(map(_value, value))
        found.fa.set_flow_style()
        return found
    return value


class _Emitter(RoundTripEmitter):
    """Writes the longest name that a camera may have before a colon, and not behind a question mark."""

    MAX_SIMPLE_KEY_LENGTH = 1000


def _yaml(indent: int = 2) -> YAML:
    made = YAML()
    made.Emitter = _Emitter
    made.width = 1 << 20
    made.preserve_quotes = True
    if indent in _INDENTS:
        made.indent(mapping=indent)
    return made


def _dumped(root: object, indent: int = 2) -> str:
    text = StringIO()
    _yaml(indent).dump(root, text)
    return text.getvalue()


def _moved(line: str, columns: int) -> str:
    return " " * columns + line if columns >= 0 else line[min(-columns, _indent(line)) :]


def _ended(lines: list[str]) -> list[str]:
    """The lines, the last one with an end."""
    return [*lines[:-1], lines[-1] + "\n"] if lines and not lines[-1].endswith(("\n", "\r")) else lines


def _with_endings(block: list[str], text: str) -> list[str]:
    return [line.rstrip("\r\n") + "\r\n" for line in block] if "\r\n" in text else _ended(block)


def _with_all_comments(before: str, after: str) -> str:
    """`after`, which ruamel.yaml has written anew from the first line to the last. Raises EditError where a comment is gone."""
    if Counter(found.strip() for found in _COMMENT.findall(before)) - Counter(found.strip() for found in _COMMENT.findall(after)):
        raise EditError(_BY_HAND)
    return after


def _verified(text: str, wanted: dict[str, Entry]) -> str:
    """The text, if it says what was wanted. Raises EditError."""
    said = entries_of(text)
    if {name: _whole(entry) for name, entry in said.items()} != {name: _whole(entry) for name, entry in wanted.items()}:
        raise EditError(_BY_HAND)
    return text


def _whole(entry: Entry) -> Entry:
    """An address alone is a camera with nothing else."""
    return {"url": entry} if isinstance(entry, str) else entry
