"""What the page's server takes of a core, with many viewers: `python -m tests.benchmarks.dashboard`.

Redis, the server and the viewers are processes as in service. Results and pictures are written as a worker writes them; their
faces wander. Viewers watch everything, and throw away what they read.
"""

import math
import multiprocessing
import selectors
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import click
import psutil
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from ferstream import Face
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from tests.support.dashboard import Dashboard
from tests.support.played_worker import PlayedWorker
from tests.support.records import face

WATCH = b'{"type":"watch","pictures":{"*":320},"results":["*"]}'
#: Begins to be measured then: caches are warm, and every viewer is there.
WARM_S = 4.0
#: Opcodes (RFC 6455, 5.5).
PING, PONG = 9, 10


def faces(camera: int, number: int, how_many: int) -> list[Face]:
    """Faces that wander."""
    places = [(100 + 350 * place, 200 + 80 * math.sin(number / 20 + camera + place)) for place in range(how_many)]
    return [face("happiness", box=(x, y, x + 160, y + 200)) for x, y in places]


def play(url: str, cameras: int, fps: float, how_many: int, jpegs: Sequence[bytes], until: float, batch: int = 8) -> None:
    """Frames of all cameras at their rate, in batches spread over time: cameras know nothing of each other."""
    names = [f"camera-{number:02}" for number in range(cameras)]
    parts = [range(first, min(cameras, first + batch)) for first in range(0, cameras, batch)]
    with connect(url) as client:
        worker = PlayedWorker(client)
        started = time.monotonic()
        for turn in count():
            if time.time() > until:
                return
            number, part = turn // len(parts), parts[turn % len(parts)]
            worker.answer([(names[one], number, faces(one, number, how_many)) for one in part], jpegs[number % len(jpegs)])
            time.sleep(max(0.0, started + (turn + 1) / len(parts) / fps - time.monotonic()))


class Reader:
    """One viewer: counts messages by the headers of their frames, and looks into none."""

    def __init__(self, url: str) -> None:
        uri = parse_uri(f"ws{url.removeprefix('http')}/api/live")
        self.socket = socket.create_connection((uri.host, uri.port))
        protocol = ClientProtocol(uri)
        protocol.send_request(protocol.connect())
        self.socket.sendall(b"".join(protocol.data_to_send()))
        reply = b""
        while b"\r\n\r\n" not in reply:
            reply += self.socket.recv(4096)
        head, _, self._rest = reply.partition(b"\r\n\r\n")
        protocol.receive_data(head + b"\r\n\r\n")
        protocol.events_received()
        protocol.send_text(WATCH)
        self.socket.sendall(b"".join(protocol.data_to_send()))
        self.socket.setblocking(False)
        self._skip = self.messages = self.bytes = 0

    def read(self) -> bool:
        """What has come. False at the end."""
        data = self.socket.recv(1 << 20)
        self.bytes += len(data)
        for _ in self._frames(data):
            self.messages += 1
        return bool(data)

    def _frames(self, data: bytes) -> Iterator[None]:
        if self._skip >= len(data) and not self._rest:
            self._skip -= len(data)
            return
        data, at = self._rest + data[self._skip :], 0
        self._skip, self._rest = 0, b""
        while True:
            head = self._head(data, at)
            if head is None or (data[at] & 15 == PING and len(data) - at < sum(head)):
                self._rest = data[at:]
                return
            size, long = head
            if data[at] & 15 == PING:
                self.socket.send(bytes((0x80 | PONG, 0x80 | size)) + bytes(4) + data[at + long : at + long + size])
            yield
            at += long + size
            if at >= len(data):
                self._skip = at - len(data)
                return

    @staticmethod
    def _head(data: bytes, at: int) -> tuple[int, int] | None:
        """Bytes of a frame, and of its head; None where that is not here yet."""
        if len(data) - at < 2:
            return None
        short = data[at + 1] & 127
        layout = {126: ">H", 127: ">Q"}.get(short)
        if layout is None:
            return short, 2
        long = 2 + struct.calcsize(layout)
        return (struct.unpack_from(layout, data, at + 2)[0], long) if len(data) - at >= long else None


