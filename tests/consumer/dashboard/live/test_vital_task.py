"""A task of the page's server that dies, and one that is cancelled."""

import subprocess
import sys

from ferstream.streams.service.threads import THREAD_DIED
from tests.support.patience import PROCESS_S

SCRIPT = """
import asyncio
from ferstream.consumer.dashboard.live.vital_task import vital_task

async def dies():
    raise ValueError("nobody thought of it")

async def main():
    cancelled = vital_task(asyncio.sleep(60), "cancelled")
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0.01)
    print("goes on", flush=True)
    vital_task(dies(), "results")
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_it_takes_the_process_with_it_unless_it_was_cancelled():
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=PROCESS_S)
    assert (ended.returncode, ended.stdout) == (THREAD_DIED, "goes on\n")
    assert "the task results died" in ended.stderr
    assert "nobody thought of it" in ended.stderr


LOOK = """
import asyncio
from ferstream.consumer.dashboard.live.look import Looker

def tell(look):
    raise ValueError("nobody thought of it")

async def main():
    Looker("redis://127.0.0.1:1", "fer", tell)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_so_does_a_look_that_nobody_can_be_told_of():
    ended = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=False, timeout=PROCESS_S)
    assert ended.returncode == THREAD_DIED
    assert "the task deployment-look died" in ended.stderr
