"""Where the cameras stand in the text of a cameras.yaml: each one's lines, and what these say."""

from dataclasses import dataclass
from typing import TypeAlias

import yaml

from ferstream.streams.errors import FerstreamError

#: What stands behind a camera's name: an URL, or a map of settings.
Entry: TypeAlias = object
BY_HAND = "this file is laid out in a way that cannot be changed here: change it by hand"


class EditError(FerstreamError):
    """The text is no list of cameras, or cannot be changed without harm."""


def entries_of(text: str) -> dict[str, Entry]:
    """What stands behind each name, in the order of the text. Raises EditError."""
    return {name: entry for name, entry, _ in Layout.of(text).cameras}


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a camera: from `begin` to before `end`, and to before `with_comments` with its comments below."""

    begin: int
    end: int
    with_comments: int
    column: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in a text. `cameras` are name, what is behind it, and its lines, None where they are others' too."""

    text: str
    cameras: list[tuple[str, Entry, Span | None]]
    head: int | None  # the line of an empty `cameras:`

    @classmethod
    def of(cls, text: str) -> "Layout":
        loader = None
        try:
            loader = yaml.SafeLoader(text)
            return cls._read(text, loader, loader.get_single_node())
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError):  # its text may quote a password
            raise EditError(f"this is no list of cameras; {BY_HAND}") from None
        finally:
            if loader is not None:
                loader.dispose()

    @classmethod
    def _read(cls, text: str, loader: yaml.SafeLoader, root: yaml.Node | None) -> "Layout":
        if root is None:
            return cls(text, [], None)
        if not isinstance(root, yaml.MappingNode) or [key.value for key, _ in root.value] != ["cameras"]:
            raise EditError(f"this is no list of cameras; {BY_HAND}")
        key, node = root.value[0]
        if isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~"):
            return cls(text, [], key.start_mark.line if node.value == "" and not root.flow_style else None)
        if not isinstance(node, yaml.MappingNode):
            raise EditError(f"this is no list of cameras; {BY_HAND}")
        spans = _spans(text, node) if not node.flow_style else [None] * len(node.value)
        found = [
            (name.value, loader.construct_object(value, deep=True), span)
            for (name, value), span in zip(node.value, spans, strict=True)
        ]
        if len({name for name, _, _ in found}) < len(found) or any(name == "<<" for name, _, _ in found):
            raise EditError(f"a name stands there twice, or is no name; {BY_HAND}")
        return cls(text, found, None)

    @property
    def entries(self) -> dict[str, Entry]:
        return {name: entry for name, entry, _ in self.cameras}

    def span(self, name: str) -> Span | None:
        return next(span for other, _, span in self.cameras if other == name)


def _spans(text: str, cameras: yaml.MappingNode) -> list[Span | None]:
    lines = text.splitlines()
    begins = [key.start_mark.line for key, _ in cameras.value]
    last = cameras.end_mark.line + (cameras.end_mark.column > 0)
    spans: list[Span | None] = []
    for (key, _), limit in zip(cameras.value, [*begins[1:], min(last, len(lines))], strict=True):
        begin, column, end = key.start_mark.line, key.start_mark.column, limit
        while end > begin + 1 and is_beside(lines[end - 1]):
            end -= 1
        below = end
        while below < limit and lines[below].strip() and indent(lines[below]) > column:
            below += 1
        # `? name` and a first key behind --- share their line with what is not the camera's.
        alone = not lines[begin][:column].strip() and begin < limit
        spans.append(Span(begin, end, below, column) if alone else None)
    return spans


def is_beside(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())
