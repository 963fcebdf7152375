"""From a camera's address to its source."""

import threading

from ferstream.producer.address import kind_of, path_of
from ferstream.producer.picture_folder import PictureFolder
from ferstream.producer.portraits import Portraits
from ferstream.producer.settings import CameraConfig
from ferstream.producer.source import Source
from ferstream.producer.video_source import VideoSource


def source_for(camera: CameraConfig, stop: threading.Event) -> Source:
    """The source of a camera, not yet open. Raises ConfigError where its address names none."""
    kind = kind_of(camera.url)
    settings = camera.settings
    if kind == "portraits":
        return Portraits(settings.fps, stop, realtime=settings.realtime)
    if kind == "folder":
        return PictureFolder(path_of(camera.url), settings.fps, stop, loop=settings.loop, realtime=settings.realtime)
    return VideoSource(camera.url, kind, settings, stop)
