"""Events found again."""

import pytest

from ferstream.consumer.dashboard.live import history
from ferstream.consumer.dashboard.live.history import History, Wanted
from tests.support.records import event


@pytest.fixture
def filled():
    found = History()
    for number in range(10):
        found.add(event(number, "left" if number % 2 else "changed", "yard" if number > 6 else "door", at=100.0 + number))
    found.add(event(10, "alert", emotion="anger", at=110.0))
    return found


@pytest.mark.parametrize(
    ("wanted", "sequences"),
    [
        (Wanted(), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (Wanted(camera="yard"), [9, 8, 7]),
        (Wanted(kind="left", camera="door"), [5, 3, 1]),
        (Wanted(emotion="anger"), [10]),
        (Wanted(start=103.0, end=105.0), [4, 3]),
        (Wanted(camera="nobody"), []),
    ],
)
def test_the_newest_come_first(filled, wanted, sequences):
    found, more = filled.find(wanted, 100)
    assert ([one.sequence for one in found], more) == (sequences, False)


def test_a_limit_says_that_there_are_more(filled):
    found, more = filled.find(Wanted(camera="yard"), 2)
    assert ([one.sequence for one in found], more) == ([9, 8], True)
    assert filled.find(Wanted(camera="yard"), 3)[1] is False


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(history, "KEPT", 3)
    found = History()
    for number in range(5):
        found.add(event(number))
    assert [one.sequence for one in found.find(Wanted(), 10)[0]] == [4, 3, 2]
