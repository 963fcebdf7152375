"""Whatever happens to a log of results: what was acknowledged, and is not older than it is to be kept, is in a file."""

import json
import os
import resource
import shutil
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from unittest import mock

import pyarrow.parquet
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ferstream.consumer.log import append_file, record_log
from ferstream.consumer.log.append_file import LogError
from ferstream.consumer.log.record_log import RecordLog, Rotation
from tests.consumer.log.test_record_log import result

KEEP_S = 1000.0
ROTATION = Rotation(size_bytes=1000, age_s=500, keep_s=KEEP_S)
LONG_AGO, DAY = 1e6, 86400.0


class Clock:
    """What result_log and append_file ask for the time: one clock that only goes on, and one that can be set."""

    def __init__(self) -> None:
        self.passed, self.wall = 0.0, LONG_AGO

    def monotonic(self) -> float:
        return self.passed

    def time(self) -> float:
        return self.wall

    def now(self, _zone: object) -> datetime:
        return datetime.fromtimestamp(int(self.wall), UTC)  # as coarse as a second


class Kept:
    """A result that was written: when, by both clocks, and in which run of the program."""

    def __init__(self, clock: Clock, run: int) -> None:
        self.at, self.wall, self.run, self.acknowledged = clock.passed, clock.wall, run, False


class LogMachine(RuleBasedStateMachine):
    @initialize(format_=st.sampled_from(["jsonl", "parquet"]))
    def start(self, format_: str) -> None:
        self.clock, self.run, self.results, self.numbers = Clock(), 0, {}, count()
        self.patches = [mock.patch.object(record_log, "time", self.clock), mock.patch.object(append_file, "datetime", self.clock)]
        for patch in self.patches:
            patch.start()
        self.folder = Path(tempfile.mkdtemp())
        self._open(format_)

    def _open(self, format_: str) -> None:
        self.run += 1
        # What was not acknowledged comes again, and is another result for this model.
        self.results = {number: kept for number, kept in self.results.items() if kept.acknowledged}
        self._forget()
        self.log = RecordLog(self.folder, format_, ROTATION)

    @rule(how_many=st.integers(1, 4))
    def write(self, how_many: int) -> None:
        self._write(how_many)

    @rule()
    def sync(self) -> None:
        self.log.sync()
        for kept in self.results.values():
            kept.acknowledged = True

    @rule(seconds=st.sampled_from([1.0, 400.0, 700.0, 1100.0]))
    def wait(self, seconds: float) -> None:
        self.clock.passed += seconds
        self._set(self.clock.wall + seconds)

    @rule(seconds=st.sampled_from([-DAY, -400.0, -1.0, 400.0, DAY]))
    def set_the_clock(self, seconds: float) -> None:
        self._set(max(0.0, self.clock.wall + seconds))

    @rule(format_=st.sampled_from(["jsonl", "parquet"]))
    def restart(self, format_: str) -> None:
        self.log.close()
        self._open(format_)

    @rule(format_=st.sampled_from(["jsonl", "parquet"]), torn=st.booleans())
    def kill(self, format_: str, torn: bool) -> None:
        """What was not made durable is still there, with half a line after it where a write was under way."""
        self.log._lock.close()
        if self.log._file is not None:
            os.close(self.log._file._fd)
            if torn:
                with self.log._file.path.open("ab") as file:
                    file.write(b'{"camera_id": "do')
        self._open(format_)

    @precondition(lambda self: self.log._file is not None)
    @rule(room=st.integers(0, 300), format_=st.sampled_from(["jsonl", "parquet"]))
    def fill_the_disk(self, room: int, format_: str) -> None:
        """The program ends where a write fails, and comes back when there is room."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.log._file.size + room, before[1]))
        failed = False
        try:
            self._write(3)
        except LogError:
            failed = True
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        if failed:
            with suppress(LogError):
                self.log.close()
            self._open(format_)

    @invariant()
    def acknowledged_results_are_in_a_file(self) -> None:
        self._touch()
        young = {number for number, kept in self.results.items() if kept.acknowledged and self._age_s(kept) < KEEP_S}
        assert young <= self._in_files()

    @invariant()
    def only_we_may_read_them(self) -> None:
        assert not [path for path in self.folder.iterdir() if path.stat().st_mode & 0o137]

    def teardown(self) -> None:
        self.log.close()
        for patch in self.patches:
            patch.stop()
        shutil.rmtree(self.folder)

    def _write(self, how_many: int) -> None:
        numbers = list(islice(self.numbers, how_many))
        self.log.write([result(number) for number in numbers])
        self.results |= {number: Kept(self.clock, self.run) for number in numbers}

    def _set(self, wall: float) -> None:
        self.clock.wall = wall
        for kept in self.results.values():
            if kept.run == self.run:
                kept.wall = min(kept.wall, wall)  # what is written into its file from now on has this time
        self._forget()

    def _forget(self) -> None:
        """Results of earlier runs age by the wall clock, which is all that is known of them."""
        old = {n for n, kept in self.results.items() if kept.run < self.run and self.clock.wall - kept.wall >= KEEP_S}
        self.results = {n: kept for n, kept in self.results.items() if n not in old}

    def _age_s(self, kept: Kept) -> float:
        return self.clock.passed - kept.at

    def _touch(self) -> None:
        """A file that was just written has the kernel's time; give it the clock's."""
        for path in self.folder.iterdir():
            if path.stat().st_mtime > 1e9:
                os.utime(path, (self.clock.wall, self.clock.wall))

    def _in_files(self) -> set[int]:
        found: set[int] = set()
        for path in self.folder.glob("results-*"):
            if path.suffix == ".parquet":
                found |= set(pyarrow.parquet.read_table(path, columns=["sequence"])["sequence"].to_pylist())
            else:
                found |= {json.loads(line)["sequence"] for line in path.read_bytes().splitlines()}
        return found


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
