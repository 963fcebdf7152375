"""What is wrong with a deployment, said in words, and nothing said where all is well."""

from dataclasses import replace

import click
import pytest

from ferstream.consumer.deployment.deployment import Deployment, Server
from ferstream.consumer.deployment.diagnosis import diagnose
from ferstream.consumer.deployment.rates import Rates
from ferstream.consumer.deployment.topics import TOPICS
from ferstream.consumer.terminal.status_page import page
from ferstream.streams.frames.account import Account
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import when
from ferstream.streams.frames.worker_status import WorkerStatus

NOW = 1_800_000_000.0
DOOR = CameraStatus(
    camera_id="door",
    state="live",
    url="x",
    holder="cam:1",
    since=NOW - 60,
    updated_at=NOW,
    last_frame_at=NOW,
    frames_per_second=10.0,
)
WORKER = WorkerStatus(
    name="w",
    state="ready",
    holder="gpu:2",
    since=NOW - 60,
    updated_at=NOW,
    device="cpu",
    runtime="openvino",
    precision="f32",
    models={"detector": "ssd", "classifier": "vit"},
)
ACCOUNT = Account(captured=20, published=15, expired=1, dead={"bad-jpeg": 1}, dropped={"rate": 2}, in_flight=1)
RATES = Rates(captured=10.0, published=10.0, expired=0.0, dead={"bad-jpeg": 0.0}, dropped={"rate": 1.0})
WELL = Deployment(
    prefix="fer",
    at=NOW,
    shards=1,
    server=Server(version="7.0.15", used_bytes=10_000_000, max_bytes=512_000_000, policy="noeviction"),
    cameras=[DOOR],
    workers=[WORKER],
    account=ACCOUNT,
    rates=RATES,
    oldest_waiting_s=0.1,
    cameras_elsewhere=[],
    workers_elsewhere=[],
)
ROOMLESS = replace(WELL.server, used_bytes=487_000_000)
FULL = replace(WELL.server, used_bytes=511_900_000)
ENDED = replace(DOOR, state="ended", updated_at=NOW - 600, last_frame_at=NOW - 600)
SILENT = replace(DOOR, updated_at=NOW - 14)
DEAD_WORKER = replace(WORKER, updated_at=NOW - 14)


