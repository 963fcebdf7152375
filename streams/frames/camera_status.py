"""What a producer says of its cameras in `fer:cameras`: a hash of one msgpack map a camera, for status pages and people."""

import logging
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import msgspec
import redis

from ferstream.streams.redis_client.connect import redact, translated
from ferstream.streams.wire.keys import Keys

log = logging.getLogger(__name__)

State = Literal["connecting", "live", "stalled", "frozen", "down", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """One camera as its producer sees it. Times are seconds since the epoch on Redis's clock."""

    camera_id: str
    state: State
    url: str  # redacted on writing, whatever it holds
    producer: str
    updated_at: float
    last_frame_at: float | None = None
    sequence: int = 0
    width: int = 0
    height: int = 0
    frames_per_second: float = 0.0
    reconnects: int = 0
    waiting_bytes: int = 0
    problem: str = ""


def write_statuses(client: "redis.Redis", keys: Keys, statuses: list[CameraStatus]) -> None:
    """Write the status of several cameras. Raises StoreUnavailable."""
    if not statuses:
        return
    packed: dict[Any, Any] = {
        status.camera_id: msgspec.msgpack.encode(asdict(status) | {"url": redact(status.url)}) for status in statuses
    }
    with translated():
        client.hset(keys.cameras, mapping=packed)


def remove_status(client: "redis.Redis", keys: Keys, camera_id: str) -> None:
    """Delete the status of a camera that was removed. Raises StoreUnavailable."""
    with translated():
        client.hdel(keys.cameras, camera_id)


def read_statuses(client: "redis.Redis", keys: Keys) -> list[CameraStatus]:
    """Every camera's status, in the order of names. Raises StoreUnavailable.

    Of an entry that a newer version wrote the known fields are read. What is no status is left out.
    """
    with translated():
        packed: dict[Any, Any] = client.hgetall(keys.cameras)
    known = {field.name for field in fields(CameraStatus)}
    statuses = []
    values: list[Any] = list(packed.values())  # redis-py says bytes or str; a client of ours gives bytes
    for value in values:
        try:
            message = msgspec.msgpack.decode(value)
            statuses.append(CameraStatus(**{name: message[name] for name in known & set(message)}))
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
            log.debug("passing over an entry of %s that is no camera's status: %s", keys.cameras, error)
    return sorted(statuses, key=lambda status: status.camera_id)
