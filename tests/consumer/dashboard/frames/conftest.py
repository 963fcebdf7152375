"""One Redis, one real worker and one server for all that people send; each test begins with nothing of another's."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ferstream.streams.frames.account import Account, read_account
from ferstream.streams.wire.keys import Keys
from tests.faults.server import Server
from tests.support.fleet import WorkerProcess, wait_until
from tests.support.frames_server import FramesServer

KEYS = Keys()


@dataclass(frozen=True)
class Fleet:
    """`redis` may be killed and started again."""

    redis: Server
    server: FramesServer

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.redis.port}/0"

    def account(self) -> Account:
        return read_account(self.redis.client, KEYS)

    def left_behind(self) -> dict[str, object]:
        """What Redis still has of cameras, which should be nothing once these have gone."""
        client = self.redis.client
        found = {
            "statuses": client.hkeys(KEYS.cameras),
            "steps": client.hkeys(KEYS.last(0)),
            "frames": client.xlen(KEYS.frames(0)),
            "pending": client.xpending(KEYS.frames(0), "workers")["pending"],
        }
        return {name: value for name, value in found.items() if value}

    def wait_until_clean(self) -> None:
        wait_until(lambda: not self.left_behind(), 10)
        account = self.account()
        assert account.balance == 0, account


@pytest.fixture(scope="session")
def _fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("frames")
    with Server(folder) as redis:
        url = f"redis://127.0.0.1:{redis.port}/0"
        with WorkerProcess(url, log=folder / "worker.log") as worker, FramesServer(url) as server:
            worker.wait_until_ready()
            yield Fleet(redis, server)


@pytest.fixture
def fleet(_fleet: Fleet) -> Iterator[Fleet]:
    """After the test nothing is left of its cameras, and the account balances."""
    yield _fleet
    _fleet.wait_until_clean()
