"""The eight emotions, in the one order that arrays of probabilities use. On the wire they travel by name."""

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
