"""`fer-consumer log`: the disk is full."""

import json
import resource
import signal

from tests.faults.rig import Rig
from tests.faults.scenario import Scenario
from tests.plays.scale_out.processes import Part

DISK_BYTES = 100_000


def fill_disk(rig: Rig) -> None:
    """The log's files may grow no further: it leaves with what is wrong, and is started again when there is room."""
    log = _start_log(rig)
    rig.wait_for_answers(50)
    resource.prlimit(log.process.pid, resource.RLIMIT_FSIZE, (DISK_BYTES, resource.RLIM_INFINITY))
    rig.wait_until(lambda: not log.running())
    assert "cannot write" in log.last_line(), log.last_line()
    _start_log(rig)
    rig.wait_for_answers(50)


def logged(rig: Rig) -> str:
    """Every result that was published since the log began is in its files."""
    rig.log.signal(signal.SIGTERM)
    rig.log.process.wait(30)
    lines = [line for path in sorted((rig.folder / "log").glob("*.jsonl")) for line in path.read_text().splitlines()]
    frames = {(result["camera_id"], result["sequence"]) for result in map(json.loads, lines)}
    missing = set(rig.watcher.seen.answers) - frames
    assert not missing, f"{len(missing)} results are in no file"
    return f"{len(frames)} results in files, {len(lines) - len(frames)} of them twice"


def _start_log(rig: Rig) -> Part:
    options = ("--dir", str(rig.folder / "log"), "--from", "0")
    rig.log = rig.start("log", "ferstream.consumer.cli", options, {}, command="log").wait_until_ready()
    return rig.log


SCENARIOS = (Scenario(name="disk full under `fer-consumer log`", fault=fill_disk, tell=logged),)
