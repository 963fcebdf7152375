"""What every test may ask for."""

from collections.abc import Iterator

import pytest
import redis

from streams.connection import connect
from streams.embedded import EmbeddedRedis


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
