"""Cameras in, frames out: reads cameras, keeps to a frame rate, encodes JPEG, writes to Redis."""
