"""How each emotion is drawn, in a report and on a picture: a colour and a pattern; in the order in which they are stacked."""

from typing import NamedTuple

from ferstream.streams.wire.emotions import UNKNOWN

#: Colours of a chart that the page shows dark or light.
INK, FAINT, PAPER = "#1d2731", "#5f6b77", "#fefefe"
#: The lines of patterns, which are dark on every colour.
LINES = "#20262c"


class Look(NamedTuple):
    """A colour, and a hatch of matplotlib's: of lines, since each dot would be a curve in the page."""

    colour: str
    hatch: str


#: Colours that those who see red and green alike can tell (Okabe and Ito, 2008), with grey for their black.
LOOKS = {
    "happiness": Look("#f0e442", "--"),
    "surprise": Look("#e69f00", "++"),
    "neutral": Look("#56b4e9", ""),
    "sadness": Look("#0072b2", "\\\\"),
    "fear": Look("#999999", "\\\\\\\\\\"),
    "contempt": Look("#cc79a7", "||"),
    "disgust": Look("#009e73", "|||||"),
    "anger": Look("#d55e00", "//"),
    UNKNOWN: Look("#d5dade", "xxx"),
}
