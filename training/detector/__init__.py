"""The packaged face detector: its training on face packs, its figures beside other detectors, and its release."""
