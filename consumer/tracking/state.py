"""The tracks of a camera as bytes, so that another process can go on with them."""

import msgspec

from ferstream.consumer.tracking.camera_tracks import CameraTracks
from ferstream.streams.errors import FerstreamError

#: What is kept of a track changes with how it is followed: a state of another version is not read.
VERSION = 1


class StateError(FerstreamError):
    """The saved state of a camera's tracks cannot be read; go on without it: its faces appear anew."""


class _Saved(msgspec.Struct, array_like=True):
    version: int
    tracks: CameraTracks


class _AnyVersion(msgspec.Struct, array_like=True):
    version: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Saved).decode
_decode_version = msgspec.msgpack.Decoder(_AnyVersion).decode


def encode_tracks(tracks: CameraTracks) -> bytes:
    """The state as MessagePack; numbers keep all their bits."""
    return _encode(_Saved(VERSION, tracks))


def decode_tracks(camera_id: str, state: bytes) -> CameraTracks:
    """The state as it was. Raises StateError where it is of another version, or is none."""
    try:
        version = _decode_version(state).version
        if version != VERSION:
            raise StateError(f"camera {camera_id!r}: its saved tracks are of version {version}; this program reads {VERSION}")
        return _decode(state).tracks
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError) as error:
        raise StateError(f"camera {camera_id!r}: its saved tracks cannot be read: {error}") from error
