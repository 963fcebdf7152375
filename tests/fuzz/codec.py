"""The wire: what no program of ours wrote is a DecodeError, and what is read is written again as it was."""

import base64
import json

import atheris

from tests.fuzz.driver import fuzz
from tests.support.paths import ROOT

with atheris.instrument_imports(include=["ferstream.streams.wire"]):
    from ferstream.streams.errors import DecodeError
    from ferstream.streams.wire.codec import decode_frame, decode_result, encode_frame, encode_result


def target(data: bytes) -> None:
    try:
        frame = decode_frame("1-1", {b"m": data, b"j": b"picture"})
    except DecodeError:
        pass
    else:
        assert decode_frame("1-1", encode_frame(frame)) == frame
    try:
        result = decode_result("1-1", encode_result(decode_result("1-1", {b"r": data})))
    except DecodeError:
        return
    assert decode_result("1-1", encode_result(result)) == result  # numbers lose their last digits on the first way only


def examples() -> list[bytes]:
    """The maps that every version wrote."""
    text = (ROOT / "tests" / "streams" / "wire" / "entries.json").read_text()
    return [base64.b64decode(value) for value in _texts(json.loads(text)) if len(value) % 4 == 0]


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for key, value in node.items() for text in ([value] if key in ("m", "r", "d") else _texts(value))]
    return [text for value in node for text in _texts(value)] if isinstance(node, list) else []


if __name__ == "__main__":
    fuzz("codec", target, examples())
