import math
from contextlib import suppress
from dataclasses import replace
from typing import get_args

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferstream.streams.errors import DecodeError
from ferstream.streams.wire.codec import (
    MAX_HEADER_BYTES,
    MAX_MAP_BYTES,
    decode_event,
    decode_frame,
    decode_header,
    decode_result,
    encode_event,
    encode_frame,
    encode_result,
    face_map,
    is_accounted,
    result_map,
)
from ferstream.streams.wire.emotions import EMOTIONS, NAMES, UNKNOWN
from ferstream.streams.wire.messages import Event, EventKind, Face, Frame, FrameHeader, HeadPose, Result

HEADER = FrameHeader(
    camera_id="door",
    sequence=7,
    captured_at=1700000000.25,
    media_time=2.5,
    deadline=1700000002.25,
    width=640,
    height=480,
    producer="node-1:17",
    traceparent="00-ab-cd-01",
)
FACE = Face(
    box=(1.0, 2.0, 3.5, 4.0),
    score=0.5,
    quality=0.25,
    emotion="fear",
    probabilities=(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
    landmarks=((1.5, 2.5), (3.0, 2.5), (2.25, 3.0), (1.75, 3.5), (2.75, 3.5)),
    pose=HeadPose(yaw=-7.5, pitch=0.25, roll=2.0),
)
RESULT = Result(
    camera_id="door",
    sequence=7,
    captured_at=1700000000.25,
    media_time=2.5,
    frame_id="1-0",
    width=640,
    height=480,
    faces=(FACE,),
    models={"detector": "ssd"},
    seconds={"decode": 0.5},
    worker="w",
)

# Recorded. They change only with the version: other programs read and write these bytes.
HEADER_2 = bytes.fromhex(
    "8ba776657273696f6e02a963616d6572615f6964a4646f6f72a873657175656e636507ab63617074757265645f6174cb41d954fc40100000aa6d"
    "656469615f74696d65cb4004000000000000a8646561646c696e65cb41d954fc40900000a57769647468cd0280a6686569676874cd01e0a8656e"
    "636f64696e67a46a706567a870726f6475636572a96e6f64652d313a3137ab7472616365706172656e74ab30302d61622d63642d3031"
)
RESULT_2 = bytes.fromhex(
    "8ca776657273696f6e02a963616d6572615f6964a4646f6f72a873657175656e636507ab63617074757265645f6174cb41d954fc40100000aa6d"
    "656469615f74696d65cb4004000000000000a86672616d655f6964a3312d30a57769647468cd0280a6686569676874cd01e0a566616365739188"
    "a3626f7894ca3f800000ca40000000ca40600000ca40800000a573636f7265ca3f000000a77175616c697479ca3e800000a7656d6f74696f6ea4"
    "66656172aa636f6e666964656e6365ca3f800000ad70726f626162696c697469657388a5616e676572ca00000000a8636f6e74656d7074ca0000"
    "0000a764697367757374ca00000000a466656172ca3f800000a968617070696e657373ca00000000a76e65757472616cca00000000a77361646e"
    "657373ca00000000a87375727072697365ca00000000a96c616e646d61726b739592ca3fc00000ca4020000092ca40400000ca4020000092ca40"
    "100000ca4040000092ca3fe00000ca4060000092ca40300000ca40600000a4706f736583a3796177cac0f00000a57069746368ca3e800000a472"
    "6f6c6cca40000000a66d6f64656c7381a86465746563746f72a3737364a77365636f6e647381a66465636f6465cb3fe0000000000000a6776f72"
    "6b6572a177"
)
# Of version 1, which programs of earlier releases write.
HEADER_1 = bytes.fromhex(
    "89a776657273696f6e01a963616d6572615f6964a4646f6f72a873657175656e636507ab63617074757265645f6174cb41d954fc40100000a8646561"
    "646c696e65cb41d954fc40900000a57769647468cd0280a6686569676874cd01e0a8656e636f64696e67a46a706567ab7472616365706172656e74ab"
    "30302d61622d63642d3031"
)
RESULT_1 = bytes.fromhex(
    "8ba776657273696f6e01a963616d6572615f6964a4646f6f72a873657175656e636507ab63617074757265645f6174cb41d954fc40100000a8667261"
    "6d655f6964a3312d30a57769647468cd0280a6686569676874cd01e0a566616365739185a3626f7894cb3ff0000000000000cb4000000000000000cb"
    "400c000000000000cb4010000000000000a573636f7265cb3fe0000000000000a77175616c697479cb3fd0000000000000a7656d6f74696f6ea46665"
    "6172ad70726f626162696c697469657388a5616e676572cb0000000000000000a8636f6e74656d7074cb0000000000000000a764697367757374cb00"
    "00000000000000a466656172cb3ff0000000000000a968617070696e657373cb0000000000000000a76e65757472616ccb0000000000000000a77361"
    "646e657373cb0000000000000000a87375727072697365cb0000000000000000a66d6f64656c7381a86465746563746f72a3737364a77365636f6e64"
    "7381a66465636f6465cb3fe0000000000000a6776f726b6572a177"
)

names = st.text(min_size=1, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
shorts = st.floats(allow_nan=False, allow_infinity=False, width=32)  # what a face's numbers are
longs = st.floats(-3.4e38, 3.4e38)  # as version 1 wrote them
pixels = st.floats(0, 65_536, width=32)
shares = st.floats(0, 1, width=32)
counts = st.integers(0, 2**63 - 1)
sizes = st.integers(1, 2**31)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
headers = st.builds(
    FrameHeader,
    camera_id=names,
    sequence=counts,
    captured_at=numbers,
    media_time=st.none() | numbers,
    deadline=numbers,
    width=sizes,
    height=sizes,
    producer=st.none() | names,
    traceparent=st.none() | names,
)
headers_1 = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "camera_id": names,
        "sequence": counts,
        "captured_at": numbers,
        "deadline": numbers,
        "width": sizes,
        "height": sizes,
        "encoding": st.just("jpeg"),
    },
    optional={"traceparent": st.none() | names, "media_time": anything, "producer": anything},
)
faces = st.builds(
    Face,
    box=st.tuples(*[pixels] * 4),
    score=shares,
    quality=shares,
    emotion=st.sampled_from(NAMES),
    probabilities=st.tuples(*[shares] * 8),
    landmarks=st.none() | st.tuples(*[st.tuples(pixels, pixels)] * 5),
    pose=st.none() | st.builds(HeadPose, yaw=shorts, pitch=shorts, roll=shorts),
)
faces_1 = st.fixed_dictionaries(
    {
        "box": st.lists(longs, min_size=4, max_size=4),
        "score": longs,
        "quality": longs,
        "emotion": st.sampled_from(NAMES),
        "probabilities": st.fixed_dictionaries(dict.fromkeys(EMOTIONS, longs)),
    },
    optional={"confidence": anything, "landmarks": anything, "pose": anything},
)
results = st.builds(
    Result,
    camera_id=names,
    sequence=counts,
    captured_at=numbers,
    media_time=st.none() | numbers,
    frame_id=names,
    width=sizes,
    height=sizes,
    faces=st.lists(faces, max_size=4).map(tuple),
    models=st.dictionaries(names, names, max_size=3),
    seconds=st.dictionaries(names, numbers, max_size=3),
    worker=names,
)
events = st.builds(
    Event,
    event_id=names,
    kind=st.sampled_from(get_args(EventKind)),
    camera_id=names,
    track=counts,
    at=numbers,
    media_time=st.none() | numbers,
    sequence=counts,
    emotion=st.sampled_from(NAMES),
    before=st.none() | st.sampled_from(NAMES),
    since=numbers,
    duration=st.floats(0, 1e9),
    peak=st.none() | shares,
    probabilities=st.tuples(*[shares] * 8),
    shares=st.dictionaries(st.sampled_from(NAMES), shares),
    best_sequence=counts,
    box=st.tuples(*[pixels] * 4),
    rule=st.none() | names,
)
results_1 = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "camera_id": names,
        "sequence": counts,
        "captured_at": numbers,
        "frame_id": names,
        "width": sizes,
        "height": sizes,
        "faces": st.lists(faces_1, max_size=4),
        "models": st.dictionaries(names, names, max_size=3),
        "seconds": st.dictionaries(names, numbers, max_size=3),
        "worker": names,
    },
    optional={"media_time": anything},
)


