"""What `fer status` says of trackers and of the groups that read results and events."""

import json
from dataclasses import replace

import click
import pytest

from ferstream.consumer.deployment.diagnosis import diagnose
from ferstream.consumer.deployment.reader_group import FORGET_S, ReaderGroup, read_groups
from ferstream.consumer.terminal.status_page import page
from ferstream.consumer.tracking.service.tracker_status import TrackerStatus
from ferstream.streams.frames.status_board import when
from ferstream.streams.wire.codec import encode_event, encode_result
from tests.consumer.deployment.test_diagnosis import NOW, WELL
from tests.consumer.terminal.test_status import write
from tests.support import programs
from tests.support.fleet import KEYS, server_now, wait_until
from tests.support.patience import PROCESS_S
from tests.support.programs import run
from tests.support.records import event, face, result

TRACKER = TrackerStatus(holder="a:1", since=NOW - 60, updated_at=NOW)
FIRST = replace(TRACKER, shard=0, cameras=2, faces=3, lag_s=0.1)
SINK = ReaderGroup(name="sqlite-results", of="results", members=1, read_ago_s=0.2, unread_s=0.1, pending=7, behind=1)
READER = replace(SINK, name="mqtt-events", of="events")
GONE = replace(SINK, read_ago_s=40.0, unread_s=40.0, behind=400)
HOW = "start its sink again; if nobody needs the group any more: XGROUP DESTROY fer:results:{0} sqlite-results"


def told(shards: int = 1, **changes: object) -> list[str]:
    workers = [replace(worker, shards=tuple(range(shards))) for worker in WELL.workers]
    return [str(problem) for problem in diagnose(replace(WELL, workers=workers, shards=shards, **changes))]


@pytest.mark.parametrize(
    "changes",
    [
        {"trackers": [TRACKER, FIRST], "groups": [SINK, READER]},
        {"groups": [SINK, replace(SINK, name="minutes", pending=6000)]},  # minutes are acknowledged when they are over
        {"groups": [replace(READER, members=0, read_ago_s=None, pending=0, unread_s=None, behind=0)]},  # events of long ago
        {"trackers": [replace(TRACKER, since=NOW - 5)], "shards": 2},  # it takes its shards just now
        {"trackers": [replace(FIRST, updated_at=NOW - 4000)]},
        {"groups": [replace(GONE, read_ago_s=FORGET_S)]},
        {"groups": [replace(GONE, members=0, read_ago_s=FORGET_S, behind=None)]},
        {"groups": [replace(SINK, unread_s=None, behind=None)]},
    ],
)
def test_of_readers_that_are_well_nothing_is_said(changes):
    assert told(**changes) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"groups": [READER]}, "group mqtt-events waits for events, and no fer-consumer track runs: start fer-consumer track"),
        (
            {"trackers": [replace(TRACKER, updated_at=NOW - 14), replace(FIRST, updated_at=NOW - 14)]},
            f"tracker a:1 silent since {when(NOW - 14)}, and no other runs: start fer-consumer track again",
        ),
        (
            {"trackers": [TRACKER, FIRST, replace(FIRST, shard=1, updated_at=NOW - 14)], "shards": 2},
            "shard 1 has no tracker, though others have: look at the logs of fer-consumer track",
        ),
        (
            {"trackers": [TRACKER, replace(FIRST, lag_s=42.4)]},
            "tracker a:1 is 42 s behind on shard 0: it is too slow: start more, or more shards",
        ),
        (
            {"groups": [replace(SINK, unread_s=42.0)]},
            "group sqlite-results is 42 s behind on results: look at the log of its sink",
        ),
        ({"groups": [GONE]}, f"nobody of group sqlite-results has read for 40 s, and 400 results wait, 7 unfinished: {HOW}"),
        (
            {"groups": [replace(GONE, members=0, behind=None, pending=0)]},
            f"nobody of group sqlite-results has read for 40 s, and results wait: {HOW}",
        ),
    ],
)
def test_what_is_wrong_with_readers(changes, said):
    assert told(**changes) == [said]


def test_trackers_and_groups_are_shown():
    lines = [click.unstyle(line) for line in page(replace(WELL, trackers=[TRACKER, FIRST], groups=[READER, GONE]), [])]
    text = "\n".join(" ".join(line.split()) for line in lines)
    assert "a:1 0 2 3 0.1 s" in text
    assert "sqlite-results results 1 40.0 s ago 40.0 s 400 7" in text
    assert max(map(len, lines)) <= 80


def test_a_group_is_behind_by_what_it_was_not_given_also_after_a_trim(client):
    stream = KEYS.results(0)
    ids = [client.xadd(stream, encode_result(result(number, face()))) for number in range(4)]
    client.xgroup_create(stream, "g", id="0")
    client.xgroup_create(stream, "new", id="$")
    client.xreadgroup("g", "me", {stream: ">"}, count=1)
    client.xdel(stream, ids[1])
    now = server_now(client)
    first, new = read_groups(client, KEYS, now + 5)
    assert (first.name, first.members, first.pending, first.is_read) == ("g", 1, 1, True)
    assert first.unread_s == pytest.approx(now + 5 - int(ids[2].split(b"-")[0]) / 1000, abs=0.01)
    assert (new.members, new.unread_s, new.behind, new.is_read) == (0, None, 0, False)
    client.xtrim(stream, maxlen=0)
    assert [group.unread_s for group in read_groups(client, KEYS, now)] == [None, None]


def test_a_sink_that_is_killed_is_missed_until_its_group_is_removed(client, redis_url, tmp_path):
    write(client)
    words = ("--redis", redis_url, "--of", "events", "--dir", str(tmp_path), "--group", "kept", "--metrics-port", "0")
    sink = programs.start("consumer", "sink", "jsonl", *words)
    wait_until(lambda: client.exists(KEYS.events(0)) and client.xinfo_groups(KEYS.events(0))[0]["consumers"])
    said = run("status", "--redis", redis_url)
    assert said.returncode == 1
    assert "group kept waits for events, and no fer-consumer track runs: start fer-consumer track" in said.stdout
    sink.terminate()
    sink.communicate(timeout=PROCESS_S)
    client.xadd(KEYS.events(0), encode_event(event(1)))
    client.xreadgroup("kept", "gone", {KEYS.events(0): ">"})
    client.execute_command("XCLAIM", KEYS.events(0), "kept", "gone", 0, client.xinfo_stream(KEYS.events(0))["last-generated-id"])
    problems = json.loads(run("status", "--json", "--redis", redis_url).stdout)["groups"]
    assert [(group["name"], group["members"], group["pending"]) for group in problems] == [("kept", 1, 1)]
    client.xgroup_destroy(KEYS.events(0), "kept")
    assert run("status", "--redis", redis_url).returncode == 0
