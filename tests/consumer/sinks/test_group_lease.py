"""A group whose sink makes minutes, or watches faces, has one sink: a second is refused, and takes over from one that is gone."""

import os
import signal
import subprocess

import pytest

from ferstream.consumer.sinks.sink_status import SinkStatus
from ferstream.streams.frames.status_board import read_statuses
from tests.support import programs
from tests.support.fleet import KEYS, wait_until
from tests.support.patience import PROCESS_S

HOST = os.uname().nodename


def sink(url: str, directory: object, *words: str) -> "subprocess.Popen[str]":
    shared = ("--redis", url, "--dir", str(directory), "--group", "g", "--metrics-port", "0")
    return programs.start("consumer", "sink", "jsonl", *shared, *words)


def holder(client) -> str:
    return next((status.holder for status in read_statuses(client, KEYS.sinks, SinkStatus)), "")


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--of", "minutes"), ("--when", "emotion=surprise for 3s")], ids=["minutes", "alerts"])
def test_a_second_sink_is_refused_and_one_that_hung_leaves(client, redis_url, tmp_path, words):
    first = sink(redis_url, tmp_path / "1", *words)
    wait_until(lambda: holder(client) == f"{HOST}:{first.pid}")
    second = sink(redis_url, tmp_path / "2", *words)
    _, said = second.communicate(timeout=PROCESS_S)
    assert (second.returncode, "Traceback" in said) == (3, False)
    assert f"Error: the group g is held by the sink {HOST}:{first.pid} since " in said
    first.send_signal(signal.SIGSTOP)
    third = sink(redis_url, tmp_path / "2", *words)
    wait_until(lambda: holder(client) == f"{HOST}:{third.pid}")
    first.send_signal(signal.SIGCONT)
    _, said = first.communicate(timeout=PROCESS_S)
    assert first.returncode == 3
    assert f"Error: left because the group g is held by the sink {HOST}:{third.pid} since " in said
    third.terminate()
    third.communicate(timeout=PROCESS_S)
    assert (third.returncode, client.hlen(KEYS.sinks)) == (0, 0)


def test_sinks_of_plain_results_share_a_group(client, redis_url, tmp_path):
    both = [sink(redis_url, tmp_path / str(number)) for number in range(2)]
    wait_until(lambda: client.exists(KEYS.results(0)) and len(client.xinfo_consumers(KEYS.results(0), "g")) == 2)
    assert client.hlen(KEYS.sinks) == 0
    for process in both:
        process.terminate()
    assert [process.communicate(timeout=PROCESS_S)[1].count("Error") for process in both] == [0, 0]


def test_without_redis_it_waits_and_without_rights_it_says_what_is_missing(client, redis_url, tmp_path):
    rights = "~fer:results:* ~fer:shards -@all +get +xreadgroup +xpending +xgroup|create"
    client.execute_command("ACL", "SETUSER", "old", "reset", "on", ">s3cr3t", *rights.split())
    refused = sink(redis_url.replace("unix://", "unix://old:s3cr3t@"), tmp_path / "1", "--of", "minutes")
    _, said = refused.communicate(timeout=PROCESS_S)
    assert (refused.returncode, "Traceback" in said, "s3cr3t" in said) == (3, False, False)
    assert "HSET fer:sinks" in said
    waiting = sink("redis://127.0.0.1:1/0", tmp_path / "2", "--of", "minutes")
    assert waiting.stderr
    wait_until(lambda: "trying again until it answers" in waiting.stderr.readline())
    waiting.terminate()
    waiting.communicate(timeout=PROCESS_S)
    assert waiting.returncode == 0
