"""Minutes: what is in them, when they are over, and that one person more or less does not show in those of groups."""

import pytest
from prometheus_client import CollectorRegistry

from ferstream.consumer.sinks.aggregate import MINUTE_S, MinutePreparation, minute_of
from ferstream.consumer.sinks.preparation import Filter
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.consumer.tracking.tracker import FaceTracker
from tests.consumer.test_cli import face, result, unknown

START = 1.8e9  # a whole minute


def delivery(sequence, at, faces=None, published_at=None):
    published_ms = round((at if published_at is None else published_at) * 1000)
    return Delivery(result(sequence, captured_at=at, faces=faces), 0, f"{published_ms}-0")


def seen(*names, every_s=1.0):
    return {(number, START + number * every_s): names for number in range(round(MINUTE_S / every_s))}


def test_a_minute_counts_people_and_the_seconds_of_emotions():
    minute = minute_of("door", START, seen("happiness", "unknown", every_s=0.5))
    assert (minute.results, minute.people_max, minute.people_mean, minute.faces) == (120, 2, 2.0, 240)
    assert minute.emotion_seconds == {"happiness": pytest.approx(60), "unknown": pytest.approx(60)}
    assert (minute.unknown_share, minute.coverage) == (0.5, 1.0)


def test_a_hole_is_not_covered_and_counts_for_nobody():
    half = {key: names for key, names in seen("fear").items() if key[0] < 30}
    minute = minute_of("door", START, half)
    assert (minute.coverage, minute.emotion_seconds["fear"]) == (0.5, 30)


def test_a_minute_is_written_when_its_shard_has_gone_on_and_only_then_done_with():
    registry = CollectorRegistry()
    minutes = MinutePreparation(Filter(), FaceTracker(), registry=registry)
    minutes.take([delivery(number, START + number) for number in range(70)])
    assert minutes.give() == ([], [])
    minutes.take([delivery(70, START + 70, published_at=START + 80)])
    (minute,), done = minutes.give()
    assert (minute.start, minute.results) == (START, 60)
    assert [one.result.sequence for one in done] == [*range(60)]
    minutes.take([delivery(5, START + 5, published_at=START + 81)])  # late: not a second minute of that time
    records, done = minutes.give()
    assert (records, len(done)) == ([], 1)
    assert registry.get_sample_value("fer_minute_results_left_out_total") == 1


def test_repeats_count_once():
    minutes = MinutePreparation(Filter(), FaceTracker(), registry=CollectorRegistry())
    for _ in range(2):
        minutes.take([delivery(number, START + number, (face(), unknown())) for number in range(3)])
    minutes.take([delivery(90, START + 90)])
    (minute,), done = minutes.give()
    assert (minute.results, minute.faces, len(done)) == (3, 6, 6)


def test_a_group_that_is_too_small_is_left_out():
    assert minute_of("door", START, seen(*["happiness"] * 4), min_people=5) is None
    few = seen("happiness") | {key: ("fear",) * 5 for key in seen() if key[0] < 20}
    assert minute_of("door", START, few, min_people=5) is None


@pytest.mark.parametrize("joins", ["happiness", "sadness", "unknown"])
def test_one_who_joins_a_group_does_not_show(joins):
    group = ["happiness"] * 6 + ["neutral"] * 6
    before = minute_of("door", START, seen(*group), min_people=5)
    after = minute_of("door", START, seen(*group, joins), min_people=5)
    assert before == after
    assert before.people_max == 10


def test_a_group_is_told_without_those_who_are_alone_before_it():
    alone = {key: ("anger",) for key in seen() if key[0] < 25}
    minute = minute_of("door", START, seen(*["neutral"] * 5) | alone, min_people=5)
    assert set(minute.emotion_seconds) == {"neutral"}
