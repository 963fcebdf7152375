"""A limit of frames in flight that several readers share."""

import threading

import pytest

from ferstream.workers.intake import admission as module
from ferstream.workers.intake.admission import InFlightLimit


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.05)


def test_one_reader_has_it_all():
    limit = InFlightLimit(8, 1)
    (lane,) = limit.lanes
    assert limit.reserve(lane) == 8
    limit.fill(lane, 5, more=True)
    assert limit.reserve(lane) == 3
    limit.fill(lane, 3, more=True)
    assert limit.reserve(lane) == 0
    limit.release(lane, 2)
    assert limit.reserve(lane) == 2
    assert limit.held() == 6


def test_one_that_waits_takes_one_place_and_one_that_flows_its_part():
    limit = InFlightLimit(12, 3)
    waiting, flowing, third = limit.lanes
    assert limit.reserve(waiting) == 4  # nothing is known of it yet: there may be pending entries
    limit.fill(waiting, 0, more=False)
    assert limit.reserve(waiting) == 1
    assert limit.reserve(flowing) == 4
    limit.fill(flowing, 4, more=True)
    assert limit.reserve(flowing) == 4
    limit.fill(flowing, 4, more=True)
    assert limit.reserve(flowing) == 2  # a place is kept for each of the others
    assert limit.reserve(third) == 1


@pytest.mark.parametrize(("size", "readers"), [(8, 2), (4, 4), (9, 3)])
def test_none_alone_takes_the_limit(size, readers):
    limit = InFlightLimit(size, readers)
    greedy, *others = limit.lanes
    while count := limit.reserve(greedy):
        limit.fill(greedy, count, more=True)
    assert greedy.held == size - len(others)
    for other in others:
        assert limit.reserve(other) >= 1
    assert sum(lane.held + lane.reserved for lane in limit.lanes) <= size


def test_many_readers_never_hold_more_than_the_limit():
    limit, most, stop = InFlightLimit(10, 5), [0], threading.Event()

    def read(lane):
        while not stop.is_set():
            count = limit.reserve(lane)
            limit.fill(lane, count, more=count > 1)
            most[0] = max(most[0], limit.held())
            limit.release(lane, count)

    threads = [threading.Thread(target=read, args=(lane,)) for lane in limit.lanes]
    for thread in threads:
        thread.start()
    stop.wait(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert 0 < most[0] <= 10
    assert limit.held() == 0


def test_what_is_held_for_a_server_that_is_away_takes_no_room_of_the_others():
    limit = InFlightLimit(4, 2)
    away, there = limit.lanes
    limit.fill(away, 4, more=True)
    assert limit.reserve(there) == 0
    away.unreachable = True
    assert limit.reserve(there) == 2
    assert limit.reserve(away) == 0


def test_a_closed_limit_wakes_and_refuses():
    limit = InFlightLimit(1, 1)
    limit.close()
    assert limit.reserve(limit.lanes[0]) == 0
