"""The two later looks at a frame's deadline, which a worker that keeps up never needs: before detection and before publishing."""

from ferstream.streams.frames.finish import FrameFinisher
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.wire.keys import Keys
from ferstream.workers.models.registry import open_classifier, open_detector
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.pipeline import Pipeline
from ferstream.workers.pipeline.result_publisher import ResultPublisher
from ferstream.workers.pipeline.stage import Channel
from ferstream.workers.settings import WorkerSettings
from tests.support.fleet import KEYS, add, frame, portrait_jpeg, results


def taken(client, *frames) -> list[FrameTask]:
    """The frames as a worker holds them after its read, whatever their deadline."""
    reader = FrameReader(client, Keys(), group="workers", consumer="w", claim_after_s=60)
    reader.join()
    for one in frames:
        add(client, one)
    return [FrameTask(entry, one) for entry, one in zip(reader.read(len(frames), 1), frames, strict=True)]


def server_clock(client) -> ServerClock:
    clock = ServerClock()
    clock.set_from(client)
    return clock


def test_a_frame_that_grew_old_in_the_queue_is_not_detected(redis_url, client):
    clock = server_clock(client)
    now, picture = clock.now(), portrait_jpeg()
    old, fresh = taken(client, frame(1, picture, now - 10, freshness_s=1), frame(2, picture, now))
    finished: Channel[FrameTask] = Channel(8)
    settings = WorkerSettings(redis_url=redis_url, threads=1)
    models = open_detector(None, "cpu", "openvino"), open_classifier(None, "cpu", "openvino")
    pipeline = Pipeline(settings, *models, clock, finished, lambda camera: camera)
    pipeline.start()
    for task in (old, fresh):
        pipeline.put(task)
    pipeline.finish(30)
    ended = {task.frame.header.sequence: task for task in finished.get_batch(8)}
    assert ended[1].outcome == "expired"
    assert "detect" not in ended[1].seconds
    assert ended[2].outcome == "answered"
    assert len(ended[2].faces) == 1


def test_a_result_that_came_too_late_is_not_published(client):
    clock = server_clock(client)
    now = clock.now()
    old, fresh = taken(client, frame(1, b"", now - 10, freshness_s=1), frame(2, b"", now))
    finished: Channel[FrameTask] = Channel(8)
    released = []
    publisher = ResultPublisher(
        FrameFinisher(client, Keys(), group="workers", keep_results_s=60),
        clock,
        finished,
        worker="w",
        models={},
        camera_label=lambda camera: camera,
        on_ended=released.extend,
    )
    publisher.start()
    for task in (old, fresh):
        finished.put(task)
    publisher.finish(10)
    assert [result.sequence for result in results(client)] == [2]
    assert len(released) == 2
    assert client.xlen(KEYS.frames(0)) == 0
    assert client.xpending(KEYS.frames(0), "workers")["pending"] == 0
