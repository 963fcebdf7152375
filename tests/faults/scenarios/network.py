"""The line to Redis: cut in the middle of a message, silent, slow, narrow."""

import time
from collections.abc import Callable

from tests.faults.rig import Rig
from tests.faults.scenario import Load, Scenario
from tests.support.proxy import Direction

CUTS = 12
#: A request this large holds a picture; a reply too.
PICTURE_BYTES = 1000


def cuts(direction: Direction, *, at_least: int = 1, keep: float) -> Callable[[Rig], None]:
    def fault(rig: Rig) -> None:
        for number in range(CUTS):
            rig.proxy.cut_next(direction, at_least=at_least, keep=keep)
            rig.wait_until(lambda number=number: rig.proxy.cuts > number)
            time.sleep(0.1 + 0.4 * rig.random.random())

    return fault


def reset_all(rig: Rig) -> None:
    for _ in range(8):
        rig.proxy.cut()
        time.sleep(0.2 + 0.4 * rig.random.random())


def half_open(rig: Rig) -> None:
    rig.proxy.black_hole()
    time.sleep(5.0)
    rig.proxy.heal()


def half_closed(rig: Rig) -> None:
    for _ in range(3):
        rig.proxy.half_close()
        rig.wait_for_answers(50)


def slow(delay_s: float, seconds: float) -> Callable[[Rig], None]:
    def fault(rig: Rig) -> None:
        rig.proxy.delay_s = delay_s
        time.sleep(seconds)
        rig.proxy.heal()

    return fault


def narrow(rig: Rig) -> None:
    rig.proxy.bytes_per_s = 1e6
    time.sleep(8.0)
    rig.proxy.heal()


def scenario(name: str, fault: Callable[[Rig], None], *, quick: bool = False) -> Scenario:
    return Scenario(name=name, fault=fault, proxied=True, quick=quick)


SCENARIOS = (
    scenario("replies lost, 12 times", cuts("reply", keep=0.0), quick=True),
    scenario("replies cut in the middle, 12 times", cuts("reply", at_least=2, keep=0.5)),
    scenario("writes of frames cut in the middle, 12 times", cuts("request", at_least=PICTURE_BYTES, keep=0.5)),
    scenario("all connections reset, 8 times", reset_all),
    scenario("connections half-open for 5 s", half_open),
    scenario("connections half-closed, 3 times", half_closed),
    scenario("300 ms added each way for 8 s", slow(0.3, 8.0)),
    scenario("3 s added each way for 12 s", slow(3.0, 12.0)),
    Scenario(name="1 MB a second for 8 s, where 4 are to pass", fault=narrow, load=Load(pictures="crowd"), proxied=True),
)
