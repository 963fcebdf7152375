"""The wire: what no program of ours wrote is a DecodeError, and what is read is written again as it was."""

import base64
import json
from collections.abc import Callable
from typing import Any

import atheris

from tests.fuzz.driver import fuzz
from tests.support.paths import ROOT

with atheris.instrument_imports(include=["ferstream.streams.wire"]):
    from ferstream.streams.errors import DecodeError
    from ferstream.streams.wire.codec import (
        decode_event,
        decode_frame,
        decode_result,
        encode_event,
        encode_frame,
        encode_result,
    )
    from ferstream.streams.wire.messages import Event

EVENT = Event(
    event_id="door:1-changed-7",
    kind="changed",
    camera_id="door",
    track=1,
    at=1_800_000_000.5,
    media_time=None,
    sequence=7,
    emotion="happiness",
    before="neutral",
    since=1_800_000_000.0,
    duration=0.5,
    peak=0.9,
    probabilities=(0.125,) * 8,
    shares={"neutral": 1.0},
    best_sequence=5,
    box=(1.0, 2.0, 3.0, 4.0),
)

Fields = dict[Any, Any]


def target(data: bytes) -> None:
    try:
        frame = decode_frame("1-1", {b"m": data, b"j": b"picture"})
    except DecodeError:
        pass
    else:
        assert decode_frame("1-1", encode_frame(frame)) == frame
    again("r", decode_result, encode_result, data)
    again("e", decode_event, encode_event, data)


def again(field: str, decode: Callable[[str, Fields], Any], encode: Callable[[Any], Fields], data: bytes) -> None:
    """Numbers lose their last digits on the first way only."""
    try:
        read = decode("1-1", encode(decode("1-1", {field.encode(): data})))
    except DecodeError:
        return
    assert decode("1-1", encode(read)) == read


def examples() -> list[bytes]:
    """The maps that every version wrote."""
    text = (ROOT / "tests" / "streams" / "wire" / "entries.json").read_text()
    recorded = [base64.b64decode(value) for value in _texts(json.loads(text)) if len(value) % 4 == 0]
    return [*recorded, *encode_event(EVENT).values()]


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for key, value in node.items() for text in ([value] if key in ("m", "r", "d") else _texts(value))]
    return [text for value in node for text in _texts(value)] if isinstance(node, list) else []


if __name__ == "__main__":
    fuzz("codec", target, examples())
