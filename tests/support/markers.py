"""Which tests run, and which first: those that start something are marked `server`, files with slow tests begin, and those that
need torch are left out where there is none."""

from importlib.util import find_spec
from pathlib import Path

import pytest

#: Tests that import torch, or what comes with it.
TORCH = (
    "training",
    "deploy",
    "plays",
    "benchmarks",
    "workers/test_models.py",
    "test_packaging.py",
    "test_import_name.py",
    "test_docs.py",
    "test_programs_import.py",
    "test_command_lines.py",
)
WITH_TORCH = find_spec("torch") is not None
#: For a single test of a file that runs without.
needs_torch = pytest.mark.skipif(not WITH_TORCH, reason="no torch here: `make test` has it")

#: Fixtures and names whose use starts something.
FIXTURES = {"redis_server", "redis_url", "client", "nodes", "cluster"}
STARTERS = {
    "EmbeddedRedis",
    "Mosquitto",
    "PostgresqlServer",
    "Producer",
    "RedisCluster",
    "RtspServer",
    "WorkerProcess",
    "start_process",
    "subprocess",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = vars(item.module) if isinstance(item, pytest.Function) else {}
        if FIXTURES & set(getattr(item, "fixturenames", ())) or STARTERS & set(names):
            item.add_marker("server")
    # Nobody waits at the end for one process that has begun its longest file last.
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    tests = config.rootpath / "tests"
    if WITH_TORCH or not collection_path.is_relative_to(tests):
        return None
    return any(collection_path == tests / name for name in TORCH) or None


def pytest_report_header() -> list[str]:
    return [] if WITH_TORCH else [f"no torch here: tests/{{{','.join(TORCH)}}} are left out (`make test` has them)"]
