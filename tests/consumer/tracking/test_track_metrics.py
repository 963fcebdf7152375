"""What Prometheus sees of tracks."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from ferstream.consumer.tracking.service.track_metrics import TrackMetrics
from ferstream.consumer.tracking.tracker import FaceTracker
from tests.consumer.subscribe.test_events import event
from tests.consumer.test_cli import face, result


def take_in(metrics, camera_id, count, faces, tracker=None, step_s=0.1):
    tracker = tracker or FaceTracker()
    for number in range(count):
        shown, _ = tracker.update(result(number, camera_id, faces, captured_at=1e9 + number * step_s))
        metrics.took_in(shown, tracker.following(shown.camera_id))
    return tracker


@pytest.fixture
def registry():
    return CollectorRegistry()


def test_seconds_of_an_emotion_are_those_between_two_sightings_of_each_face(registry):
    metrics = TrackMetrics(registry=registry)
    beside = replace(face("sadness"), box=(300.0, 20.0, 350.0, 80.0))
    take_in(metrics, "door", 21, (face("happiness"), beside))
    for emotion in ("happiness", "sadness"):
        labels = {"camera": "door", "emotion": emotion}
        assert registry.get_sample_value("fer_track_emotion_seconds_total", labels) == pytest.approx(2.0)
    assert registry.get_sample_value("fer_track_faces", {"camera": "door"}) == 2
    metrics.left(["door"])
    assert registry.get_sample_value("fer_track_faces", {"camera": "door"}) == 0


def test_nobody_knows_what_a_face_looked_like_in_a_long_gap(registry):
    metrics = TrackMetrics(registry=registry)
    take_in(metrics, "door", 3, (face(),), FaceTracker(timeout_s=60.0), step_s=5.0)
    assert registry.get_sample_value("fer_track_emotion_seconds_total", {"camera": "door", "emotion": "happiness"}) is None


def test_without_labels_of_cameras_all_count_together(registry):
    metrics = TrackMetrics(camera_labels=False, registry=registry)
    take_in(metrics, "door", 5, (face(),))
    take_in(metrics, "yard", 5, (face(),))
    assert registry.get_sample_value("fer_track_faces", {"camera": ""}) == 2
    metrics.published([event(1), event(2, kind="left")])
    assert registry.get_sample_value("fer_track_events_total", {"kind": "left"}) == 1


def test_a_shard_that_was_let_go_leaves_no_lag_behind(registry):
    metrics = TrackMetrics(registry=registry)
    metrics.lags(1, 4.0)
    take_in(metrics, "door", 5, (face(),))
    metrics.let_go(1, ["door"])
    assert registry.get_sample_value("fer_track_lag_seconds", {"shard": "1"}) is None
    assert registry.get_sample_value("fer_track_faces", {"camera": "door"}) == 0
