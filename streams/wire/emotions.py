"""The eight emotions, in the one order that arrays of probabilities use. On the wire they travel by name."""

from typing import Final, Literal, get_args

Emotion = Literal["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)

#: What a face is called that shows too little, or looks like too many things, to be named.
UNKNOWN: Final = "unknown"
Name = Literal[Emotion, "unknown"]
NAMES: tuple[Name, ...] = (*EMOTIONS, UNKNOWN)
