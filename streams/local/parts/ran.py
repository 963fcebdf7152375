"""What came of a run, and how it is told."""

import json
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import click
import redis

from ferstream.streams.frames.account import Account
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.keys import Keys

#: Results whose time is looked at: the newest of a long run.
_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """The account that Redis kept, faces classified, how long results took, and seconds since the start of the cameras.

    There is no account where the Redis is not ours. `any_result` says whether one came, `gave_up` names the parts that could not
    be kept running.
    """

    account: Account | None
    faces: int
    latencies_s: list[float]
    seconds: float
    any_result: bool
    gave_up: tuple[str, ...]

    @property
    def balances(self) -> bool:
        """Whether every frame is accounted for, as far as we know."""
        return self.account is None or not self.account.balance

    def tell(self, *, as_json: bool) -> None:
        """The account, on standard output: an object, or a row a line."""
        if self.account is None:
            return
        if as_json:
            click.echo(json.dumps(self._message(self.account)))
        else:
            self._print(self.account)

    def _message(self, account: Account) -> dict[str, Any]:
        return {
            "captured": account.captured,
            "published": account.published,
            "dropped": account.dropped,
            "expired": account.expired,
            "dead": sum(account.dead.values()),
            "in_flight": account.in_flight,
            "balance": account.balance,
            "faces": self.faces,
            "frames_per_second": round(self._speed(account), 2),
            "latency_s": {name: round(value, 4) for name, value in _percentiles(self.latencies_s).items()},
        }

    def _print(self, account: Account) -> None:
        dropped = ", ".join(f"{reason} {count}" for reason, count in account.dropped.items()) or "none"
        balances = "balances" if not account.balance else f"DOES NOT BALANCE: {account.balance:+d}"
        rows = [
            ("captured", f"{account.captured} frames"),
            ("published", str(account.published)),
            ("dropped", f"{sum(account.dropped.values())} ({dropped})"),
            ("expired", str(account.expired)),
            ("dead", str(sum(account.dead.values()))),
            ("in flight", str(account.in_flight)),
            ("account", balances),
            ("faces", f"{self.faces} classified"),
            ("speed", f"{self._speed(account):.1f} frames a second"),
        ]
        if percentiles := _percentiles(self.latencies_s):
            rows.append(("latency", ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in percentiles.items())))
        click.echo()
        for name, value in rows:
            wrong = name == "account" and account.balance
            click.echo(
                click.style(f"{name:>10}  ", dim=True) + click.style(value, fg="red" if wrong else None, bold=name == "account")
            )

    def _speed(self, account: Account) -> float:
        return account.published / self.seconds if self.seconds else 0.0


def read_latencies(client: "redis.Redis", keys: Keys) -> list[float]:
    """Seconds from capture to the result's place in its stream, of results that are kept there; both on Redis's clock."""
    latencies = []
    for shard in range(keys.shards):
        with translated():
            entries: Any = client.xrevrange(keys.results(shard), count=_MOST)
        for entry_id, fields in entries:
            captured_at = decode_result(entry_id.decode(), fields).captured_at
            latencies.append(int(entry_id.split(b"-")[0]) / 1000 - captured_at)
    return latencies


def _percentiles(latencies: list[float]) -> dict[str, float]:
    if len(latencies) < 2:
        return {}
    cuts = quantiles(latencies, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}