def told(**changes: object) -> list[str]:
    problems = diagnose(replace(WELL, **changes))
    assert {problem.topic for problem in problems} <= set(TOPICS)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cameras": [ENDED]},
        {"workers": [WORKER, replace(WORKER, name="v", state="warming up")]},
        {"account": replace(ACCOUNT, captured=19)},  # the one in flight is of a producer that keeps no account
        {"account": None, "server": None, "rates": None, "oldest_waiting_s": None},
        {"server": replace(WELL.server, max_bytes=0)},
        {"shards": None},
        {"cameras": [], "hidden": frozenset({"cameras"})},
        {"workers": [], "hidden": frozenset({"workers"})},
    ],
)
def test_of_what_is_well_nothing_is_said(changes):
    assert told(**changes) == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"away": "no answer from Redis: x"}, "a part of Redis is away (no answer from Redis: x): look at its primaries"),
        (
            {"server": replace(WELL.server, used_bytes=487_000_000)},
            "Redis is at 95% of maxmemory, and takes no frames once it is full: raise maxmemory; if frames wait, start more",
        ),
        (
            {"server": replace(WELL.server, policy="allkeys-lru")},
            "maxmemory-policy allkeys-lru may delete whole streams: set noev",
        ),
        ({"cameras": []}, "no camera has written anything: start fer-producer run"),
        ({"cameras": [], "prefix": "cam"}, "no camera has written anything: start fer-producer run --prefix cam"),
        (
            {"cameras": [], "cameras_elsewhere": ["cam"]},
            "workers read prefix fer, cameras write to cam: give both the same --pre",
        ),
        (
            {"workers": [], "workers_elsewhere": ["fer2"]},
            "workers read prefix fer2, cameras write to fer: give both the same --p",
        ),
        (
            {"cameras": [], "workers": [], "cameras_elsewhere": ["a", "b"]},
            "there is no camera under prefix fer, but under a, b: start this program with --prefix a",
        ),
        ({"workers": []}, "frames wait and no worker reads them: start fer-worker run"),
        ({"workers": [], "account": None}, "no worker reads the frames: start fer-worker run"),
        ({"workers": [WORKER, DEAD_WORKER]}, f"worker w (gpu:2) is silent since {when(NOW - 14)}: it was killed"),
        ({"workers": [DEAD_WORKER]}, "frames wait and no worker reads them: start fer-worker run"),
        ({"workers": [replace(WORKER, state="no answer from Redis")]}, "worker w does nothing (no answer from Redis): look at"),
        ({"cameras": [SILENT]}, f"producer cam:1 is silent since {when(NOW - 14)}, with camera 'door': it was killed"),
        ({"cameras": [SILENT, replace(SILENT, camera_id="yard")]}, "with 2 cameras ('door', 'yard'): it was killed"),
        ({"cameras": [replace(DOOR, last_frame_at=NOW - 40)]}, "nobody has written for 40 s: look at the cameras"),
        (
            {"cameras": [replace(DOOR, state="down", problem="no such file")]},
            "camera 'door' is down (no such file): look at its power, network and address; `Try it`",
        ),
        ({"cameras": [replace(DOOR, state="frozen")]}, "camera 'door' is frozen: its picture does not move"),
        (
            {
                "cameras": [
                    DOOR,
                    replace(DOOR, state="held", holder="cam:9", problem="camera door is read by cam:1 since 10:00:00"),
                ]
            },
            "camera door is read by cam:1 since 10:00:00, and producer cam:9 waits for it: name one of the two otherwise",
        ),
        ({"shards": 8}, "worker w reads 1 shards, the deployment has 8 (fer:shards): start it with --shards 8"),
        ({"workers": [WORKER, replace(WORKER, name="v", group="b")]}, "workers read as several groups, b, workers: give all"),
        ({"account": replace(ACCOUNT, captured=18)}, "the account does not balance by -2: frames are in no column, or in two"),
        ({"account": replace(ACCOUNT, captured=23)}, "the account does not balance by 3: frames are in no column, or in two"),
        (
            {"rates": replace(RATES, expired=12.0, busy=0.97)},
            "workers are too slow (busy 97%): 12.0 frames a second expire: start more workers",
        ),
        (
            {"rates": replace(RATES, dropped={"budget": 3.0}), "server": ROOMLESS},
            "their camera's byte budget is used up (budget): start more workers",
        ),
        ({"rates": replace(RATES, expired=12.0)}, "frames expire, 12.0 a second, though workers are not busy: look at"),
        ({"rates": replace(RATES, published=0.0), "oldest_waiting_s": 12.0}, "a frame waits for 12 s and no result comes: look"),
        (
            {"rates": replace(RATES, dead={"bad-jpeg": 2.0})},
            "frames become dead letters, 2.0 a second (bad-jpeg): XREVRANGE fer:d",
        ),
        ({"rates": replace(RATES, dropped={"redis_full": 5.0})}, "frames are dropped, 5.0 a second, since Redis takes no more"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(changes, line):
    lines = told(**changes)
    assert [one for one in lines if line in one], lines


def test_the_cause_stands_before_what_follows_from_it():
    lines = told(server=replace(WELL.server, used_bytes=512_000_000), cameras=[SILENT], workers=[])
    assert [line.split()[0] for line in lines] == ["Redis", "producer", "frames"]


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        (
            {
                "rates": replace(RATES, expired=9.0, dropped={"budget": 3.0, "trimmed": 1.0}, busy=0.5),
                "oldest_waiting_s": 1.0,
                "workers": [WORKER, replace(DEAD_WORKER, updated_at=NOW - 4)],
            },
            "workers are too slow (busy 50%): 10.0 frames a second expire and 3.0 a second are dropped (their camera's",
        ),
        (
            {"server": FULL, "rates": replace(RATES, published=0.0), "cameras": [SILENT], "workers": [DEAD_WORKER]},
            "Redis is full (100% of maxmemory): no frame, result or count can be written, and figures are of before: raise",
        ),
        ({"server": FULL}, "Redis is at 100% of maxmemory, and takes no frames"),  # results are still written
    ],
)
def test_one_fault_is_told_once(changes, start):
    (line,) = told(**changes)
    assert line.startswith(start)


def test_a_vanished_worker_is_missed_for_long_only_where_its_work_is():
    gone = replace(WORKER, name="v", updated_at=NOW - 31)
    assert told(workers=[WORKER, gone]) == []
    slow = {"rates": replace(RATES, expired=1.0, busy=0.9)}
    assert any(line.startswith("worker v") for line in told(workers=[WORKER, gone], **slow))
    assert any(line.startswith("worker v") for line in told(workers=[gone]))


def test_of_many_the_first_are_told_and_the_others_counted():
    cameras = [replace(DOOR, camera_id=f"c{number}", state="down") for number in range(40)]
    assert told(cameras=cameras)[-1] == "35 more cameras are not live: `fer-consumer cameras` lists them"


def test_no_name_steers_the_terminal():
    (line,) = told(cameras=[replace(DOOR, camera_id="\x1b[31mred", state="down")])
    assert "\x1b" not in line


def test_the_page_fits_into_80_columns_and_says_in_the_end_what_is_wrong():
    cameras = [
        replace(DOOR, camera_id="c" * 100, last_frame_at=None),
        *(replace(DOOR, camera_id=f"c{n}") for n in range(30)),
        SILENT,
    ]
    worker = replace(WORKER, name="w" * 100, device="cuda:1 (NVIDIA H200)", state="no answer from Redis: it is away")
    deployment = replace(WELL, cameras=cameras, workers=[WORKER, worker, DEAD_WORKER])
    lines = [click.unstyle(line) for line in page(deployment, diagnose(deployment), width=80)]
    assert max(len(line) for line in lines) <= 80
    assert all(line == line.rstrip() for line in lines)
    text = "\n".join(lines)
    assert "captured 20, balances" in text
    assert "dropped 2 (rate 2)" in text
    assert "and 12 more: fer-consumer cameras lists them" in text
    assert "things are wrong:" in text
    assert text.endswith("look at its log")


def test_a_page_without_a_width_has_a_line_for_each_problem():
    deployment = replace(WELL, cameras=[SILENT])
    assert [click.unstyle(line) for line in page(deployment, diagnose(deployment))][-1].endswith(
        "look at its log, start it again"
    )
    assert click.unstyle(page(WELL, [])[-1]) == "All is well."
