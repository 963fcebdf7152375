"""Frames in, faces with their apparent expression out: what a `fer-worker` does, and `FaceRecognizer` for pictures."""
