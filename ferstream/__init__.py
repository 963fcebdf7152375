"""Apparent facial expression on live video: what a program that uses ferstream needs, under one name.

Everything here is loaded when it is first asked for (PEP 562): `import ferstream` opens nothing, reads no environment,
configures no logging and loads no numpy.
"""

TYPE_CHECKING = False  # what checkers take for true; typing's own would be half the cost of importing this
if TYPE_CHECKING:
    from ferstream.consumer.subscribe.sources import Delivery, EventDelivery
    from ferstream.consumer.subscribe.subscriber import (
        AsyncEventSubscriber,
        AsyncResultSubscriber,
        EventSubscriber,
        ResultSubscriber,
    )
    from ferstream.consumer.tracking.tracker import FaceTracker
    from ferstream.streams.errors import FerstreamError, StoreError, StoreFull, StoreRefused, StoreUnavailable
    from ferstream.streams.wire.emotions import EMOTIONS
    from ferstream.streams.wire.messages import Event, Face, HeadPose, Result
    from ferstream.workers.faces.picture import PictureError
    from ferstream.workers.faces.recognizer import FaceRecognizer
    from ferstream.workers.models.card import ModelError
    from ferstream.workers.models.runtimes.runtime import OutOfMemory

    __version__: str

__all__ = [
    "EMOTIONS",
    "AsyncEventSubscriber",
    "AsyncResultSubscriber",
    "Delivery",
    "Event",
    "EventDelivery",
    "EventSubscriber",
    "Face",
    "FaceRecognizer",
    "FaceTracker",
    "FerstreamError",
    "HeadPose",
    "ModelError",
    "OutOfMemory",
    "PictureError",
    "Result",
    "ResultSubscriber",
    "StoreError",
    "StoreFull",
    "StoreRefused",
    "StoreUnavailable",
    "__version__",
]

#: The module that each public name lives in.
_HOMES = {
    "AsyncEventSubscriber": "ferstream.consumer.subscribe.subscriber",
    "AsyncResultSubscriber": "ferstream.consumer.subscribe.subscriber",
    "Delivery": "ferstream.consumer.subscribe.sources",
    "EMOTIONS": "ferstream.streams.wire.emotions",
    "Event": "ferstream.streams.wire.messages",
    "EventDelivery": "ferstream.consumer.subscribe.sources",
    "EventSubscriber": "ferstream.consumer.subscribe.subscriber",
    "Face": "ferstream.streams.wire.messages",
    "FaceRecognizer": "ferstream.workers.faces.recognizer",
    "FaceTracker": "ferstream.consumer.tracking.tracker",
    "FerstreamError": "ferstream.streams.errors",
    "HeadPose": "ferstream.streams.wire.messages",
    "ModelError": "ferstream.workers.models.card",
    "OutOfMemory": "ferstream.workers.models.runtimes.runtime",
    "PictureError": "ferstream.workers.faces.picture",
    "Result": "ferstream.streams.wire.messages",
    "ResultSubscriber": "ferstream.consumer.subscribe.subscriber",
    "StoreError": "ferstream.streams.errors",
    "StoreFull": "ferstream.streams.errors",
    "StoreRefused": "ferstream.streams.errors",
    "StoreUnavailable": "ferstream.streams.errors",
}


def __getattr__(name: str) -> object:
    from importlib import import_module
    from importlib.metadata import version

    if name == "__version__":
        value: object = version("ferstream")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'ferstream' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
