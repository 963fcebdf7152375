"""What an upload is, by its first bytes: names and Content-Types are what somebody says. And how large its picture is."""

import struct
from dataclasses import dataclass

from ferstream.consumer.dashboard.frames.uploads.upload_errors import UploadError, too_large, unreadable

#: Bytes from which all of it can be told.
HEAD_BYTES = 64
MAX_PIXELS = 40_000_000
TAKEN = "send a JPEG, PNG or WebP picture, or a clip as MP4, MOV, WebM, MKV or AVI"

#: Of clips, the demuxer that reads it: FFmpeg is not left to guess, which would open playlists of other files.
_CLIPS = {b"\x1a\x45\xdf\xa3": "matroska"}
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """`picture` is jpeg, png or webp; else `demuxer` reads the clip."""

    picture: str = ""
    demuxer: str = ""


def kind_of(head: bytes) -> Kind:
    """Raises UploadError (415)."""
    if head.startswith(b"\xff\xd8\xff"):
        return Kind(picture="jpeg")
    if head.startswith(_PNG):
        return Kind(picture="png")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind(picture="webp")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Kind(demuxer="avi")
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return Kind(demuxer="mp4")
    if demuxer := _CLIPS.get(head[:4]):
        return Kind(demuxer=demuxer)
    raise unreadable(f"this is no picture and no clip: {TAKEN}" if head else f"the body is empty: {TAKEN}")


def check_size(width: int, height: int) -> None:
    """Raises UploadError (413)."""
    if width * height > MAX_PIXELS:
        raise too_large(f"the picture has {width}x{height} pixels; at most {MAX_PIXELS // 1_000_000} million are taken")


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height, from the first chunk. Raises UploadError."""
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise _damaged("PNG")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height: a lossy, a lossless or an extended file says them in its first chunk, each its own way."""
    if len(data) < 30:
        raise _damaged("WebP")
    chunk = data[12:16]
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    raise _damaged("WebP")


def _damaged(kind: str) -> UploadError:
    return unreadable(f"the {kind} file is damaged")
