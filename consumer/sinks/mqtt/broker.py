"""A connection to an MQTT broker that says what arrived: every message is acknowledged, or it is not done."""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ferstream.consumer.sinks.sink import SinkError, SinkUnavailable

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

Version = Literal["5", "3.1.1"]
_VERSIONS: Final = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
#: What a broker says to whom it will never let in. Everything else may pass.
_FOR_GOOD: Final = frozenset(
    {"Bad user name or password", "Not authorized", "Bad authentication method", "Banned", "Unsupported protocol version"}
)
#: The broker takes a client for dead after one and a half of these without a word.
_KEEPALIVE_S: Final = 30
#: So many messages are under way at once; brokers allow 20 unless told otherwise.
_IN_FLIGHT: Final = 20
#: A connection that breaks is noticed after so many seconds.
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, and who we are to it. `ca` are certificates to trust in place of the system's."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    version: Version = "5"
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        """Raises SinkError where the URL is none."""
        try:
            parts = urlsplit(self.url)
            right = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
        except ValueError:
            right = False
        if not right or parts.path not in ("", "/") or "@" in parts.netloc:
            raise SinkError(
                "the broker must be mqtt://host, or mqtts://host (TLS); its user and password are options of their own"
            )

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or _PORTS[parts.scheme]

    @property
    def tls(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to a topic; the broker keeps the last that is `retain`ed for whoever comes later."""

    topic: str
    payload: bytes
    retain: bool = False


class Broker:
    """One connection at a time, and a new one after it broke. Used by one thread; `heard` is called in another.

    `will` is what the broker says of us when we are gone without a word. `listen` is a topic whose messages are given to `heard`.
    """

    def __init__(
        self, address: BrokerAddress, client_id: str, will: Message, listen: str, heard: Callable[[bytes], None]
    ) -> None:
        self._address, self._client_id, self._will, self._listen, self._heard = address, client_id, will, listen, heard
        self._client: paho.Client | None = None
        self._answered, self._lost = threading.Event(), ""

    @property
    def connected(self) -> bool:
        return self._client is not None and not self._lost

    def connect(self) -> None:
        """Connect anew. Raises SinkUnavailable, and SinkError where the broker will never let us in."""
        self._drop()
        client = self._new_client()
        try:
            client.connect(self._address.host, self._address.port, _KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise SinkUnavailable(f"{self._address.url} cannot be reached: {_reason(error)}") from None
        self._client = client
        client.loop_start()
        answered = self._answered.wait(self._address.timeout_s)
        why = self._lost if answered else f"no answer within {self._address.timeout_s:g} s"
        if why:
            self._drop()
            who = f" user {self._address.user}" if self._address.user else ""
            kind = SinkError if why in _FOR_GOOD else SinkUnavailable
            raise kind(f"{self._address.url} does not let{who} in: {why}")

    def publish(self, messages: Sequence[Message]) -> int:
        """Send them in order; returns how many, from the first on, the broker has for good: all, or `problem` says why not."""
        if self._client is None:
            return 0
        under_way = [self._client.publish(message.topic, message.payload, qos=1, retain=message.retain) for message in messages]
        for done, info in enumerate(under_way):
            if not self._acknowledged(info):
                return done
        return len(under_way)

    @property
    def problem(self) -> str:
        """Why the connection broke."""
        return f"{self._address.url} is gone: {self._lost or 'it was never there'}"

    def close(self, last: Message) -> None:
        """Say `last`, and end the connection in order: the will is not said then."""
        if self.connected:
            self.publish([last])
        self._drop()

    def _acknowledged(self, info: paho.MQTTMessageInfo) -> bool:
        # The time begins anew with each message: a broker that takes one after the other is slow, and not gone.
        until = time.monotonic() + self._address.timeout_s
        try:
            while not info.is_published():
                if time.monotonic() > until:
                    self._lost = self._lost or f"no acknowledgement within {self._address.timeout_s:g} s"
                if self._lost:
                    return False
                info.wait_for_publish(_LOOK_S)
        except (RuntimeError, ValueError) as error:  # the library's way to say that it was not sent
            self._lost = self._lost or str(error)
            return False
        return True

    def _new_client(self) -> paho.Client:
        answered = self._answered = threading.Event()
        self._lost = ""
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            protocol=_VERSIONS[self._address.version],
            reconnect_on_failure=False,  # what was under way is ours to send again: only we know what it was
        )
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.connect_timeout = self._address.timeout_s
        client.will_set(self._will.topic, self._will.payload, qos=1, retain=self._will.retain)
        if self._address.user:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            client.tls_set_context(_trusted(self._address.ca))

        def ended(reason: object) -> None:
            if answered is self._answered:  # and not that of a connection before
                self._lost = self._lost or str(reason)
            answered.set()

        def connected(_client: paho.Client, _data: object, _flags: object, reason: "ReasonCode", _more: object) -> None:
            if reason.is_failure:
                ended(reason)
            else:
                client.subscribe(self._listen, qos=1)
                answered.set()

        client.on_connect = connected
        client.on_disconnect = lambda _client, _data, _flags, reason, _more: ended(reason)
        client.on_message = lambda _client, _data, message: self._heard(bytes(message.payload))
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()


def _trusted(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # ssl.SSLError is one
        raise SinkError(f"cannot read certificates from {ca}: {error.strerror or error}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