def test_the_wire_of_version_2_does_not_change():
    assert encode_frame(Frame(HEADER, b"\xff\xd8")) == {b"m": HEADER_2, b"j": b"\xff\xd8"}
    assert encode_result(RESULT) == {b"r": RESULT_2}
    assert decode_frame("1-0", {b"m": HEADER_2, b"j": b"\xff\xd8"}) == Frame(HEADER, b"\xff\xd8")
    assert decode_result("1-0", {b"r": RESULT_2}) == RESULT


def test_what_version_1_did_not_say_is_none():
    assert decode_header("1-0", {b"m": HEADER_1}) == replace(HEADER, media_time=None, producer=None)
    face = replace(FACE, landmarks=None, pose=None)
    assert decode_result("1-0", {b"r": RESULT_1}) == replace(RESULT, media_time=None, faces=(face,))
    assert face.confidence == 1.0


@given(headers, st.binary(max_size=50))
def test_frames_come_back_as_they_were(header, picture):
    assert decode_frame("1-0", encode_frame(Frame(header, picture))) == Frame(header, picture)


@given(results)
def test_results_come_back_as_they_were(result):
    assert decode_result("1-0", encode_result(result)) == result


@given(events)
def test_events_come_back_as_they_were(event):
    assert decode_event("1-0", encode_event(event)) == event


