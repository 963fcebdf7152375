"""Records to an MQTT broker: what each camera shows now, and what happens, for Home Assistant and others."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from ferstream.consumer.log.repeats import Repeats
from ferstream.consumer.records.lines import name_of, record_map
from ferstream.consumer.records.rows import Of, Record
from ferstream.consumer.sinks.mqtt.broker import Broker, BrokerAddress, Message
from ferstream.consumer.sinks.mqtt.home_assistant import BORN, NOBODY, OFFLINE, ONLINE, Discovery
from ferstream.consumer.sinks.mqtt.topics import What
from ferstream.consumer.sinks.on_the_way import warn_of_readers
from ferstream.consumer.sinks.sink import SinkUnavailable
from ferstream.consumer.tracking.camera_tracks import is_old
from ferstream.consumer.tracking.sighting import Sighting
from ferstream.streams.wire.messages import Event, Result

#: A camera without a result for so long is said to be unavailable.
SILENT_S = 30.0
#: And after so long it is forgotten here; what the broker keeps of it stays.
FORGET_S = 3600.0

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Camera:
    """What is said of a camera, to be kept by the broker: discovery, and its state by topic. `heard_at` is by our clock."""

    described: list[Message] = field(default_factory=list)
    last: Sighting | None = None
    heard_at: float = 0.0
    state: dict[What, bytes] = field(default_factory=dict)


class MqttSink:
    """Publishes with QoS 1, and is done with what the broker has acknowledged.

    The state of a camera, people and emotion, is published where it changed, and kept by the broker (retained); events and
    minutes go out one by one, results too where `each_result` says so. Everything that is kept is said again after a new
    connection, and when Home Assistant has started. What was acknowledged is not sent again; what was under way when a
    connection broke is, and may come twice: `event_id`, or camera, number and time, tell.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        of: Of,
        discovery: Discovery,
        *,
        with_events: bool = False,
        each_result: bool = False,
        announce: bool = True,
    ) -> None:
        """`with_events` says that events come beside results; `announce` that Home Assistant is told of cameras."""
        self._of, self._discovery, self._topics = of, discovery, discovery.topics
        self._with_events, self._each_result, self._announce = with_events, each_result, announce
        self._status = self._topics.status(of)
        will = Message(self._status, OFFLINE, retain=True)
        if not address.tls:
            warn_of_readers(address.url, address.host, "mqtts")
        self._broker = Broker(address, client_id, will, discovery.status, self._heard)
        self._cameras: dict[str, _Camera] = {}
        self._there: dict[str, bytes] = {}  # what the broker keeps, by topic, as far as this connection knows
        self._born = threading.Event()
        self._delivered = Repeats()

    def write(self, records: Sequence[Record]) -> int:
        """Publish what is new; returns the bytes of what went out one by one."""
        self._be_connected()
        touched = {record.camera_id: None for record in records}
        for record in records:
            self._see(record)
        self._keep(touched)
        return self._send_each(self._delivered.new([record for record in records if self._goes_alone(record)]))

    def maintain(self) -> None:
        """Connect again, say which cameras are silent, and say everything again to a Home Assistant that has just started."""
        self._be_connected()
        if self._born.is_set():
            self._born.clear()
            self._there.clear()
        now = time.monotonic()
        for camera_id, camera in list(self._cameras.items()):
            if now - camera.heard_at > FORGET_S:
                del self._cameras[camera_id]
            elif camera.state and now - camera.heard_at > SILENT_S:
                camera.state["available"] = OFFLINE
        self._keep(self._cameras)

    def close(self) -> None:
        """Say that nothing comes from here any more, of any camera: one that does not come back must not be shown as it was."""
        for camera in self._cameras.values():
            if camera.state:
                camera.state["available"] = OFFLINE
        if self._broker.connected:
            with suppress(SinkUnavailable):  # its will is said then
                self._keep(self._cameras)
        self._broker.close(Message(self._status, OFFLINE, retain=True))

    def _be_connected(self) -> None:
        if not self._broker.connected:
            self._broker.connect()
            self._there.clear()
            self._keep(self._cameras)

    def _heard(self, payload: bytes) -> None:
        if payload == BORN:
            self._born.set()

    def _goes_alone(self, record: Record) -> bool:
        return self._each_result or not isinstance(record, Result)

    def _see(self, record: Record) -> None:
        camera = self._cameras.setdefault(record.camera_id, _Camera())
        camera.heard_at = time.monotonic()
        if self._announce and not camera.described:
            camera.described = list(self._discovery.messages(record.camera_id, self._of, with_events=self._with_events))
        if not isinstance(record, Result) or (camera.last is not None and is_old(record, camera.last)):
            return
        camera.last = Sighting.first(record)
        camera.state |= {"people": str(len(record.faces)).encode(), "emotion": emotion_of(record).encode(), "available": ONLINE}

    def _keep(self, camera_ids: Iterable[str]) -> None:
        """Have the broker keep what is to be said of these cameras; what it has already is left out."""
        wanted = (message for camera_id in camera_ids for message in self._kept(camera_id, self._cameras[camera_id]))
        birth = Message(self._status, ONLINE, retain=True)
        messages = [message for message in (*wanted, birth) if self._there.get(message.topic) != message.payload]
        done = self._broker.publish(messages)
        self._there |= {message.topic: message.payload for message in messages[:done]}
        if done < len(messages):
            raise SinkUnavailable(self._broker.problem)

    def _kept(self, camera_id: str, camera: _Camera) -> Iterator[Message]:
        yield from camera.described
        for what, payload in camera.state.items():
            yield Message(self._topics.of_camera(camera_id, what), payload, retain=True)

    def _send_each(self, records: Sequence[Record]) -> int:
        messages = [self._message(record) for record in records]
        done = self._broker.publish(messages)
        self._delivered.add(map(name_of, records[:done]))
        if done < len(messages):
            raise SinkUnavailable(self._broker.problem)
        return sum(len(message.payload) for message in messages)

    def _message(self, record: Record) -> Message:
        said = record_map(record)
        if isinstance(record, Event):
            # Home Assistant knows the kind of an event by this name.
            return Message(self._topics.of_camera(record.camera_id, "event"), _encode({"event_type": record.kind, **said}))
        what: What = "result" if isinstance(record, Result) else "minute"
        return Message(self._topics.of_camera(record.camera_id, what), _encode(said))


def emotion_of(result: Result) -> str:
    """What most of the faces look like, the likelier one where it is as many; NOBODY where there is none."""
    faces = Counter(face.emotion for face in result.faces)
    sums: Counter[str] = Counter()
    for face in result.faces:
        sums[face.emotion] += face.confidence or 0.0  # type: ignore[assignment]  # sums of floats
    return max(faces, key=lambda name: (faces[name], sums[name]), default=NOBODY)
