"""Sharing one cameras.yaml: every camera has exactly one producer."""

import json
import time
from collections import Counter

import pytest

from ferstream.producer.config.partition import Partition
from ferstream.producer.errors import ConfigError
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import read_statuses
from ferstream.streams.wire.keys import Keys
from tests.producer.test_cli import run, running
from tests.producer.test_fleet import frames_in
from tests.support.video_files import make_video, wait_until

NAMES = [f"camera-{number}" for number in range(400)] + ["Tür", "入口", "a b"]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_camera_is_in_one_partition(count):
    partitions = [Partition(index, count) for index in range(count)]
    homes = [[partition.index for partition in partitions if partition.holds(name)] for name in NAMES]
    assert all(len(home) == 1 for home in homes)
    sizes = Counter(home[0] for home in homes)
    assert min(sizes.values()) > len(NAMES) / count / 2


def test_the_rule_is_the_same_in_every_process_and_version():
    homes = [next(index for index in range(8) if Partition(index, 8).holds(name)) for name in ("door", "hall", "Tür", "入口")]
    assert homes == [1, 7, 7, 2]


@pytest.mark.parametrize(("producers", "shards"), [(3, 3), (4, 48), (6, 48)])
def test_every_producer_writes_to_every_shard(producers, shards):
    keys = Keys(shards=shards)
    names = [f"camera-{number}" for number in range(3000)]
    for index in range(producers):
        written = {keys.shard_of(name) for name in names if Partition(index, producers).holds(name)}
        assert len(written) == shards


@pytest.mark.parametrize(
    ("text", "shard"), [("0/1", (0, 1)), ("3/8", (3, 8)), ("fer-producer-3/8", (3, 8)), ("a-1-0/12", (0, 12))]
)
def test_a_number_or_the_name_of_a_pod(text, shard):
    parsed = Partition.parse(text)
    assert (parsed.index, parsed.count) == shard


@pytest.mark.parametrize("text", ["3", "3/3", "0/0", "-1/2", "a/2", "1/b", "pod3/8", "", "1/2/3", "fer-producer-8/8"])
def test_what_is_no_share(text):
    with pytest.raises(ConfigError, match="--partition"):
        Partition.parse(text)
    ended = run("check", "--camera=p=portraits:", f"--partition={text}")
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)


def test_its_old_name_still_works(monkeypatch):
    mine, other = (next(name for name in NAMES if Partition(index, 2).holds(name)) for index in (0, 1))
    cameras = [f"--camera={name}=portraits:" for name in (mine, other)]
    found = json.loads(run("check", *cameras, "--camera-shard=0/2", "--json").stdout)
    assert [one["name"] for one in found] == [mine]
    both = run("check", *cameras, "--camera-shard=0/2", "--partition=0/2")
    assert (both.returncode, "--partition and --camera-shard say the same thing in two ways" in both.stderr) == (2, True)
    monkeypatch.setenv("FER_PRODUCER_CAMERA_SHARD", "pod-0/2")
    assert [one["name"] for one in json.loads(run("check", *cameras, "--json").stdout)] == [mine]


@pytest.mark.parametrize("text", ["2/2", "x"])
def test_an_error_names_the_option_that_was_given(text):
    for option in ("--partition", "--camera-shard"):
        ended = run("check", "--camera=p=portraits:", f"{option}={text}")
        assert (ended.returncode, option in ended.stderr) == (2, True)


def test_two_producers_serve_one_file_once(redis_url, client, tmp_path):
    names = [f"camera-{number}" for number in range(6)]
    video, file = make_video(tmp_path / "a.mkv", frames=20), tmp_path / "cameras.yaml"
    file.write_text("cameras:\n" + "".join(f"  {name}: {{url: '{video}', realtime: false}}\n" for name in names))
    shared = ("--redis", redis_url, "--cameras", str(file), "--stay")
    with (
        running(tmp_path / "log-0", *shared, "--partition=fer-producer-0/2") as first,
        running(tmp_path / "log-1", *shared, "--partition=1/2") as second,
    ):
        wait_until(lambda: len(frames_in(redis_url)) >= 120, within_s=20, what="every frame")
        wait_until(lambda: len(read_statuses(client, Keys().cameras, CameraStatus)) == 6, within_s=5, what="every status")
        producers = {status.camera_id: status.holder for status in read_statuses(client, Keys().cameras, CameraStatus)}
        assert [first.end()[0], second.end()[0]] == [0, 0]
    assert Counter(frame.header.camera_id for frame in frames_in(redis_url)) == dict.fromkeys(names, 20)
    assert {name: producers[name].endswith(f":{first.process.pid}") for name in names} == {
        name: Partition(0, 2).holds(name) for name in names
    }


def test_a_partition_without_a_camera_waits_for_one(redis_url, tmp_path):
    partition = Partition(1, 2)
    mine, others = (
        next(name for name in NAMES if partition.holds(name)),
        next(name for name in NAMES if not partition.holds(name)),
    )
    file = tmp_path / "cameras.yaml"
    file.write_text(f"cameras:\n  {others}: 'portraits:'\n")
    with running(tmp_path / "log", "--redis", redis_url, "--cameras", str(file), "--partition", str(partition)) as producer:
        wait_until(lambda: "has 0 of 1 cameras; waiting for one" in producer.log, within_s=15, what="it says so")
        wait_until(lambda: producer.page("readyz") == (200, "ok\n"), within_s=5, what="ready")
        time.sleep(1)  # its loop has come round a few times
        assert producer.process.poll() is None
        file.write_text(f"cameras:\n  {others}: 'portraits:'\n  {mine}: 'portraits:'\n")
        producer.hang_up()
        wait_until(lambda: frames_in(redis_url, mine), within_s=10, what="the new camera's frames")
        assert not frames_in(redis_url, others)
        file.write_text(f"cameras:\n  {others}: 'portraits:'\n")
        producer.hang_up()
        wait_until(lambda: producer.log.count("has 0 of 1 cameras") == 2, within_s=5, what="it is empty again")
        time.sleep(1)
        assert producer.process.poll() is None
        assert producer.end()[0] == 0
