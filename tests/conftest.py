"""What every test may ask for."""

from collections.abc import Iterator

import pytest
import redis

from ferstream.streams.local.embedded_redis import EmbeddedRedis, _packaged, find_redis_server
from ferstream.streams.redis_client.connect import connect
from tests.support.redis_cluster import RedisCluster

pytest_plugins = ["tests.support.markers"]


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


@pytest.fixture(scope="session", params=["newest", "packaged"])
def nodes(request: pytest.FixtureRequest) -> Iterator[RedisCluster]:
    """A real Redis Cluster for the whole run, of each redis-server that there is."""
    newest = find_redis_server()
    executable = newest if request.param == "newest" else _packaged()
    if request.param == "packaged" and executable in (None, newest):
        pytest.skip("there is one redis-server only")
    with RedisCluster(executable) as cluster:
        yield cluster


@pytest.fixture
def cluster(nodes: RedisCluster) -> RedisCluster:
    """An empty Redis Cluster."""
    nodes.flush()
    return nodes
