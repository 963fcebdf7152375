"""Cameras, workers and faults in any order, on a real server: after every step the account balances, and no frame ends twice.

Hypothesis looks for a sequence of steps that breaks it, and shrinks it. FER_MODEL_RUNS says how many sequences it tries.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from ferstream.streams.errors import GroupGone, StoreUnavailable
from ferstream.streams.frames.account import read_account
from ferstream.streams.frames.age import OverdueFrames
from ferstream.streams.frames.finish import Ending, FrameFinisher, answered, dead, expired
from ferstream.streams.frames.reader import Entry, FrameReader
from ferstream.streams.frames.writer import FrameWriter, UnaccountedDrops
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.clock import ServerClock
from ferstream.streams.redis_client.cluster import primaries_of
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_header, decode_preview, decode_result
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader, Preview, Result
from tests.support.losing_proxy import LosingProxy

KEYS = Keys()
RUNS = int(os.environ.get("FER_MODEL_RUNS", "100"))
CAMERAS, WORKERS = ("door", "hall"), ("one", "two", "three")
FRAME_BYTES, BUDGET_BYTES = 1000, 6000
CLAIM_AFTER_S, FOR_EVER = 30.0, 1e12

cameras, workers = st.sampled_from(CAMERAS), st.sampled_from(WORKERS)
ways = st.lists(st.sampled_from(["answered", "shown", "expired", "dead"]), min_size=1, max_size=6)
#: None, or what is lost, after how many requests of the step.
faults = st.one_of(st.none(), st.none(), st.tuples(st.sampled_from(["request", "reply"]), st.integers(0, 3)))
first_frames = st.lists(st.tuples(cameras, faults), min_size=4, max_size=12)


class Camera:
    """A producer's part for one camera, and what it knows of its frames."""

    def __init__(self, client, clock, name, sequence):
        self.name, self.sequence, self.clock = name, sequence, clock
        self.captured = 0
        self.drops = UnaccountedDrops()
        self.writer = FrameWriter(
            client,
            KEYS,
            clock,
            name,
            group="workers",
            budget_bytes=BUDGET_BYTES,
            drops=self.drops,
            on_dropped=lambda _reason, _frames: None,
        )

    def frame(self, left_s):
        self.sequence += 1
        now = self.clock.now()
        header = FrameHeader(
            camera_id=self.name,
            sequence=self.sequence,
            captured_at=now,
            deadline=now + left_s,
            width=8,
            height=8,
            producer="test:1",
        )
        return Frame(header, bytes(FRAME_BYTES))

    def drop(self, reason):
        self.captured += 1
        self.drops.add(reason, 1)

    def settle(self):
        written = self.writer.settle()
        if written is False:
            self.drop("redis_down")
        self.captured += bool(written)

    def unaccounted(self):
        """Frames that the account was never told of."""
        return self.drops.take().total()


@dataclass
class Worker:
    """One process of a name: what it holds, and what it has to say again since a reply was lost."""

    reader: FrameReader
    finisher: FrameFinisher
    held: list[Entry] = field(default_factory=list)
    again: list[Ending] = field(default_factory=list)