@given(st.dictionaries(st.text(max_size=9), anything, max_size=4))
def test_no_event_raises_anything_but_a_decode_error(message):
    with pytest.raises(DecodeError):
        decode_event("1-0", {b"e": msgpack.packb({"version": 2} | message)})


@given(headers_1)
def test_headers_of_version_1_are_read_as_they_say(message):
    """A field that is new in version 2 has no meaning in version 1, whatever is in it."""
    said = {name: value for name, value in message.items() if name not in ("version", "media_time", "producer")}
    assert decode_header("1-0", {b"m": msgpack.packb(message)}) == FrameHeader(**said)


@given(results_1)
def test_results_of_version_1_are_read_as_they_say(message):
    read = decode_result("1-0", {b"r": msgpack.packb(message)})
    for name in ("camera_id", "sequence", "captured_at", "frame_id", "width", "height", "models", "seconds", "worker"):
        assert getattr(read, name) == message[name]
    assert read.media_time is None
    for face, said in zip(read.faces, message["faces"], strict=True):
        assert (list(face.box), face.score, face.quality) == (said["box"], said["score"], said["quality"])
        assert dict(zip(EMOTIONS, face.probabilities, strict=True)) == said["probabilities"]
        assert (face.emotion, face.confidence) == (said["emotion"], said["probabilities"].get(said["emotion"]))
        assert (face.landmarks, face.pose) == (None, None)


@given(faces)
def test_a_face_looks_the_same_in_json_before_and_after_the_wire(face):
    (read,) = decode_result("1-0", encode_result(replace(RESULT, faces=(face,)))).faces
    assert face_map(read) == face_map(face)


@given(st.binary(max_size=200))
@example(b"\x91" * 100_000)
@example(b"\xc1")
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\x81\xa7version\x01" + b"\x00")
def test_no_bytes_raise_anything_but_a_decode_error(data):
    for decode, field in ((decode_result, b"r"), (decode_header, b"m")):
        with pytest.raises(DecodeError):
            decode("1-0", {field: data})


@given(anything)
def test_no_message_raises_anything_but_a_decode_error(message):
    with pytest.raises(DecodeError):
        decode_result("1-0", {b"r": msgpack.packb(message)})


@given(st.sampled_from(sorted(result_map(RESULT))), anything)
def test_no_field_raises_anything_but_a_decode_error(name, value):
    with suppress(DecodeError):
        decoded = decode_result("1-0", {b"r": msgpack.packb(result_map(RESULT) | {name: value})})
        assert decode_result("1-0", encode_result(decoded)) == decoded


