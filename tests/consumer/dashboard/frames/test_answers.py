"""Answers to people's frames come again after a time in which they could not be read."""

import asyncio
import time

from ferstream.consumer.dashboard.frames import answers
from ferstream.consumer.dashboard.frames.answers import Answers
from tests.consumer.subscribe.test_subscriber import publish
from tests.support.fleet import server_now
from tests.support.patience import PROCESS_S

USER = {"enabled": True, "nopass": True, "keys": ["*"], "channels": ["*"]}


def test_rights_that_come_later_are_used(client, redis_url, monkeypatch, caplog):
    monkeypatch.setattr(answers, "AGAIN_S", 0.1)

    async def until(there):
        end = time.monotonic() + PROCESS_S
        while not there() and time.monotonic() < end:
            await asyncio.sleep(0.02)
        assert there()

    async def wait_for_answers():
        heard = []
        reader = Answers(redis_url.replace("unix://", "unix://people:x@"), "fer", None)
        reader.listen("door", lambda delivery: heard.append(delivery.result.sequence), server_now(client))
        await until(lambda: "trying again" in caplog.text)
        client.acl_setuser("people", **USER, commands=["+@all"])
        publish(client, 1)
        await until(lambda: heard)
        await reader.close()

    client.acl_setuser("people", **USER, commands=["+@connection"])
    try:
        asyncio.run(wait_for_answers())
    finally:
        client.acl_deluser("people")
