"""Plays the story: load comes, one worker falls behind, three catch up, one is killed, load goes, two leave."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.plays.scale_out.fleet import Fleet
from tests.plays.scale_out.recorder import Recorder, Row
from tests.plays.scale_out.story import EVENING, KILLED, QUIET, RUSH, THREE, WORKER_FPS, Chapter, Story

#: What all cameras give in quiet hours, and in the rush.
QUIET_FPS, RUSH_FPS = 9.0, 27.0


class Teller:
    """Plays the story on `fleet`. `pace` 1 takes about three minutes; `say` is told what happens."""

    def __init__(self, fleet: Fleet, pace: float, say: Callable[[str], None]) -> None:
        self.story = Story()
        self._fleet, self._pace, self._say = fleet, pace, say
        self._recorder = Recorder(fleet)

    def tell(self) -> Story:
        """Play it to its end. Raises FerstreamError where a process ends early or leaves without its account."""
        fleet, story = self._fleet, self.story
        fleet.load(QUIET_FPS)
        self._say("starting one worker and three producers")
        fleet.start_workers("worker-0")
        fleet.start_producers()
        self._recorder.start()
        try:
            self._play()
            story.account, story.workers = fleet.end()
        finally:
            self._recorder.stop()
        story.rows = self._recorder.rows
        return story

    def _play(self) -> None:
        fleet = self._fleet
        with self._chapter(QUIET):
            self._wait(8)
            self._measure_worker(self._pace * 12)
            self._wait(5)
        with self._chapter(RUSH):
            self._event("load x 3 (SIGHUP)")
            fleet.load(RUSH_FPS)
            self._wait(40)
            self._event("2 more start")
            fleet.start_workers("worker-1", "worker-2")
        with self._chapter(THREE):
            self._event("ready")
            self._wait(40)
        with self._chapter(KILLED):
            self._event("SIGKILL")
            fleet.kill_worker("worker-2")
            self._wait(10)
            fleet.start_workers("worker-2")
            self._event("back, under its name")
            self._wait(25)
        with self._chapter(EVENING):
            self._event("load / 3 (SIGHUP)")
            fleet.load(QUIET_FPS)
            self._wait(8)
            self._event("SIGTERM")
            fleet.drain_workers("worker-1", "worker-2")
            self._event("drained")
            self._wait(25)

    def _measure_worker(self, seconds: float) -> None:
        """Give every worker the processor time that WORKER_FPS frames a second cost here and now."""
        fleet = self._fleet
        used, answered = fleet.cpu_s("worker-0"), fleet.sample().counts["published"]
        time.sleep(seconds)
        cost = (fleet.cpu_s("worker-0") - used) / max(1, fleet.sample().counts["published"] - answered)
        self.story.worker_cores = cost * WORKER_FPS
        fleet.bound_workers(self.story.worker_cores)
        self._say(f"a frame costs {1000 * cost:.1f} ms: each worker gets {self.story.worker_cores:.2f} of a core")

    @contextmanager
    def _chapter(self, title: str) -> Iterator[None]:
        began = self._recorder.seconds()
        self._recorder.chapter = title
        self._say(title)
        yield
        self.story.chapters.append(Chapter(title, began, self._recorder.seconds()))

    def _event(self, what: str) -> None:
        self.story.events.append((self._recorder.seconds(), what))
        self._say(what)

    def _wait(self, seconds: float) -> None:
        """So long at pace 1, with a line of what is going on about every five seconds."""
        until = time.monotonic() + self._pace * seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(5.0, left))
            if self._recorder.rows:
                self._say(_line(self._recorder.rows[-1]))


def _line(row: Row) -> str:
    age = row["age_read_p95_s"]
    shown = "-" if age is None else f"{float(age):.2f} s"
    return (
        f"{row['offered_per_s']} frames/s in, {row['answered_per_s']} answered, {row['given_up_per_s']} given up; "
        f"{row['workers']} workers, age at read p95 {shown}, {row['waiting']} waiting"
    )
