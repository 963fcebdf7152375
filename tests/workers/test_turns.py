"""Cameras take turns by the work they cause."""

from collections import Counter

from ferstream.workers.pipeline.stage import FairChannel, WorkChannel


def work_channel(items, enough=10):
    channel: WorkChannel[str] = WorkChannel(1000, lambda item: item[0], enough)
    channel.put_all(items)
    return channel


def items(camera, count):
    return [f"{camera}{number}" for number in range(count)]


def test_keys_take_turns():
    channel: FairChannel[str] = FairChannel(20, lambda item: item[0])
    channel.put_all(["a1", "a2", "a3", "a4", "b1", "c1", "c2"])
    assert channel.get_batch(20) == ["a1", "b1", "c1", "a2", "c2", "a3", "a4"]


def test_cameras_with_frames_that_wait_get_the_same_work_whatever_each_frame_causes():
    causes = {"a": 300, "b": 4, "c": 40}
    channel, got = work_channel([*items("a", 50), *items("b", 5000), *items("c", 500)]), Counter()
    while min(got.values(), default=0) < 5000:
        (item,) = channel.get_batch(1)
        got[item[0]] += causes[item[0]]
        channel.done(item, causes[item[0]])
    assert max(got.values()) - min(got.values()) <= 2 * max(causes.values())


def test_one_that_comes_later_is_served_at_once_and_does_not_make_up_for_the_time_before():
    channel = work_channel(items("a", 100))
    for _ in range(50):
        (item,) = channel.get_batch(1)
        channel.done(item, 5)
    channel.put_all(items("b", 100))
    served = ""
    for _ in range(10):
        (item,) = channel.get_batch(1)
        served += item[0]
        channel.done(item, 5)
    assert "b" in served[:2]
    assert served.count("a") >= 4


def test_a_camera_with_enough_under_way_waits_and_others_do_not():
    channel = work_channel([*items("a", 9), *items("b", 1)])
    (first,) = channel.get_batch(1)
    assert (first, channel.get_batch(9)) == ("a0", ["b0"])  # of neither is known what it will cause
    channel.done(first, 4)
    assert channel.get_batch(9) == ["a1", "a2", "a3"]  # 12 are enough
    channel.done("a1", 4)
    assert channel.get_batch(9) == ["a4"]


def test_frames_that_end_early_say_nothing_of_what_the_next_ones_cause():
    channel = work_channel(items("a", 9))
    (first,) = channel.get_batch(9)
    channel.done(first, 30)
    (second,) = channel.get_batch(9)
    channel.done(second, None)
    assert channel.get_batch(9) == ["a2"]


def test_how_long_a_camera_with_enough_under_way_would_wait():
    now = [0.0]
    channel: WorkChannel[str] = WorkChannel(1000, lambda item: item[0], enough=10, clock=lambda: now[0])
    channel.put_all(items("a", 20))
    for _ in range(10):
        (item,) = channel.get_batch(1)
        now[0] += 2
        channel.done(item, 30)
    assert channel.takes_s("a") == 0  # the next one may begin
    channel.get_batch(1)
    assert 18 < channel.takes_s("a") <= 22
    assert channel.takes_s("b") == 0


def test_what_is_held_back_comes_out_of_a_closed_channel_too():
    channel = work_channel(items("a", 2), enough=1)
    channel.close()
    assert channel.get_batch(9) == ["a0"]
    channel.done("a0", 5)
    assert channel.get_batch(9) == ["a1"]
    assert channel.get_batch(9) == []


def test_nothing_is_kept_of_a_camera_with_no_frame_here():
    channel = work_channel([f"{chr(number)}x" for number in range(1000, 1500)])
    while len(channel):
        for item in channel.get_batch(100):
            channel.done(item, 4)
    assert not channel._lanes