@given(st.sampled_from(sorted(result_map(RESULT)["faces"][0])), anything)
def test_no_field_of_a_face_raises_anything_but_a_decode_error(name, value):
    message = result_map(RESULT)
    message["faces"][0][name] = value
    with suppress(DecodeError):
        decode_result("1-0", {b"r": msgpack.packb(message)})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 1}, None),
        ({"version": 3}, "wrong-version"),
        ({"version": [2]}, "wrong-version"),
        ({"version": True}, "wrong-version"),
        ({"version": 2.0}, None),
        ({"version": "2"}, "wrong-version"),
        ({"camera_id": ""}, "wrong-type"),
        ({"camera_id": b"door"}, "wrong-type"),
        ({"sequence": -1}, "wrong-type"),
        ({"sequence": 1.5}, "wrong-type"),
        ({"sequence": True}, "wrong-type"),
        ({"captured_at": math.nan}, "wrong-type"),
        ({"deadline": math.inf}, "wrong-type"),
        ({"deadline": "soon"}, "wrong-type"),
        ({"width": 0}, "wrong-type"),
        ({"height": "480"}, "wrong-type"),
        ({"encoding": "webp"}, "wrong-type"),
        ({"traceparent": 5}, "wrong-type"),
        ({"traceparent": None}, None),
        ({"media_time": math.nan}, "wrong-type"),
        ({"media_time": "0:01"}, "wrong-type"),
        ({"media_time": None}, None),
        ({"producer": ""}, "wrong-type"),
        ({"producer": None}, None),
        ({"something_new": 1}, None),
    ],
)
def test_each_wrong_header_says_what_is_wrong(change, reason):
    message = msgpack.unpackb(HEADER_2) | change
    if reason is None:
        assert decode_header("5-1", {b"m": msgpack.packb(message)}).camera_id == "door"
        return
    with pytest.raises(DecodeError, match="entry 5-1") as caught:
        decode_header("5-1", {b"m": msgpack.packb(message)})
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "change",
    [
        {"confidence": None},
        {"emotion": "unknown"},
        {"emotion": "boredom"},
        {"confidence": "high"},
        {"landmarks": [[1, 2]] * 4},
        {"landmarks": [[1, 2, 3]] * 5},
        {"landmarks": [[math.inf, 2]] * 5},
        {"box": [0, 0, 1, 1e39]},
        {"pose": {"yaw": 1, "pitch": 2}},
        {"pose": [1, 2, 3]},
    ],
)
def test_each_wrong_face_is_refused(change):
    message = result_map(RESULT)
    message["faces"] = [face_map(FACE) | change]
    with pytest.raises(DecodeError):
        decode_result("5-1", {b"r": msgpack.packb(message)})


@pytest.mark.parametrize("name", sorted(set(msgpack.unpackb(HEADER_2)) - {"traceparent", "version"}))
def test_a_missing_field_is_named(name):
    message = msgpack.unpackb(HEADER_2)
    del message[name]
    with pytest.raises(DecodeError, match=name) as caught:
        decode_header("5-1", {b"m": msgpack.packb(message)})
    assert caught.value.reason == "missing-field"


@pytest.mark.parametrize(
    ("change", "accounted"),
    [
        ({}, True),
        ({"version": 3}, True),
        ({"version": 1}, False),
        ({"version": "2"}, False),
        ({"producer": None}, False),
        ({"producer": 5}, False),
    ],
)
def test_whoever_names_a_producer_keeps_its_account(change, accounted):
    assert is_accounted({b"m": msgpack.packb(msgpack.unpackb(HEADER_2) | change)}) is accounted
    assert not is_accounted({b"m": HEADER_2[:-1]})
    assert not is_accounted({b"j": b""})


def test_missing_entry_fields_and_giants_are_refused():
    with pytest.raises(DecodeError, match="field m"):
        decode_header("1-0", {b"j": b""})
    with pytest.raises(DecodeError, match="picture"):
        decode_frame("1-0", {b"m": HEADER_2})
    for decode, field, most in ((decode_result, b"r", MAX_MAP_BYTES), (decode_header, b"m", MAX_HEADER_BYTES)):
        with pytest.raises(DecodeError, match=f"has {most + 1} bytes; at most {most} are read") as caught:
            decode("1-0", {field: bytes(most + 1)})
        assert caught.value.reason == "too-large"
        with pytest.raises(DecodeError, match="no map of names"):
            decode("1-0", {field: bytes(most)})


def test_emotions_travel_by_name_in_any_order():
    message = result_map(RESULT)
    face = message["faces"][0]
    face["probabilities"] = dict(reversed(face["probabilities"].items()))
    assert decode_result("1-0", {b"r": msgpack.packb(message)}) == RESULT


def test_confidence_is_of_the_name():
    assert (face_map(FACE)["confidence"], FACE.confidence) == (1.0, 1.0)
    assert replace(FACE, emotion="anger").confidence == 0.0
    unknown = replace(FACE, emotion=UNKNOWN)
    assert (face_map(unknown)["confidence"], unknown.confidence) == (None, None)
    (read,) = decode_result("1-0", encode_result(replace(RESULT, faces=(unknown,)))).faces
    assert read == unknown


def test_a_picture_is_never_in_a_repr():
    assert "secret" not in repr(Frame(HEADER, b"secret"))


def test_a_face_with_one_emotion_twice_is_refused():
    """A map that says it holds eight names, and holds seven."""
    packed = msgpack.packb(result_map(RESULT))
    name = b"\xa8" + b"surprise"
    assert name in packed
    with pytest.raises(DecodeError, match="probabilities of 8 emotions expected, of 7 found") as refused:
        decode_result("1-0", {b"r": packed.replace(name, b"\xa7" + b"neutral")})
    assert refused.value.reason == "wrong-type"
