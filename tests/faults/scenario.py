"""A scenario: what runs, what goes wrong meanwhile, and what may be lost by it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.faults.rig import Rig

RedisKind = Literal["memory", "durable", "users", "replicated", "cluster"]
Program = Literal["redis", "producer", "worker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Cameras, what they show, and who reads them.

    `pictures` names a folder of the rig's: `quiet` has no face, `faces` has one. `worker` and `producer` are variables for
    the programs in tests/faults/inside, `options` are more of `fer-worker run`.
    """

    cameras: int = 4
    fps: float = 25
    pictures: str = "quiet"
    freshness_s: float = 5.0
    workers: int = 2
    options: tuple[str, ...] = ()
    producer: dict[str, str] = field(default_factory=dict)
    worker: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`fault` does the harm while frames flow, and returns when it is over.

    forgets: why Redis itself forgets here, so that the account begins anew; else nothing may be lost.
    in_hand: frames of each camera that only a killed producer had, and took with it, at each time it was killed.
    clocked: the program whose clock the fault puts with `put_clock`; the others keep the machine's.
    tell: what else there is to say of the run, for its row; it may raise AssertionError.
    """

    name: str
    fault: Callable[["Rig"], None]
    load: Load = field(default_factory=Load)
    redis: RedisKind = "memory"
    proxied: bool = False
    forgets: str = ""
    in_hand: int = 0
    clocked: Program | None = None
    tell: Callable[["Rig"], str] = lambda _rig: ""
    quick: bool = False
