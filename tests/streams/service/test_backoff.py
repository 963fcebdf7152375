"""How long programs wait between two tries."""

from ferstream.streams.service.backoff import FLOOR_S, Backoff


def waits(backoff: Backoff, count: int) -> list[float]:
    return [backoff.failed() for _ in range(count)]


def test_waits_grow_to_the_longest_and_never_pass_it():
    backoff = Backoff(0.5, 4.0)
    for number, wait_s in enumerate(waits(backoff, 50)):
        assert FLOOR_S <= wait_s <= min(4.0, 0.5 * 2**number)


def test_late_waits_differ_so_that_many_do_not_come_back_in_step():
    late = waits(Backoff(0.5, 4.0), 200)[20:]
    assert len(set(late)) > 150
    assert min(late) < 1.0
    assert max(late) > 3.0


def test_what_was_healthy_long_enough_begins_anew():
    backoff = Backoff(0.1, 100.0, healthy_after_s=0.0)
    waits(backoff, 12)
    backoff.succeeded()
    assert backoff.failed() <= 0.1


def test_what_was_healthy_for_a_moment_goes_on_waiting_longer():
    backoff = Backoff(0.1, 100.0, healthy_after_s=60.0)
    waits(backoff, 12)
    backoff.succeeded()
    assert max(waits(backoff, 30)) > 10.0
