"""Frames that are written, taken and answered as producers and a worker do it, with faces that a test makes up."""

import time
from collections.abc import Sequence

import redis

from ferstream.streams.frames.finish import Ending, FrameFinisher, answered
from ferstream.streams.frames.previews import read_watched
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.frames.writer import FrameWriter, UnaccountedDrops
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.wire.codec import decode_header
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Face, Frame, FrameHeader, Preview, Result

WIDTH, HEIGHT = 1280, 720


class PlayedWorker:
    """Cameras, and what answers their frames. `pictures` False is a worker without --previews."""

    def __init__(self, client: "redis.Redis", keys: Keys | None = None, *, pictures: bool = True) -> None:
        self._client, self._keys, self._pictures = client, keys or Keys(), pictures
        self._reader = FrameReader(client, self._keys, group="workers", consumer="played", claim_after_s=60)
        self._finisher = FrameFinisher(client, self._keys, group="workers", keep_results_s=60)
        self._reader.join()
        self._writers: dict[str, FrameWriter] = {}

    def watched(self) -> list[str]:
        """Cameras that somebody looks at."""
        return sorted(read_watched(self._client, self._keys, time.time()))

    def answer(self, frames: Sequence[tuple[str, int, Sequence[Face]]], jpeg: bytes = b"jpeg") -> None:
        """One frame each of cameras: a name, a sequence, the faces; with a preview where somebody looks at the camera."""
        now = time.time()
        for camera, sequence, _ in frames:
            self._write(camera, sequence, now)
        watched = read_watched(self._client, self._keys, now) if self._pictures else {}
        found = {(camera, sequence): faces for camera, sequence, faces in frames}
        entries = self._reader.read(len(frames), 1.0)
        endings: dict[int, list[Ending]] = {}
        for entry in entries:
            header = decode_header(entry.entry_id, entry.fields)
            camera, sequence = header.camera_id, header.sequence
            result = _result(camera, sequence, now, found[camera, sequence], entry.entry_id)
            preview = Preview(
                camera_id=camera, sequence=sequence, captured_at=now, width=320, height=180, blurred=False, jpeg=jpeg
            )
            until = watched[camera].until if camera in watched else 0.0
            one = answered(entry, result, preview if camera in watched else None, until)
            endings.setdefault(entry.shard, []).append(one)
        for shard, ended in endings.items():
            self._finisher.end(shard, ended, time.time())
        self._reader.release(entries)

    def _write(self, camera: str, sequence: int, now: float) -> None:
        if camera not in self._writers:
            self._writers[camera] = FrameWriter(
                self._client,
                self._keys,
                ServerClock(),
                camera,
                group="workers",
                budget_bytes=1 << 24,
                drops=UnaccountedDrops(),
                on_dropped=lambda _reason, _frames: None,
            )
        header = FrameHeader(
            camera_id=camera,
            sequence=sequence,
            captured_at=now,
            deadline=now + 10,
            width=WIDTH,
            height=HEIGHT,
            producer="played:1",
        )
        self._writers[camera].write(Frame(header, b"picture"))


def _result(camera: str, sequence: int, at: float, faces: Sequence[Face], entry_id: str) -> Result:
    return Result(
        camera_id=camera,
        sequence=sequence,
        captured_at=at,
        frame_id=entry_id,
        width=WIDTH,
        height=HEIGHT,
        faces=tuple(faces),
        models={"detector": "played", "classifier": "played"},
        seconds={"detect": 0.01, "classify": 0.01},
        worker="played",
    )
