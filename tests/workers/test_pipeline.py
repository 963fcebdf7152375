"""The pipeline's promises, with models that find and fail as a test wants."""

import threading
import time
from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from ferstream.streams.frames.reader import Entry
from ferstream.workers.intake.admission import InFlightLimit
from ferstream.workers.pipeline.frame_task import FrameTask
from ferstream.workers.pipeline.pipeline import Pipeline
from ferstream.workers.pipeline.stage import Channel
from ferstream.workers.settings import WorkerSettings
from tests.support.fleet import frame, wait_until
from tests.support.stub_models import StubClassifier, StubDetector, picture_of

PICTURES = {faces: picture_of(faces) for faces in range(6)}
BROKEN = b"\xff\xd8 no picture"


class Ticks:
    """A clock that goes on by one second each time it is looked at: a deadline passes at a look of the test's choice."""

    def __init__(self) -> None:
        self._looks = count()

    def now(self) -> float:
        return float(next(self._looks))


class Noon:
    """A clock on which it is always noon."""

    def now(self) -> float:
        return 0.0


def pipeline_of(detector, classifier, clock, finished, **settings) -> Pipeline:
    settings = WorkerSettings(redis_url="unused", batch_timeout_s=0, **settings)
    return Pipeline(settings, detector, classifier, clock, finished, lambda camera: camera)


def failing(plan):
    """Raises at the calls that `plan` says, over and over."""
    calls = count()

    def call() -> None:
        if plan[next(calls) % len(plan)]:
            raise RuntimeError("an illegal memory access")

    return call


@given(
    frames=st.lists(st.tuples(st.sampled_from([*PICTURES, None]), st.integers(0, 60)), min_size=1, max_size=12),
    failures=st.lists(st.booleans(), min_size=1, max_size=8),
    threads=st.sampled_from([1, 2]),
)
def test_each_frame_ends_once_whatever_fails_or_expires(frames, failures, threads):
    finished: Channel[FrameTask] = Channel(1000)
    models = StubDetector(failing(failures)), StubClassifier(failing(failures))
    pipeline = pipeline_of(*models, Ticks(), finished, threads=threads, detect_batch_size=4, max_batch_size=4)
    limit = InFlightLimit(64, 1)
    (lane,) = limit.lanes
    limit.fill(lane, len(frames), more=True)
    for number, (faces, deadline) in enumerate(frames):
        one = frame(number, PICTURES.get(faces, BROKEN), 0.0, deadline, camera=f"camera-{number % 3}", width=64)
        pipeline.put(FrameTask(Entry(0, f"{number}-0", {}), one))
    pipeline.start()
    pipeline.finish(30)
    finished.close()
    ended = []
    while batch := finished.get_batch(100):
        ended += batch
        limit.release(lane, len(batch))
        assert lane.held >= 0
    assert Counter(task.frame.header.sequence for task in ended) == dict.fromkeys(range(len(frames)), 1)
    assert limit.held() == 0


def test_a_crowd_in_one_camera_does_not_hold_up_the_others():
    finished: Channel[FrameTask] = Channel(1000)
    go_on = threading.Event()
    pipeline = pipeline_of(StubDetector(), StubClassifier(go_on.wait), Ticks(), finished, threads=1, max_batch_size=32)
    crowd, quiet = picture_of(300), PICTURES[1]
    pipeline.start()
    for number in range(3):
        pipeline.put(task("crowded", number, crowd))
    wait_until(lambda: len(pipeline._faces) == 300 - 32)  # the first batch is with the classifier
    for number in range(10):
        pipeline.put(task(f"quiet-{number}", number, quiet))
    wait_until(lambda: len(pipeline._faces) == 300 - 32 + 10)
    go_on.set()
    pipeline.finish(30)
    cameras = [one.camera_id for one in finished.get_batch(100)]
    assert cameras[10:] == ["crowded"] * 3


def test_frames_of_a_crowd_that_would_come_too_late_do_not_fill_the_worker():
    finished: Channel[FrameTask] = Channel(1000)
    batches = threading.Semaphore(0)
    pipeline = pipeline_of(StubDetector(), StubClassifier(batches.acquire), Noon(), finished, threads=1, max_batch_size=32)
    pipeline.start()
    crowd = picture_of(300)
    for number in range(3):
        pipeline.put(task("crowded", number, crowd))
    time.sleep(0.1)
    batches.release(10)  # the first one ends, and the second one is under way
    assert [one.outcome for one in finished.get_batch(10)] == ["answered"]
    wait_until(lambda: len(pipeline._frames) == 1 and len(pipeline._faces))
    pipeline.put(task("crowded", 4, crowd, deadline=0.01))
    (given_up,) = finished.get_batch(10)
    assert (given_up.outcome, given_up.seconds) == ("expired", {})
    pipeline.put(task("quiet", 5, PICTURES[0], deadline=0.01))
    assert [one.camera_id for one in finished.get_batch(10)] == ["quiet"]
    pipeline.put(task("crowded", 6, crowd, deadline=1000))
    batches.release(100)
    pipeline.finish(30)
    assert [one.outcome for one in finished.get_batch(10)] == ["answered"] * 3


def task(camera: str, number: int, picture: bytes, deadline: float = 1e6) -> FrameTask:
    return FrameTask(Entry(0, f"{number}-0", {}), frame(number, picture, 0.0, deadline, camera=camera, width=64))
