"""Producers and cameras: killed, moody, crowded, too many."""

import time
from collections import Counter

from tests.faults.rig import Rig
from tests.faults.scenario import Load, Scenario
from tests.support.mjpeg_camera import MjpegCamera, Mood

MOODY_FPS = 15.0
QUIET = 10
#: Seconds a frame of a worker that a tenth of a second's load keeps busy for a second and more.
SLOW_S = 0.01


def kill_producer(rig: Rig) -> None:
    for _ in range(3):
        rig.kill(rig.producers["producer"])
        rig.start_producer("producer")
        rig.wait_for_answers(100)


def moody(mood: Mood, seconds: float) -> Scenario:
    """An HTTP camera beside the others. Its frames must come again."""

    def fault(rig: Rig) -> None:
        camera = _start_moody(rig)
        camera.mood = mood
        time.sleep(seconds)
        camera.mood = "well"
        rig.wait_for_camera("moody", 30)

    return Scenario(name=f"camera {mood} for {seconds:g} s, then well", fault=fault)


def change_size(rig: Rig) -> None:
    camera = _start_moody(rig)
    for size in ((320, 240), (96, 64), (160, 120)):
        camera.size = size
        rig.wait_for_camera("moody", 20)


def be_crowded(rig: Rig) -> None:
    """200 faces in each picture of one camera, injected into the detector."""
    rig.start_producer("crowd", [f"crowd={rig.folder / 'crowd'}"], "--fps", "5")
    rig.wait_for_camera("crowd", 60)


def quiet_cameras(rig: Rig) -> str:
    captured = Counter(camera for camera, _ in set(rig.captured()))
    answered = Counter(camera for camera, _ in rig.watcher.seen.answers)
    quiet = {camera: answered[camera] / count for camera, count in captured.items() if camera != "crowd"}
    return f"of each quiet camera {min(quiet.values()):.0%} to {max(quiet.values()):.0%} answered"


def _start_moody(rig: Rig) -> MjpegCamera:
    camera = rig.enter(MjpegCamera(MOODY_FPS))
    rig.start_producer("moody", [f"moody={camera.url}"], "--stall-after", "1")
    rig.wait_for_camera("moody", 20)
    return camera


SCENARIOS = (
    Scenario(name="producer killed and started again, 3 times", fault=kill_producer, in_hand=3),
    moody("frozen", 4.0),
    moody("stalled", 4.0),
    moody("dribbling", 4.0),
    moody("gone", 3.0),
    Scenario(name="camera changes its size, 3 times", fault=change_size),
    Scenario(
        name=f"200 faces in one camera beside {QUIET} quiet ones",
        fault=be_crowded,
        load=Load(cameras=QUIET, fps=10, workers=1, worker={"CROWD": "200"}),
        tell=quiet_cameras,
    ),
    Scenario(
        name="64 cameras at 300 % of capacity",
        fault=lambda rig: time.sleep(8.0),
        load=Load(cameras=64, fps=5, workers=1, worker={"SLOW": str(SLOW_S)}, freshness_s=2.0),
        tell=quiet_cameras,
    ),
)
