import threading
import time

from ferstream.workers.pipeline.stage import Channel, Stage
from tests.support.fleet import wait_until


def test_items_come_out_in_order_and_in_batches():
    channel: Channel[int] = Channel(10)
    for item in range(5):
        channel.put(item)
    assert channel.get_batch(3) == [0, 1, 2]
    assert channel.get_batch(3) == [3, 4]


def test_put_waits_for_room():
    channel: Channel[int] = Channel(1)
    channel.put(1)
    putter = threading.Thread(target=channel.put, args=(2,))
    putter.start()
    time.sleep(0.05)
    assert len(channel) == 1
    assert channel.get_batch(8) == [1]
    putter.join(5)
    assert channel.get_batch(8) == [2]


def test_close_lets_what_is_queued_be_taken_and_ends_waiting_readers():
    channel: Channel[int] = Channel(4)
    channel.put(1)
    channel.close()
    assert channel.get_batch(8, 10) == [1]
    assert channel.get_batch(8) == []


def test_a_batch_fills_while_it_waits():
    channel: Channel[int] = Channel(8)
    got: list[list[int]] = []
    reader = threading.Thread(target=lambda: got.append(channel.get_batch(3, 5.0)))
    reader.start()
    for item in range(3):
        channel.put(item)
        time.sleep(0.01)
    reader.join(3)
    assert got == [[0, 1, 2]]


def test_a_reader_whose_batch_another_took_goes_on_waiting():
    """Two readers wait for one item to become more; the first takes it, and the second must not mistake that for the end."""
    channel: Channel[int] = Channel(8)
    taken: list[int] = []
    ends = []

    def read() -> None:
        while batch := channel.get_batch(8, 0.001):
            taken.extend(batch)
        ends.append(1)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for item in range(300):
        channel.put(item)
        time.sleep(0.0005)
    wait_until(lambda: len(taken) == 300, 5)
    assert not ends
    channel.close()
    for reader in readers:
        reader.join(5)
    assert len(ends) == 4


def test_more_than_there_is_room_for_is_let_in_as_soon_as_there_is_room_for_one():
    channel: Channel[int] = Channel(2)
    channel.put(0)
    channel.put_all(range(1, 6))
    assert channel.get_batch(8) == [0, 1, 2, 3, 4, 5]


def test_a_stage_is_silent_while_its_batch_hangs_and_not_while_it_waits_for_one():
    channel, hangs = Channel[int](4), threading.Event()
    stage = Stage("stage", channel, lambda _batch: hangs.wait(), lambda _item, _error: None)
    stage.start()
    assert stage.silent_s() == 0
    channel.put(1)
    wait_until(lambda: stage.silent_s() > 0.05)
    hangs.set()
    wait_until(lambda: stage.silent_s() == 0)
    stage.finish(5)
