"""JPEG files that a dataset takes as they are, so that nothing is lost by encoding them anew."""

import re

_START, _END, _JFIF = b"\xff\xd8\xff\xe0", b"\xff\xd9", b"JFIF\0"
_APP0, _SOF0, _SOS = 0xE0, 0xC0, 0xDA
#: Segments that pixels need: tables of quantisation and of Huffman codes, restart intervals, the frame.
_NEEDED = {0xDB, 0xC4, 0xDD, _SOF0}
#: Bytes of a JFIF segment without a thumbnail, and of a frame of three colours.
_APP0_LENGTH, _FRAME_LENGTH = 16, 17
#: What ends a scan: any marker but a restart; a value of 255 is followed by a 0.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def is_bare(data: bytes) -> bool:
    """Whether data is one baseline JPEG in YCbCr as JFIF has it, with nothing besides: no comment, EXIF, profile or thumbnail,
    and nothing after its one scan."""
    if not (data.startswith(_START) and data[6:11] == _JFIF and data.endswith(_END)):
        return False
    place, framed = 2, False
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == _SOS:
            return framed and _ends_with_scan(data, place + 2 + length)
        if marker == _SOF0:
            framed = length == _FRAME_LENGTH
        elif not (marker in _NEEDED or (marker == _APP0 and place == 2 and length == _APP0_LENGTH)):
            return False
        place += 2 + length
    return False


def _ends_with_scan(data: bytes, start: int) -> bool:
    end = _SCAN_END.search(data, start)
    return end is not None and data[end.start() :] == _END
