"""Marks each test that starts a server or a process as `server`, so that `make check` can leave it out."""

import pytest

#: Fixtures and names whose use starts something.
FIXTURES = {"redis_server", "redis_url", "client", "nodes", "cluster"}
STARTERS = {"EmbeddedRedis", "Producer", "RedisCluster", "RtspServer", "WorkerProcess", "subprocess"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = vars(item.module) if isinstance(item, pytest.Function) else {}
        if FIXTURES & set(getattr(item, "fixturenames", ())) or STARTERS & set(names):
            item.add_marker("server")
