"""The eight emotions, in the one order that arrays of probabilities use. On the wire they travel by name."""

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")

#: What a face is called that shows too little, or looks like too many things, to be named.
UNKNOWN = "unknown"
NAMES = (*EMOTIONS, UNKNOWN)
