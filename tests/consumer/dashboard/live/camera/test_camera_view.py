"""A camera as viewers see it."""

from ferstream.consumer.dashboard.live.camera.camera_view import CameraView
from tests.support.records import result


def test_a_camera_of_which_nothing_but_events_came_gives_no_results():
    view = CameraView("door")
    assert not view.gives_results
    view.take_result(result(), {}, 0.1)
    assert view.gives_results
