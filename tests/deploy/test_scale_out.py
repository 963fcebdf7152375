"""The scale-out story, played short, and what its parts compute."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest

from ferstream.producer.config.partition import Partition
from ferstream.streams.frames.account import Account
from tests.plays.scale_out.caption import account_line, caption
from tests.plays.scale_out.fleet import CAMERAS, PRODUCERS, Fleet
from tests.plays.scale_out.gauges import Scrape, parse, quantile
from tests.plays.scale_out.quota import CpuQuota, cpu_s
from tests.plays.scale_out.story import EVENING, KILLED, QUIET, RUSH, THREE, Chapter, Story
from tests.plays.scale_out.teller import Teller

PAGE = """
# TYPE fer_frames_published_total counter
fer_frames_published_total{camera="door"} 30.0
fer_frames_published_total{camera="hall"} 12.0
# TYPE fer_frames_dropped_total counter
fer_frames_dropped_total{camera="door",reason="trimmed"} 3.0
# TYPE fer_frame_age_seconds histogram
fer_frame_age_seconds_bucket{le="0.5",stage="read"} 10.0
fer_frame_age_seconds_bucket{le="1.0",stage="read"} 30.0
fer_frame_age_seconds_bucket{le="+Inf",stage="read"} 40.0
fer_frame_age_seconds_bucket{le="+Inf",stage="publish"} 7.0
"""


def test_pages_of_several_processes_add_up():
    both = parse(PAGE) + parse(PAGE)
    assert both.counts["published"] == 84
    assert both.counts["dropped_trimmed"] == 6
    assert both.age_read == {0.5: 20, 1.0: 60, float("inf"): 80}


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.25, 0.5), (0.5, 0.75), (0.75, 1.0), (0.95, 1.0)],
    ids=["the end of a bucket", "half of the next", "the last finite bound", "beyond it"],
)
def test_quantiles_are_prometheuss(share, expected):
    assert quantile(share, Counter(), parse(PAGE).age_read) == pytest.approx(expected)


def test_a_quantile_of_nothing_is_none():
    page = parse(PAGE).age_read
    assert quantile(0.5, page, page) is None
    assert quantile(0.5, Counter(), Scrape().age_read) is None


def test_a_quota_holds_a_process_to_its_share():
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with CpuQuota(busy.pid, 0.2):
            time.sleep(0.5)
            began, used = time.monotonic(), cpu_s(psutil.Process(busy.pid))
            time.sleep(2)
            share = (cpu_s(psutil.Process(busy.pid)) - used) / (time.monotonic() - began)
        assert share < 0.3
        assert psutil.Process(busy.pid).status() != psutil.STATUS_STOPPED, "left standing still"
    finally:
        busy.send_signal(signal.SIGKILL)
        busy.wait()


def test_each_producer_has_cameras():
    for index in range(PRODUCERS):
        assert sum(Partition(index, PRODUCERS).holds(camera) for camera in CAMERAS) == len(CAMERAS) / PRODUCERS


def told(**changes: object) -> Story:
    """A story that shows everything, but for `changes` in its last account or in a chapter's rows."""
    ages = {QUIET: 0.1, RUSH: 4.0, THREE: 0.1, KILLED: 0.2, EVENING: 0.1} | changes.get("ages", {})
    claims = {QUIET: 0, RUSH: 0, THREE: 0, KILLED: 5, EVENING: 5} | changes.get("claims", {})
    story = Story(chapters=[Chapter(title, 10.0 * i, 10.0 * i + 10) for i, title in enumerate(ages)])
    before = 0
    for title, age in ages.items():
        for claimed in (before, claims[title]):
            row = {"second": 0, "chapter": title, "age_read_p95_s": age, "claimed": claimed, "in_time": 0, "captured": 0}
            story.rows.append(row | {"answered_per_s": changes.get("answered_per_s", 15), "offered_per_s": 27})
        before = claims[title]
    story.workers = [{"worker": f"worker-{i}", "exit": "drained"} for i in range(3)]
    story.workers.append({"worker": "worker-2", "exit": "killed", "held": 3})
    account = {"captured": 10, "published": 7, "dropped": {"trimmed": 1}, "expired": 2, "dead": {}, "in_flight": 0}
    story.account = Account(**account | changes.get("account", {}))
    return story


def test_a_good_story_shows_every_fact():
    assert all(told().facts.values()), told().facts
    assert account_line(told().account) in caption(told())


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"ages": {RUSH: 0.4}}, "one worker fell behind"),
        ({"answered_per_s": 0}, "it answered at its full rate"),
        ({"ages": {THREE: 3.0}}, "three workers caught up"),
        ({"ages": {EVENING: 2.0}}, "one worker carries the evening"),
        ({"claims": {KILLED: 0, EVENING: 0}}, "frames of the killed worker"),
        ({"claims": {EVENING: 9}}, "those that left had drained"),
        ({"account": {"captured": 11}}, "the account balances"),
        ({"account": {"dead": {"bad-jpeg": 1}, "captured": 11}}, "no frame became a dead letter"),
    ],
)
def test_what_is_not_so_is_said(changes, fact):
    assert next(name for name, true in told(**changes).facts.items() if not true).startswith(fact)


@pytest.mark.deploy
def test_workers_come_and_go_under_load_and_no_frame_is_lost(tmp_path):
    with Fleet(tmp_path) as fleet:
        story = Teller(fleet, 0.35, lambda line: sys.stderr.write(line + "\n")).tell()
        results = list(fleet.results())
    summary = story.summary()
    assert summary["account"]["balance"] == 0, json.dumps(summary, indent=2)
    assert all(summary["facts"].values()), json.dumps(summary, indent=2)
    assert summary["account"]["published"] == len(results) == len({(result.camera_id, result.sequence) for result in results})
    assert {result.camera_id for result in results} == set(CAMERAS)
