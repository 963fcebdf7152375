"""A window that several readers share."""

import threading

import pytest

from ferstream.workers.intake import in_flight as module
from ferstream.workers.intake.in_flight import Window


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.05)


def test_one_reader_has_it_all():
    window = Window(8, 1)
    (share,) = window.shares
    assert window.reserve(share) == 8
    window.fill(share, 5, more=True)
    assert window.reserve(share) == 3
    window.fill(share, 3, more=True)
    assert window.reserve(share) == 0
    window.release(share, 2)
    assert window.reserve(share) == 2
    assert window.held() == 6


def test_one_that_waits_takes_one_place_and_one_that_flows_its_part():
    window = Window(12, 3)
    waiting, flowing, third = window.shares
    assert window.reserve(waiting) == 4  # nothing is known of it yet: there may be pending entries
    window.fill(waiting, 0, more=False)
    assert window.reserve(waiting) == 1
    assert window.reserve(flowing) == 4
    window.fill(flowing, 4, more=True)
    assert window.reserve(flowing) == 4
    window.fill(flowing, 4, more=True)
    assert window.reserve(flowing) == 2  # a place is kept for each of the others
    assert window.reserve(third) == 1


@pytest.mark.parametrize(("size", "readers"), [(8, 2), (4, 4), (9, 3)])
def test_none_alone_takes_the_window(size, readers):
    window = Window(size, readers)
    greedy, *others = window.shares
    while count := window.reserve(greedy):
        window.fill(greedy, count, more=True)
    assert greedy.held == size - len(others)
    for other in others:
        assert window.reserve(other) >= 1
    assert sum(share.held + share.reserved for share in window.shares) <= size


def test_many_readers_never_hold_more_than_the_window():
    window, most, stop = Window(10, 5), [0], threading.Event()

    def read(share):
        while not stop.is_set():
            count = window.reserve(share)
            window.fill(share, count, more=count > 1)
            most[0] = max(most[0], window.held())
            window.release(share, count)

    threads = [threading.Thread(target=read, args=(share,)) for share in window.shares]
    for thread in threads:
        thread.start()
    stop.wait(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert 0 < most[0] <= 10
    assert window.held() == 0


def test_what_is_held_for_a_server_that_is_away_takes_no_room_of_the_others():
    window = Window(4, 2)
    away, there = window.shares
    window.fill(away, 4, more=True)
    assert window.reserve(there) == 0
    away.cut_off = True
    assert window.reserve(there) == 2
    assert window.reserve(away) == 0


def test_a_closed_window_wakes_and_refuses():
    window = Window(1, 1)
    window.close()
    assert window.reserve(window.shares[0]) == 0