class Delivery(RuleBasedStateMachine):
    """The steps. Every one of them may lose a request or a reply where it talks to Redis."""

    url: str
    faulty_url: str  # the same Redis behind the proxies
    proxies: Sequence[LosingProxy]

    def __init__(self):
        super().__init__()
        self.client, self.faulty = connect(self.url), connect(self.faulty_url)
        for primary in primaries_of(self.client):
            primary.flushall()
        self.clock = ServerClock()
        self.clock.set_from(self.client)
        self.killed = 0  # frames that killed producers had told the account of
        self.forgot = False  # whether Redis forgot some, or a producer was killed before it could ask
        self.snapshot: dict[bytes, bytes] | None = None

    @initialize(frames=first_frames)
    def begin(self, frames):
        """With frames: Hypothesis leaves rules out at random, and without frames the others do nothing."""
        self.cameras = {name: Camera(self.faulty, self.clock, name, 0) for name in CAMERAS}
        self.workers = [self.new_worker(name) for name in WORKERS]
        for camera, fault in frames:
            self.write_one(self.cameras[camera], 3600.0, fault)

    def new_worker(self, name):
        reader = FrameReader(self.faulty, KEYS, group="workers", consumer=name, claim_after_s=CLAIM_AFTER_S)
        reader.join()
        return Worker(reader, FrameFinisher(self.faulty, KEYS, group="workers", keep_results_s=3600))

    def losing(self, fault, step):
        """Take a step with a fault; whether it went through."""
        self.lose(*(fault or (None,)))
        try:
            step()
        except StoreUnavailable:
            return False
        except GroupGone:
            return False
        finally:
            self.lose(None)
        return True

    def lose(self, *fault):
        for proxy in self.proxies:
            proxy.lose(*fault)

    @rule(
        camera=cameras,
        left_s=st.sampled_from([3600.0, 3600.0, -10.0]),
        dropped=st.integers(0, 2),
        each=st.lists(faults, min_size=1, max_size=4),
    )
    def write(self, camera, left_s, dropped, each):
        """Some frames, after some that were over the camera's rate."""
        one = self.cameras[camera]
        for _ in range(dropped):
            one.drop("rate")
        for fault in each:
            self.write_one(one, left_s, fault)

    def write_one(self, one, left_s, fault):
        if one.writer.uncertain and not self.losing(fault, one.settle):
            return
        if self.losing(fault, lambda: one.writer.write(one.frame(left_s))):
            one.captured += 1
        elif not one.writer.uncertain:
            one.drop("redis_down")

    @rule(camera=cameras, fault=faults)
    def maintain(self, camera, fault):
        one = self.cameras[camera]

        def look():
            one.settle()
            one.writer.maintain()

        self.losing(fault, look)

    @rule(camera=cameras)
    def kill_the_producer(self, camera):
        old = self.cameras[camera]
        self.forgot |= old.writer.uncertain
        self.killed += old.captured - old.unaccounted()
        self.cameras[camera] = Camera(self.faulty, self.clock, camera, old.sequence + 1000)

    @rule(number=st.integers(0, 2), count=st.integers(1, 8), fault=faults)
    def read(self, number, count, fault):
        worker = self.workers[number]
        self.losing(fault, lambda: worker.held.extend(worker.reader.read(count, 0.001)))

    @rule(number=st.integers(0, 2), fault=faults)
    def renew(self, number, fault):
        worker = self.workers[number]
        self.losing(fault, lambda: worker.reader.renew(self.faulty))

    @rule(number=st.integers(0, 2), ways=ways, fault=faults)
    def end(self, number, ways, fault):
        worker = self.workers[number]
        ending, worker.held = worker.held[: len(ways)], worker.held[len(ways) :]
        worker.again += [HOW[way](entry) for way, entry in zip(ways, ending, strict=False)]
        if self.losing(fault, lambda: worker.finisher.end(0, worker.again, self.clock.now())):
            worker.again = []
            worker.reader.release(ending)

    @rule(number=st.integers(0, 2), name=workers)
    def kill_a_worker_and_start_one(self, number, name):
        """It may have the name of one that lives: two processes that both hold what is pending with that name."""
        self.workers[number] = self.new_worker(name)

    @rule(name=workers)
    def hang_beyond_the_lease(self, name):
        """A worker says nothing for long; then it goes on with what it holds, though others may have claimed it."""
        pending = self.client.xpending_range(KEYS.frames(0), "workers", "-", "+", 100, name)
        if ids := [each["message_id"] for each in pending]:
            self.client.xclaim(KEYS.frames(0), "workers", name, 0, ids, idle=int(2000 * CLAIM_AFTER_S), justid=True)

    @rule(fault=faults)
    def age(self, fault):
        self.client.hdel(KEYS.age(0), "at")  # as if a second had passed
        self.losing(fault, OverdueFrames(self.faulty, KEYS, 0, "workers").end)

    @rule(kept=st.integers(0, 3))
    def trim_by_hand(self, kept):
        self.client.xtrim(KEYS.frames(0), maxlen=kept, approximate=False)

    @rule()
    def destroy_the_group(self):
        self.client.xgroup_destroy(KEYS.frames(0), "workers")
        for worker in self.workers:
            worker.reader.join()

    @invariant()
    def the_account_never_has_too_many(self):
        """What was trimmed by hand is missing until somebody looks; nothing is ever counted twice."""
        assert read_account(self.client, KEYS).balance >= 0

    @invariant()
    def no_frame_is_answered_twice(self):
        listed = [decode_result(str(entry_id), fields) for entry_id, fields in self.client.xrange(KEYS.results(0))]
        names = Counter((result.camera_id, result.sequence) for result in listed)
        assert not [name for name, times in names.items() if times > 1]
        shown = [decode_preview(str(i), fields) for name in CAMERAS for i, fields in self.client.xrange(KEYS.preview(name))]
        assert {(preview.camera_id, preview.sequence) for preview in shown} <= set(names)
        assert len({preview.camera_id for preview in shown}) == len(shown)

    def teardown(self):
        """The faults are over: everybody finishes, and everything is accounted for."""
        for camera in self.cameras.values():
            camera.settle()
            camera.writer.maintain()
        last = self.new_worker("last")
        for name in WORKERS:
            self.hang_beyond_the_lease(name)
        for worker in self.workers:
            if worker.again:
                worker.finisher.end(0, worker.again, self.clock.now())
        waiting = {decode_header(str(i), fields).sequence for i, fields in self.client.xrange(KEYS.frames(0))}
        while entries := read_twice(last.reader):
            last.finisher.end(0, [HOW["answered"](entry) for entry in entries], self.clock.now())
            waiting -= {decode_header(entry.entry_id, entry.fields).sequence for entry in entries}
        self.client.hdel(KEYS.age(0), "at")
        OverdueFrames(self.client, KEYS, 0, "workers").end()
        account = read_account(self.client, KEYS)
        assert (waiting, account.in_flight, account.balance) == (set(), 0, 0)
        assert self.forgot or account.captured == self.killed + sum(camera.captured for camera in self.cameras.values())
        assert self.client.xpending(KEYS.frames(0), "workers")["pending"] == 0
        self.faulty.close()
        self.client.close()


