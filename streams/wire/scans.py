"""How often a JPEG paints its pixels over: some ten times, or, to keep a decoder busy for minutes, tens of thousands of times."""

#: Of a progressive JPEG; a baseline one has up to four.
MOST_SCANS = 64
_START_OF_SCAN = b"\xff\xda"


def has_too_many_scans(jpeg: bytes) -> bool:
    """Whether decoding it could take many times what its size says."""
    return jpeg.count(_START_OF_SCAN) > MOST_SCANS
