"""cameras.yaml as text with one camera added, changed or taken out; every other line stays as it is, byte for byte.

ruamel.yaml writes the camera's own lines, with their comments, quotes and anchors. It would indent the others anew, so that only
these are taken of what it writes. What came of it is read again: where it is not what was wanted, the text stays as it was.
"""

import re
from collections import Counter
from collections.abc import Mapping
from io import StringIO
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import SingleQuotedScalarString

from ferstream.consumer.dashboard.cameras.layout import BY_HAND, EditError, Entry, Layout, Span, entries_of, indent, is_beside

_COMMENT = re.compile(r"(?:^|\s)#.*")
#: By how many columns ruamel.yaml can indent.
_INDENTS = range(2, 10)


def with_camera(text: str, name: str, entry: Mapping[str, object]) -> str:
    """The text with a camera of this name, whose keys are exactly those of `entry`. Raises EditError."""
    layout = Layout.of(text)
    wanted = layout.entries | {name: dict(entry)}
    change = _changed if name in layout.entries else _added
    return _verified(change(layout, name, entry), wanted)


def without_camera(text: str, name: str) -> str:
    """The text without a camera of this name and the comments in its lines; those above it stay. Raises EditError."""
    layout = Layout.of(text)
    wanted = {other: entry for other, entry in layout.entries.items() if other != name}
    span = layout.span(name)
    if span is None:
        root, cameras, key = _ruamel(layout, name)
        del cameras[key]
        return _verified(_with_all_comments(text, _dumped(root)), wanted)
    lines = text.splitlines(keepends=True)
    return _verified("".join(lines[: span.begin] + lines[span.with_comments :]), wanted)


def _added(layout: Layout, name: str, entry: Mapping[str, object]) -> str:
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


def _changed(layout: Layout, name: str, entry: Mapping[str, object]) -> str:
    span = layout.span(name)
    root, cameras, key = _ruamel(_without_comments_below(layout, span) if span else layout, name)
    _update(cameras, key, entry)
    dumped = _dumped(root, span.column if span else 2)
    if span is None or (new := Layout.of(dumped).span(name)) is None:
        return _with_all_comments(layout.text, dumped)
    lines = layout.text.splitlines(keepends=True)
    block = dumped.splitlines(keepends=True)[new.begin : new.end]
    moved = [_moved(line, span.column - new.column) for line in block]
    before, after = lines[: span.begin], lines[span.end :]
    return "".join([*before, *_with_endings(moved, layout.text), *after])


def _without_comments_below(layout: Layout, span: Span) -> Layout:
    """They belong to what comes next, or stay where they are; to ruamel.yaml they are the camera's last setting's."""
    lines = layout.text.splitlines(keepends=True)
    end = span.end
    while end < len(lines) and is_beside(lines[end]):
        end += 1
    return Layout.of("".join(lines[: span.end] + lines[end:]))


def _ruamel(layout: Layout, name: str | None) -> tuple[CommentedMap, CommentedMap, object]:
    """The text as ruamel.yaml reads it, its cameras, and what it takes a name for: 123 is a number to it."""
    try:
        root = _yaml().load(layout.text)
    except (YAMLError, ValueError, RecursionError):
        raise EditError(BY_HAND) from None
    if not isinstance(root.get("cameras"), CommentedMap):
        root["cameras"] = CommentedMap()
    keys = list(root["cameras"])
    if len(keys) != len(layout.cameras):
        raise EditError(BY_HAND)
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


def _yaml(columns: int = 2) -> YAML:
    made = YAML()
    made.Emitter = _Emitter
    made.width = 1 << 20
    made.preserve_quotes = True
    if columns in _INDENTS:
        made.indent(mapping=columns)
    return made


def _dumped(root: object, columns: int = 2) -> str:
    text = StringIO()
    _yaml(columns).dump(root, text)
    return text.getvalue()


def _moved(line: str, columns: int) -> str:
    return " " * columns + line if columns >= 0 else line[min(-columns, indent(line)) :]


def _ended(lines: list[str]) -> list[str]:
    """The lines, the last one with an end."""
    return [*lines[:-1], lines[-1] + "\n"] if lines and not lines[-1].endswith(("\n", "\r")) else lines


def _with_endings(block: list[str], text: str) -> list[str]:
    return [line.rstrip("\r\n") + "\r\n" for line in block] if "\r\n" in text else _ended(block)


def _with_all_comments(before: str, after: str) -> str:
    """`after`, which ruamel.yaml has written anew from the first line to the last. Raises EditError where a comment is gone."""
    if Counter(found.strip() for found in _COMMENT.findall(before)) - Counter(found.strip() for found in _COMMENT.findall(after)):
        raise EditError(BY_HAND)
    return after


def _verified(text: str, wanted: dict[str, Entry]) -> str:
    """The text, if it says what was wanted. Raises EditError."""
    said = entries_of(text)
    if {name: _whole(entry) for name, entry in said.items()} != {name: _whole(entry) for name, entry in wanted.items()}:
        raise EditError(BY_HAND)
    return text


def _whole(entry: Entry) -> Entry:
    """An address alone is a camera with nothing else."""
    return {"url": entry} if isinstance(entry, str) else entry
