"""A mosquitto of the test's own, killed and started at will, and a listener to what it distributes."""

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.patience import PATIENCE
from tests.support.redis_cluster import free_ports
from tests.support.video_files import skip_or_fail

#: Debian has it where only root looks.
PROGRAM = shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin")
WAIT_S = 30 * PATIENCE


class Mosquitto:
    """A broker on a free port; `lines` are more of its configuration, in which {folder} stands for its folder."""

    def __init__(self, folder: Path, *lines: str, anonymous: bool = True, scheme: str = "mqtt"):
        if PROGRAM is None:
            skip_or_fail("no mosquitto here: `make test-tools` as root installs it")
        (self.port,) = free_ports(1)
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._config, self._log = folder / "mosquitto.conf", folder / "mosquitto.log"
        settings = (f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(anonymous).lower()}", "user root", *lines)
        self._config.write_text("\n".join(settings).format(folder=folder) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        assert PROGRAM is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", str(self._config)], stdout=log, stderr=log)
        until = time.monotonic() + WAIT_S
        while not self._listens():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < until
            time.sleep(0.02)

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(WAIT_S)
            self._process = None

    def pause(self) -> None:
        """It answers nothing, and connections stay; `kill` ends it also then."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Has what comes by topics of a broker, in order; comes back by itself when the broker does."""

    def __init__(self, broker: Mosquitto, topic: str = "#", on_message: Callable[[], None] | None = None):
        self.messages: list[paho.MQTTMessage] = []
        self._subscribed = threading.Event()
        self._changed = threading.Condition()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.05, 0.2)  # type: ignore[arg-type]  # its annotation says int
        self._client.on_connect = lambda client, *_: client.subscribe(topic)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_disconnect = lambda *_: self._subscribed.clear()

        def heard(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
            with self._changed:
                self.messages.append(message)
                self._changed.notify_all()
            if on_message is not None:
                on_message()

        self._client.on_message = heard
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def __enter__(self) -> Self:
        self.wait_until_there()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_until_there(self) -> None:
        assert self._subscribed.wait(WAIT_S)

    def wait_for(self, found: Callable[[], bool]) -> None:
        """Until what came is what is looked for."""
        with self._changed:
            assert self._changed.wait_for(found, WAIT_S), [(message.topic, message.payload) for message in self.messages]

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(WAIT_S)

    def of(self, topic: str) -> list[bytes]:
        """What came by a topic."""
        return [message.payload for message in self.messages if message.topic == topic]


def kept(broker: Mosquitto) -> dict[str, bytes]:
    """What the broker keeps for whoever comes later, by topic."""
    with Listener(broker) as listener:
        listener.publish("the/end", b"")
        listener.wait_for(lambda: bool(listener.of("the/end")))
        return {message.topic: message.payload for message in listener.messages if message.retain}