def view(url: str, viewers: int, until: float, told: "multiprocessing.connection.Connection") -> None:
    """So many viewers in one process; tells messages and bytes at the end."""
    readers = [Reader(url) for _ in range(viewers)]
    with selectors.DefaultSelector() as ready:
        for reader in readers:
            ready.register(reader.socket, selectors.EVENT_READ, reader)
        while time.time() < until:
            for key, _ in ready.select(0.1):
                if not key.data.read():
                    raise click.ClickException("a viewer was dropped")
    told.send((sum(reader.messages for reader in readers), sum(reader.bytes for reader in readers)))


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's process at a moment."""

    at: float
    cpu_s: float
    rss: int
    pictures: float
    messages: float
    skipped: float

    @classmethod
    def of(cls, process: psutil.Process, dashboard: Dashboard) -> "Sample":
        metrics = dashboard.metrics()
        pictures, messages, skipped = (
            metrics[f"fer_dashboard_{name}_total"] for name in ("pictures_sent", "messages_sent", "messages_skipped")
        )
        used = process.cpu_times()
        return cls(time.monotonic(), used.user + used.system, process.memory_info().rss, pictures, messages, skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the server took and did, a second."""

    core: float
    pictures: float
    messages: float
    skipped: float
    rss: tuple[int, int]

    @classmethod
    def between(cls, first: Sample, last: Sample) -> "Taken":
        passed = last.at - first.at
        return cls(
            core=(last.cpu_s - first.cpu_s) / passed,
            pictures=(last.pictures - first.pictures) / passed,
            messages=(last.messages - first.messages) / passed,
            skipped=(last.skipped - first.skipped) / passed,
            rss=(first.rss, last.rss),
        )

    @property
    def memory(self) -> str:
        first, last = (size / 2**20 for size in self.rss)
        return f"{first:.1f} and {last:.1f} MiB"


@click.command(context_settings={"show_default": True})
@click.option("--cameras", default=16)
@click.option("--fps", default=10.0, help="Frames a second of each camera.")
@click.option("--faces", "how_many", default=2, help="In each frame.")
@click.option("--picture-bytes", default=12_000, help="Of a preview of 320 px.")
@click.option("--viewers", default=(1, 50), multiple=True, help="May be repeated: a run each.")
@click.option("--seconds", default=12.0, help="Of each run, after a few to get warm.")
def main(cameras: int, fps: float, how_many: int, picture_bytes: int, viewers: tuple[int, ...], seconds: float) -> None:
    """Measure the server's share of a core, and its memory."""
    click.echo("viewers  core    pictures/s  messages/s  skipped/s  RSS at start and end")
    for number in viewers:
        taken = measure(cameras, fps, how_many, picture_bytes, number, seconds)
        rates = f"{taken.pictures:10,.0f}  {taken.messages:10,.0f}  {taken.skipped:9,.0f}"
        click.echo(f"{number:7}  {taken.core:5.1%}  {rates}  {taken.memory}")


def measure(cameras: int, fps: float, how_many: int, size: int, viewers: int, seconds: float) -> Taken:
    """With so many viewers."""
    processes = multiprocessing.get_context("spawn")
    jpeg = bytes(range(256)) * (size // 256 + 1)
    with EmbeddedRedis() as redis, Dashboard(redis.url) as dashboard:
        ours, its = processes.Pipe()
        until = time.time() + WARM_S + seconds + 3
        others = [
            processes.Process(target=play, args=(redis.url, cameras, fps, how_many, [jpeg[:size]], until), daemon=True),
            processes.Process(target=view, args=(dashboard.url, viewers, until, its), daemon=True),
        ]
        for other in others:
            other.start()
        time.sleep(WARM_S)
        server = psutil.Process(dashboard.process.pid)
        first = Sample.of(server, dashboard)
        time.sleep(seconds)
        last = Sample.of(server, dashboard)
        for other in others:
            other.join()
        messages, _ = ours.recv()
        if not messages:
            raise click.ClickException("viewers read nothing")
        return Taken.between(first, last)


if __name__ == "__main__":
    main()
