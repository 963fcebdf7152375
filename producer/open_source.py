"""From a camera's address to its source."""

import threading

from producer.address import kind_of, path_of
from producer.picture_folder import PictureFolder
from producer.portraits import Portraits
from producer.settings import CameraConfig
from producer.source import Source
from producer.video_source import VideoSource


def source_for(camera: CameraConfig, stop: threading.Event) -> Source:
    """The source of a camera, not yet open. Raises ConfigError where its address names none."""
    kind = kind_of(camera.url)
    settings = camera.settings
    if kind == "portraits":
        return Portraits(settings.fps, stop, realtime=settings.realtime)
    if kind == "folder":
        return PictureFolder(path_of(camera.url), settings.fps, stop, loop=settings.loop, realtime=settings.realtime)
    return VideoSource(camera.url, kind, settings, stop)
