"""Workers that die, hang, leave, run out of memory, or meet what they cannot read."""

import time

from ferstream.streams.frames.finish import DEAD_LETTERS
from tests.faults.rig import Rig
from tests.faults.scenario import Load, Scenario
from tests.faults.watcher import FrameName

STAGES = ("read", "decode", "detect", "classify", "publish", "published")
#: Longer than a lease, which is --claim-after: 2 s.
BEYOND_LEASE_S = 5.0


def die_in(stage: str) -> Scenario:
    """A worker of three is killed in the middle of a stage, by itself, and started again under its name."""

    def fault(rig: Rig) -> None:
        doomed = rig.start_worker("doomed", ready=False, DIE=f"{stage}:{rig.random.randint(20, 60)}")
        del rig.workers["doomed"]  # it ends by itself
        rig.wait_until(lambda: not doomed.running())
        rig.kill(doomed)
        rig.start_worker("doomed")

    load = Load(pictures="faces", fps=12, workers=1)
    return Scenario(name=f"worker killed in {stage}", fault=fault, load=load, quick=stage == "published")


def kill_at_random(rig: Rig) -> None:
    for _ in range(4):
        name = rig.random.choice(sorted(rig.workers))
        rig.wait_for_answers(rig.random.randint(20, 120))
        rig.kill(rig.workers[name])
        rig.start_worker(name)


def hang_beyond_lease(rig: Rig) -> None:
    rig.pause(BEYOND_LEASE_S, rig.workers["worker-0"].process.pid)


def leave_at_full_load(rig: Rig) -> None:
    rig.start_worker("relief")
    for name in ("worker-0", "worker-1"):
        rig.stop(rig.workers[name])
        rig.wait_for_answers(100)


def stall_everything(rig: Rig) -> None:
    pids = [part.process.pid for part in rig.parts]
    rig.random.shuffle(pids)
    rig.pause(8.0, rig.server.pid, *pids)


def wait(rig: Rig) -> None:
    """The fault is in what runs."""
    time.sleep(1.0)


def poisoned(share: float) -> Scenario:
    load = Load(producer={"POISON": str(share)}, workers=1)
    return Scenario(name=f"{share:.0%} of pictures are broken", fault=wait, load=load)


def break_everything(rig: Rig) -> None:
    """Other cameras, of which every picture is broken, until these are more than dead letters are kept; then the first ones."""
    rig.stop(rig.producers["producer"])
    cameras = [f"broken-{number}={rig.folder / rig.load.pictures}" for number in range(rig.load.cameras)]
    broken = rig.start_producer("broken", cameras, POISON="1")
    rig.wait_until(lambda: len(broken_frames(rig)) > DEAD_LETTERS * 1.2)
    rig.stop(broken)
    rig.start_producer("producer")


def broken_frames(rig: Rig) -> set[FrameName]:
    return {(camera, sequence) for camera, sequence in rig.captured() if camera.startswith("broken-")}


def all_broken_ones(rig: Rig) -> str:
    """None has a result, and of their letters the newest are kept."""
    broken, kept = broken_frames(rig), rig.client.xlen(rig.keys.dead(0))
    assert not broken & set(rig.watcher.seen.answers), "a broken picture has a result"
    assert DEAD_LETTERS <= kept < len(broken), f"{kept} letters are kept"
    return f"the newest {DEAD_LETTERS:,} dead letters are kept"


SCENARIOS = (
    *(die_in(stage) for stage in STAGES),
    Scenario(name="workers killed at random, four times", fault=kill_at_random, load=Load(pictures="faces", fps=12)),
    Scenario(name="worker stopped beyond its lease, then going on", fault=hang_beyond_lease),
    Scenario(name="workers told to leave at full load", fault=leave_at_full_load, load=Load(fps=60)),
    Scenario(name="everything stopped for 8 s, Redis too", fault=stall_everything),
    poisoned(0.01),
    poisoned(0.1),
    Scenario(name="100% of pictures are broken, then none", fault=break_everything, tell=all_broken_ones),
    Scenario(name="device out of memory above 2 pictures", fault=wait, load=Load(fps=60, worker={"MEMORY": "2"}, workers=1)),
)
