"""The account of a deployment: where every captured frame went. Redis keeps it, in the same steps that change a frame's state."""

from collections import Counter
from dataclasses import dataclass

import redis

from ferstream.streams.errors import StoreRefused
from ferstream.streams.redis_client.commands import LuaScript
from ferstream.streams.wire.keys import Keys

_READ = LuaScript(__file__, "account")

#: Fields of the hash. `dead` and `dropped` have a field for each reason.
CAPTURED, PUBLISHED, EXPIRED = "captured", "published", "expired"


def dead(reason: str) -> str:
    """The field of dead letters with this reason."""
    return f"dead.{reason}"


def dropped(reason: str) -> str:
    """The field of frames that were dropped for this reason."""
    return f"dropped.{reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Frames since the deployment began, or since Redis last lost its data; `dead` and `dropped` by reason."""

    captured: int
    published: int
    expired: int
    dead: dict[str, int]
    dropped: dict[str, int]
    in_flight: int

    @property
    def balance(self) -> int:
        """Frames that stand in no column; 0 at every instant, where all producers keep the account."""
        ended = self.published + self.expired + sum(self.dead.values()) + sum(self.dropped.values())
        return self.captured - ended - self.in_flight

    @property
    def balances(self) -> bool:
        """Whether every frame is in one column. Frames of producers that keep no account are captured when they end."""
        return -self.in_flight <= self.balance <= 0


def read_account(client: "redis.Redis", keys: Keys) -> Account:
    """The sum over all shards; of each shard as it was at one instant. Raises StoreError."""
    frames: Counter[str] = Counter()
    in_flight = 0
    for shard in range(keys.shards):
        listed, waiting = _READ.run(client, [keys.account(shard), keys.frames(shard)])
        try:
            frames.update({name.decode(): int(number) for name, number in zip(listed[::2], listed[1::2], strict=True)})
        except ValueError:
            raise StoreRefused(f"{keys.account(shard)} holds what is no account of frames: see HGETALL, and HDEL that") from None
        in_flight += waiting
    return Account(
        captured=frames[CAPTURED],
        published=frames[PUBLISHED],
        expired=frames[EXPIRED],
        dead=_by_reason(frames, dead("")),
        dropped=_by_reason(frames, dropped("")),
        in_flight=in_flight,
    )


def _by_reason(frames: Counter[str], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): number for name, number in sorted(frames.items()) if name.startswith(prefix)}
