"""What Home Assistant is told of a camera, so that it shows it by itself: MQTT discovery.

The messages are those of https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery, with the keys that its pages of the
sensor and of the event integration name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ferstream.consumer.records.rows import Of
from ferstream.consumer.sinks.mqtt.broker import Message
from ferstream.consumer.sinks.mqtt.topics import Topics, What, check_beginning
from ferstream.streams.service.metrics import ferstream_version
from ferstream.streams.wire.emotions import NAMES

#: What the emotion of a camera is while it shows no face.
NOBODY = "nobody"
#: What Home Assistant sends to `<prefix>/status` when it has started.
BORN = b"online"
ONLINE, OFFLINE = b"online", b"offline"
EVENT_TYPES = ("appeared", "changed", "left", "alert")

_ENTITIES: Mapping[What, Mapping[str, Any]] = {
    "people": {
        "platform": "sensor",
        "name": "People",
        "icon": "mdi:account-group",
        "state_class": "measurement",
        "unit_of_measurement": "people",
    },
    "emotion": {
        "platform": "sensor",
        "name": "Apparent emotion",
        "icon": "mdi:emoticon-outline",
        "device_class": "enum",
        "options": [*NAMES, NOBODY],
    },
    "event": {"platform": "event", "name": "Event", "icon": "mdi:account-eye", "event_types": list(EVENT_TYPES)},
}
_OF: Mapping[Of, tuple[What, ...]] = {"results": ("people", "emotion"), "events": ("event",), "minutes": ()}

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Discovery:
    """Describes cameras under the topics of `prefix`, which is `homeassistant` unless it was changed there."""

    topics: Topics
    prefix: str = "homeassistant"

    def __post_init__(self) -> None:
        """Raises TopicError where the prefix cannot begin topics."""
        check_beginning(self.prefix)

    @property
    def status(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    def messages(self, camera_id: str, of: Of, *, with_events: bool = False) -> Iterator[Message]:
        """A retained message for each entity of the camera that records of this kind bring about."""
        more: tuple[What, ...] = ("event",) if with_events else ()
        for what in _OF[of] + more:
            entity = dict(_ENTITIES[what])
            platform, object_id = entity.pop("platform"), self.topics.object_id(camera_id)
            config = entity | {
                "unique_id": f"{object_id}_{what}",
                "state_topic": self.topics.of_camera(camera_id, what),
                "qos": 1,
                "availability": [{"topic": topic} for topic in self._availability(camera_id, what, of)],
                "availability_mode": "all",
                "device": {"identifiers": [object_id], "name": camera_id, "manufacturer": "ferstream", "model": "camera"},
                "origin": {"name": "ferstream", "sw_version": ferstream_version()},
            }
            yield Message(f"{self.prefix}/{platform}/{object_id}/{what}/config", _encode(config), retain=True)

    def _availability(self, camera_id: str, what: What, of: Of) -> Iterator[str]:
        yield self.topics.status(of)
        if what != "event":  # that somebody left is told of a silent camera too
            yield self.topics.of_camera(camera_id, "available")
