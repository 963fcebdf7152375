"""From results to alerts and events on their way to a sink, and which of these a filter keeps."""

import pytest
from prometheus_client import CollectorRegistry

from ferstream import FaceTracker
from ferstream.consumer.rules.alerts import Alerts
from ferstream.consumer.rules.grammar import parse_rule
from ferstream.consumer.sinks.following import Following
from ferstream.consumer.sinks.preparation import Everything, Filter
from ferstream.consumer.subscribe.sources import Delivery
from ferstream.streams.wire.messages import Event, Result
from tests.support.records import event, face, result


def deliveries(count, camera_id="door"):
    """An angry face, ten times a second."""
    results = [result(number, face("anger"), camera_id=camera_id) for number in range(count)]
    return [Delivery(one, 0, f"{number + 1}-0") for number, one in enumerate(results)]


def alerts(text="emotion=anger for 1s"):
    return Alerts(parse_rule(text), 60.0, CollectorRegistry())


def test_of_a_rule_there_are_alerts_alone_and_every_delivery_is_done_with():
    following, read = Following(FaceTracker(), Filter(), alerts(), only_alerts=True), deliveries(30)
    following.take(read[:5])
    assert following.give() == ([], read[:5])
    following.take(read[5:])
    (alert,), done = following.give()
    assert (alert.kind, alert.track, alert.rule) == ("alert", 1, "emotion=anger for 1s")
    assert done == read[5:]
    assert following.give() == ([], [])


def test_without_a_rule_there_are_tracked_results_and_what_happens():
    following = Following(FaceTracker(), Filter(), alerts())
    following.take(deliveries(30))
    records, _ = following.give()
    assert [record.faces[0].track for record in records if isinstance(record, Result)] == [1] * 30
    assert [record.kind for record in records if isinstance(record, Event)] == ["appeared", "alert"]


def test_a_camera_that_falls_silent_is_told_of_though_nothing_comes():
    now = [0.0]
    following = Following(FaceTracker(silence_s=60, clock=lambda: now[0]), Filter())
    following.take(deliveries(30))
    following.give()
    now[0] = 61.0
    records, _ = following.give()
    assert [record.kind for record in records] == ["left"]


def test_a_filter_is_for_events_and_leaves_the_state_of_a_camera():
    following = Following(FaceTracker(), Filter(frozenset({"fear"})))
    following.take(deliveries(30))
    records, _ = following.give()
    assert len(records) == 30
    assert all(isinstance(record, Result) for record in records)


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (Filter(), ["appeared 0", "changed 1", "changed 5", "left 9", "alert 3"]),
        (Filter(only_changes=True), ["changed 1", "changed 5", "alert 3"]),
        (Filter(least_duration_s=3.0), ["changed 5", "left 9", "alert 3"]),
        (Filter(only_changes=True, least_duration_s=4.0), ["changed 5"]),
    ],
)
def test_events_by_kind_and_duration(keep, kept):
    events = [
        event(number, kind) for kind, number in (("appeared", 0), ("changed", 1), ("changed", 5), ("left", 9), ("alert", 3))
    ]
    assert [f"{one.kind} {one.sequence}" for one in events if keep.event(one) is not None] == kept


def test_a_result_that_comes_late_is_kept_as_it_is():
    kept, read = Everything(Filter(), FaceTracker()), deliveries(10)
    kept.take([*read[:4], *read[5:], read[4]])
    records, done = kept.give()
    assert records[-1] == read[4].result
    assert all(record.faces[0].track == 1 for record in records[:-1])
    assert len(done) == 10
