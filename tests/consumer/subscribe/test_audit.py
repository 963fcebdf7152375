"""Whoever subscribes leaves a line that says so."""

import asyncio
import json
import logging
import os

import pytest
import redis
from click.testing import CliRunner

from ferstream import AsyncResultSubscriber, EventSubscriber, ResultSubscriber
from ferstream.consumer.cli import main
from ferstream.consumer.subscribe import audit
from ferstream.consumer.subscribe.audit import read_lines
from ferstream.streams.wire.keys import Keys
from tests.consumer.subscribe.test_subscriber import publish

KEYS = Keys()


def subscribe(make, url, **options):
    with make(url, from_="0", idle_timeout_s=0.2, **options) as subscriber:
        return list(subscriber)


def test_each_subscriber_that_starts_leaves_a_line(client, redis_url):
    subscribe(ResultSubscriber, redis_url, cameras=["gate", "door"])
    subscribe(EventSubscriber, redis_url, group="loggers")

    async def with_asyncio():
        async with AsyncResultSubscriber(redis_url, from_="0", idle_timeout_s=0.2) as subscriber:
            async for _ in subscriber:
                pass

    asyncio.run(with_asyncio())
    lines = [line for _, line in read_lines(client, KEYS, 10)]
    assert [(line.reads, line.cameras, line.group) for line in lines] == [
        ("results", ["door", "gate"], None),
        ("events", None, "loggers"),
        ("results", None, None),
    ]
    assert {line.pid for line in lines} == {os.getpid()}


def test_one_that_starts_to_iterate_anew_is_the_same_start(client, redis_url):
    publish(client, 1, 2, 3)
    with ResultSubscriber(redis_url, from_="0", idle_timeout_s=0.2) as subscriber:
        for _ in subscriber:
            break
        list(subscriber)
    assert client.xlen(KEYS.audit) == 1


def test_one_that_may_not_write_reads_all_the_same(client, redis_url, caplog):
    publish(client, 1, 2, 3)
    client.execute_command(
        "ACL", "SETUSER", "reader", "on", ">secret", "~fer:results:*", "~fer:shards", "-@all", "+time", "+get", "+xread", "+xinfo"
    )
    url = redis_url.replace("unix://", "unix://reader:secret@")
    with caplog.at_level(logging.INFO, "ferstream"):
        assert [one.sequence for one in subscribe(ResultSubscriber, url)] == [1, 2, 3]
    assert client.xlen(KEYS.audit) == 0
    (said,) = [record.message for record in caplog.records if "audit" in record.message]
    assert "xadd" in said.lower()
    assert "secret" not in said


def test_the_oldest_lines_go(client, redis_url, monkeypatch):
    monkeypatch.setattr(audit, "KEPT", 100)
    for _ in range(300):
        client.xadd(KEYS.audit, {"a": b"older"})
    subscribe(ResultSubscriber, redis_url)
    assert client.xlen(KEYS.audit) < 300


@pytest.mark.parametrize("bad", [{"a": b"\xc1"}, {"b": b""}, {"a": b"\x80"}])
def test_a_line_that_cannot_be_read_is_passed_over(client, redis_url, bad):
    client.xadd(KEYS.audit, bad)
    subscribe(ResultSubscriber, redis_url)
    assert len(read_lines(client, KEYS, 10)) == 1


def test_the_command_shows_who_could_see_a_camera(redis_url):
    subscribe(ResultSubscriber, redis_url, cameras=["gate"])
    subscribe(ResultSubscriber, redis_url, cameras=["door\x1b[2J"], group="loggers")

    def run(*arguments):
        outcome = CliRunner().invoke(main, ["audit", "--redis", redis_url, *arguments])
        assert outcome.exit_code == 0, outcome.output
        return outcome.stdout.splitlines()

    heading, *rows = run()
    assert heading.split() == ["SINCE", "READS", "WHO", "PROGRAM", "GROUP", "CAMERAS"]
    assert [row.split()[-2:] for row in rows] == [["-", "gate"], ["loggers", "door?[2J"]]
    (line,) = [json.loads(row) for row in run("--json", "--camera", "gate")]
    assert (line["cameras"], line["reads"], line["pid"]) == (["gate"], "results", os.getpid())


def test_where_nobody_subscribed_the_command_says_so(redis_url):
    outcome = CliRunner().invoke(main, ["audit", "--redis", redis_url])
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert "no subscriber" in outcome.stderr


def test_without_a_server_it_is_one_line(tmp_path):
    outcome = CliRunner().invoke(main, ["audit", "--redis", f"unix://{tmp_path}/none.sock"])
    assert outcome.exit_code not in (0, 1)
    assert not isinstance(outcome.exception, redis.RedisError)
