"""More byte budget than Redis has memory is refused, with the sum; a Redis that comes later makes the producer unready."""

import time
from collections.abc import Iterator

import pytest

from ferstream.producer.config.camera_config import MIB, CameraConfig, CameraSettings
from ferstream.producer.memory_check import over_budget
from tests.producer.test_cli import run, running
from tests.producer.test_fleet import frames_in, status_of
from tests.producer.test_fleet import redis as redis  # a fixture
from tests.support.video_files import wait_until


def cameras(*budgets_mib: float) -> list[CameraConfig]:
    return [
        CameraConfig(f"camera-{number}", "portraits:", CameraSettings(budget_bytes=int(budget * MIB)))
        for number, budget in enumerate(budgets_mib)
    ]


@pytest.mark.parametrize(
    ("budgets", "limit_mib", "told"),
    [
        ([16] * 4, 64, None),
        ([16] * 4, 0, None),
        (
            [16] * 40 + [64],
            512,
            "1 x 64 MiB + 40 x 16 MiB = 704 MiB (738197504 bytes), but maxmemory is 512 MiB (536870912 bytes)",
        ),
        ([8, 7, 6, 5, 4, 3, 3, 2], 32, "1 x 4 MiB + 3 smaller ones of 8 MiB together = 38 MiB"),
        ([1.5, 1.5], 2, "2 x 1.5 MiB = 3 MiB"),
    ],
)
def test_the_sum_is_shown(budgets, limit_mib, told):
    problem = over_budget(cameras(*budgets), limit_mib * MIB)
    assert problem is None if told is None else told in problem


@pytest.fixture
def limited(client) -> Iterator[None]:
    """Redis with 40 MiB."""
    before = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", 40 * MIB)
    yield
    client.config_set("maxmemory", before)


def write(file, *names: str) -> None:
    file.write_text("cameras:\n" + "".join(f"  {name}: 'portraits:'\n" for name in names))


def test_too_much_is_refused_at_the_start_for_the_whole_file(redis_url, limited, tmp_path):
    file = tmp_path / "cameras.yaml"
    write(file, "a", "b", "c")
    ended = run("run", "--metrics-port=0", "--redis", redis_url, "--cameras", str(file), "--partition=0/3")
    assert ended.returncode == 2
    (error,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert "3 x 16 MiB = 48 MiB (50331648 bytes), but maxmemory is 40 MiB" in error
    assert "Traceback" not in ended.stderr
    assert not frames_in(redis_url)


def test_a_reload_that_is_too_much_changes_nothing_until_redis_has_more(redis_url, client, limited, tmp_path):
    file = tmp_path / "cameras.yaml"
    write(file, "a", "b")
    with running(tmp_path / "log", "--redis", redis_url, "--cameras", str(file)) as producer:
        wait_until(lambda: status_of(redis_url, "a") and status_of(redis_url, "b"), within_s=15, what="two cameras")
        write(file, "a", "b", "c")
        producer.hang_up()
        wait_until(lambda: "the cameras stay as they are: the cameras' byte" in producer.log, within_s=5, what="it is refused")
        assert producer.page("readyz")[0] == 200
        client.config_set("maxmemory", 64 * MIB)
        producer.hang_up()
        wait_until(lambda: status_of(redis_url, "c"), within_s=5, what="the third camera")
        assert producer.end()[0] == 0


def test_no_limit_is_warned_of_once(redis_url, client, limited, tmp_path):
    client.config_set("maxmemory", 0)
    with running(tmp_path / "log", "--redis", redis_url, "--camera=a=portraits:", "--camera=b=portraits:") as producer:
        wait_until(lambda: status_of(redis_url, "a"), within_s=15, what="a camera")
        producer.hang_up()
        wait_until(lambda: "cameras read again" in producer.log, within_s=5, what="the second look")
        assert producer.end()[0] == 0
    assert producer.log.count("no memory limit: set maxmemory above the cameras' byte budgets, 32 MiB together") == 1


def test_a_redis_that_comes_later_with_too_little_is_a_reason_not_to_be_ready(redis, tmp_path):
    with running(tmp_path / "log", "--redis", redis.url, "--camera=a=portraits:") as producer:
        wait_until(lambda: "no answer from Redis" in producer.log, within_s=15, what="Redis is missed")
        redis.start("--maxmemory", "8mb")
        wait_until(lambda: "1 x 16 MiB = 16 MiB" in producer.page("readyz")[1], within_s=15, what="the reason")
        assert producer.page("healthz")[0] == 200
        redis.kill()
        time.sleep(1.5)
        redis.start("--maxmemory", "32mb")
        wait_until(lambda: producer.page("readyz") == (200, "ok\n"), within_s=15, what="ready with enough memory")
        assert producer.end()[0] == 0
    assert producer.log.count("not ready: ") == 1
