"""Errors of cameras and of their configuration."""

from ferstream.streams.errors import FerstreamError


class ConfigError(FerstreamError):
    """A camera's settings are wrong; the text names the camera, the key and the line."""


class CameraError(FerstreamError):
    """A camera gives no frames; the text says why in one line and holds neither its URL nor a password."""


class CameraStalled(CameraError):
    """A camera that gave frames has gone silent."""
