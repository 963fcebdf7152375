"""Which kind of source reads a camera's URL."""

import threading

from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.config.camera_url import kind_of, path_of, portraits_variant
from ferstream.producer.sources.picture_folder import PictureFolder
from ferstream.producer.sources.source import Source
from ferstream.producer.sources.synthetic import Portraits
from ferstream.producer.sources.video import VideoSource


def source_for(camera: CameraConfig, stop: threading.Event) -> Source:
    """The source of a camera, not yet open. Raises ConfigError where its URL names none."""
    kind = kind_of(camera.url)
    settings = camera.settings
    if kind == "portraits":
        return Portraits(settings.fps, stop, realtime=settings.realtime, variant=portraits_variant(camera.url))
    if kind == "folder":
        return PictureFolder(path_of(camera.url), settings.fps, stop, loop=settings.loop, realtime=settings.realtime)
    return VideoSource(camera.url, kind, settings, stop)