class ForgetfulDelivery(Delivery):
    """With a Redis that fails over to a replica that was behind, or loses everything."""

    @rule()
    def copy_to_a_replica(self):
        self.snapshot = {key: self.client.dump(key) for key in self.client.scan_iter()}

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def fail_over_to_it(self):
        """The replica lacks the last steps."""
        self.forgot = True
        self.client.flushall()
        for key, value in self.snapshot.items():
            self.client.restore(key, 0, value)
        for worker in self.workers:
            worker.reader.join()

    @rule()
    def lose_everything(self):
        self.forgot = True
        self.client.flushall()
        for worker in self.workers:
            worker.reader.join()


def read_twice(reader: FrameReader) -> list[Entry]:
    """What is there: the first read may bring what can be claimed, or new entries; none twice in a row is none."""
    return reader.read(8, 0.001) or reader.read(8, 0.001)


def result_of(entry: Entry) -> Result:
    header = decode_header(entry.entry_id, entry.fields)
    return Result(
        camera_id=header.camera_id,
        sequence=header.sequence,
        captured_at=header.captured_at,
        frame_id=entry.entry_id,
        width=8,
        height=8,
        faces=(),
        models={},
        seconds={},
        worker="w",
    )


def preview_of(entry: Entry) -> Preview:
    """Frames of a camera come one right after the other here; their previews are as far apart as a camera's."""
    header = decode_header(entry.entry_id, entry.fields)
    return Preview(
        camera_id=header.camera_id,
        sequence=header.sequence,
        captured_at=float(header.sequence),
        width=8,
        height=8,
        blurred=False,
        jpeg=b"picture",
    )


HOW = {
    "answered": lambda entry: answered(entry, result_of(entry)),
    "shown": lambda entry: answered(entry, result_of(entry), preview_of(entry), FOR_EVER),
    "expired": expired,
    "dead": lambda entry: dead(entry, "stage-failed", "detail", 1.0),
}


@pytest.fixture
def quick_server():
    """One that ends a blocking read after two milliseconds; usually that takes it a hundred."""
    with EmbeddedRedis() as server, connect(server.url) as client:
        client.config_set("hz", 500)
        yield server


@pytest.mark.timeout(900)  # Hypothesis takes minutes to shrink what it has found
@pytest.mark.parametrize("steps", [Delivery, ForgetfulDelivery])
def test_cameras_workers_and_faults_in_any_order(quick_server, steps):
    proxy = LosingProxy(quick_server.directory / "redis.sock", quick_server.directory / "proxy.sock")

    class Here(steps):
        url, faulty_url, proxies = quick_server.url, proxy.url, [proxy]

    play(Here, RUNS)
    proxy.close()


def play(steps, runs):
    """So many sequences of steps."""
    run_state_machine_as_test(
        steps,
        settings=settings(
            max_examples=runs, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
        ),
    )
