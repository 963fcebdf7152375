"""Two workers of an older release under load, replaced one by one: what deploy/upgrading.md walks through."""

import io
import subprocess
import tarfile
from pathlib import Path

import msgspec
import pytest
import redis

from ferstream.streams.frames.account import read_account
from ferstream.streams.wire.codec import decode_result
from ferstream.streams.wire.messages import VERSION, Result
from tests.plays.record_wire import RELEASES, ROOT
from tests.support.fleet import KEYS, WorkerProcess, results, wait_until
from tests.support.video_files import skip_or_fail
from tests.test_path import Producer

#: Where the releases before one import name kept the programs.
OLD_WORKER, OLD_PRODUCER = "workers.cli", "producer.cli"


def written_by_this_version(client: "redis.Redis") -> list[Result]:
    entries = [(one.decode(), fields) for one, fields in client.xrange(KEYS.results(0))]
    return [decode_result(one, fields) for one, fields in entries if msgspec.msgpack.decode(fields[b"r"])["version"] == VERSION]


def frame_of(result: Result) -> tuple[str, int]:
    return result.camera_id, result.sequence


@pytest.fixture
def old_tree(tmp_path: Path) -> Path:
    """The files of 0.1.0, from the history."""
    archive = subprocess.run(["git", "archive", RELEASES["0.1.0"]], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        skip_or_fail("no history of 0.1.0 here: a shallow clone, or no clone at all")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tmp_path / "0.1.0", filter="data")
    return tmp_path / "0.1.0"


@pytest.mark.deploy
def test_workers_are_replaced_one_by_one_under_load_and_every_frame_is_accounted_for(
    old_tree, redis_url, client, tmp_path, monkeypatch
):
    def worker(name: str, log: str, *more: str, module: str = "ferstream.workers.cli") -> WorkerProcess:
        return WorkerProcess(redis_url, "--name", name, "--device", "cpu", *more, log=tmp_path / log, module=module)

    def old_worker(name: str, log: str) -> WorkerProcess:
        # 0.1.0 takes frames over from itself where a machine is slow; after three times they are dead letters.
        return worker(name, log, "--claim-after", "60", module=OLD_WORKER)

    def names() -> set[str]:
        return {str(one["name"], "utf-8") for one in client.xinfo_consumers(KEYS.frames(0), "workers")}

    def answered_by(one: str) -> int:
        return sum(result.worker == one for result in results(client))

    camera = ("--camera", "door=portraits:", "--camera", "hall=portraits:", "--fps", "5", "--freshness", "60")
    monkeypatch.chdir(old_tree)
    with old_worker("node-1", "old-1") as old_1, old_worker("node-2", "old-2") as old_2:
        both = [old_1.wait_until_ready(), old_2.wait_until_ready()]
        with Producer(redis_url, *camera, log=tmp_path / "producer", module=OLD_PRODUCER) as producer:  # the last to be upgraded
            monkeypatch.undo()
            wait_until(lambda: answered_by("node-1") and answered_by("node-2"))
            assert both[0].stop() == 0
            with worker("node-1", "new-1").wait_until_ready() as same_name:
                before = answered_by("node-1")
                wait_until(lambda: answered_by("node-1") > before)
                assert both[1].stop() == 0
                assert names() == {"node-1"}
                with worker("node-3", "new-3").wait_until_ready() as new_name:
                    wait_until(lambda: answered_by("node-3"))
                    sums = producer.stop()
                    wait_until(lambda: client.xlen(KEYS.frames(0)) == 0, 60)
                    assert same_name.stop() == 0
                    assert new_name.stop() == 0
    old, account = [one.totals for one in both], read_account(client, KEYS)
    published = sum(totals["published"] for totals in old) + account.published
    dropped = sum(sums["dropped"].values())
    assert all(one.totals["published"] for one in (*both, same_name, new_name))
    assert account.expired == sum(account.dead.values()) == sum(totals["expired"] + totals["dead"] for totals in old) == 0
    assert sums["captured"] == published + dropped
    assert (account.balance, account.dropped) == (0, {})
    ours = [frame_of(result) for result in written_by_this_version(client)]
    assert len(ours) == len(set(ours)) == account.published
    # 0.1.0 publishes what its producer withdrew meanwhile too.
    assert 0 <= len({frame_of(result) for result in results(client)}) - published <= dropped
    assert names() == set()
