"""What a clock makes of answers: a slow one moves nothing, it neither steps back nor jumps, a Redis that was set is followed."""

import os
import signal
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import DRIFT, SLEW, STEP_S, ClockOffset, ServerClock
from ferstream.streams.redis_client.connect import connect

OFFSET = 1.7e9
ROUNDING = 1e-5

#: Seconds until Redis is asked again, round trip, and at which part of it Redis looks at its clock.
samples = st.lists(st.tuples(st.floats(0, 60), st.floats(0.0001, 8), st.floats(0, 1)), min_size=1, max_size=20)


class Asked:
    """A clock offset that learns from a simulated Redis whose clock runs fast or slow, and is read all the time."""

    def __init__(self, drift: float = 0.0) -> None:
        self.offset, self.now, self.drift, self.set_by = ClockOffset(OFFSET + 3600), 1000.0, drift, 0.0
        self.shown: list[tuple[float, float]] = []

    def true(self, at: float) -> float:
        return OFFSET + self.set_by + self.drift * (at - 1000.0)

    def ask(self, gap: float, round_trip: float, part: float) -> None:
        self._read_until(self.now + gap)
        sent, looked, received = self.now, self.now + part * round_trip, self.now + round_trip
        self._read_until(received)
        self.offset.learn(sent, looked + self.true(looked), received)
        self.look()

    def _read_until(self, then: float) -> None:
        for part in (0.1, 0.5, 0.9, 1.0):
            self.look(self.now + part * (then - self.now))
        self.now = then

    def look(self, at: float | None = None) -> None:
        at = self.now if at is None else at
        self.shown.append((at, at + self.offset.at(at)))


@given(samples, st.floats(-DRIFT, DRIFT))
def test_it_is_wrong_by_half_the_best_round_trip_at_most(asks, drift):
    simulated, best = Asked(drift), float("inf")
    for gap, round_trip, part in asks:
        best = min(best + 2 * DRIFT * (gap + round_trip), round_trip * (1 + 2 * DRIFT))
        simulated.ask(gap, round_trip, part)
        assert abs(simulated.offset.best - simulated.true(simulated.now)) <= best / 2 + ROUNDING


@given(samples, st.floats(-DRIFT, DRIFT))
def test_after_the_first_answer_it_neither_steps_back_nor_jumps(asks, drift):
    simulated = Asked(drift)
    simulated.ask(*asks[0])
    simulated.shown.clear()
    for ask in asks[1:]:
        simulated.ask(*ask)
    for (before, showed), (after, shows) in zip(simulated.shown, simulated.shown[1:], strict=False):
        passed = after - before
        assert (1 - SLEW) * passed - ROUNDING <= shows - showed <= (1 + SLEW) * passed + ROUNDING


@given(st.floats(0.3, 3600), st.sampled_from([-1, 1]), st.floats(0.001, 0.2), st.floats(0, 1))
def test_a_redis_whose_clock_was_set_is_followed(seconds, direction, round_trip, part):
    simulated = Asked()
    simulated.ask(0, 0.001, 0.5)
    simulated.set_by = direction * seconds
    simulated.ask(1, round_trip, part)
    error = abs(simulated.offset.at(simulated.now) - simulated.true(simulated.now))
    assert error <= (0.51 * round_trip + ROUNDING if seconds > STEP_S + round_trip else seconds + round_trip)
    simulated.ask((STEP_S + round_trip) / SLEW, round_trip, part)
    assert abs(simulated.offset.at(simulated.now) - simulated.true(simulated.now)) <= 0.51 * round_trip + ROUNDING


def test_an_answer_that_comes_late_moves_nothing():
    with EmbeddedRedis() as server, connect(server.url) as client:
        clock, other = ServerClock(), ServerClock()
        clock.set_from(client)
        other.set_from(client)
        os.kill(server.pid, signal.SIGSTOP)
        goes_on = threading.Timer(0.4, os.kill, (server.pid, signal.SIGCONT))
        goes_on.start()
        clock.set_from(client)
        goes_on.join()
        assert clock.now() == pytest.approx(other.now(), abs=0.05)
