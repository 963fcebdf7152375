"""What a plan says, against sums done by hand, and that it never shrinks as more is asked."""

import json
import re
from dataclasses import replace
from math import ceil

import msgspec
import pytest
from click.testing import CliRunner

from ferstream.workers.cli import main
from ferstream.workers.sizing.capacity import Capacity, CapacityError, read_capacities, write_capacity
from ferstream.workers.sizing.plan import make_plan
from ferstream.workers.sizing.redis_topology import shards_on
from ferstream.workers.sizing.worksheet import Workload
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "sizing.md").read_text("utf-8")

#: Numbers that are easy to reckon with: 8 core ms a frame without faces, 4 a face.
ROUND = Capacity(
    device="cpu",
    precision="f32",
    machine="a machine",
    cores=2,
    measured_on="2026-11-24",
    load_before=0.0,
    decode_s={"360": 0.001, "480": 0.0015, "720": 0.003, "1080": 0.007},
    frame_bytes={"360": 30_000, "480": 50_000, "720": 100_000, "1080": 200_000},
    detect_s=0.003,
    crop_s=0.0002,
    classify_s=0.0028,
    frames_per_second={"0": 250.0, "1": 2000 / 12, "3": 100.0},
    resident_bytes=400 * 2**20,
    redis_s=0.0002,
    redis_bytes_per_picture_byte=1.1,
    result_bytes=400.0,
    result_bytes_per_face=300.0,
    producer_camera_s=0.05,
    producer_frame_s=0.004,
)
HUNDRED = Workload(
    cameras=100,
    fps=10.0,
    faces=1.0,
    height="720",
    frame_bytes=100_000,
    freshness_s=5.0,
    keep_results_s=600.0,
    subscribers=1,
    budget_bytes=None,
    cores=2,
    headroom=0.7,
    node_gbit=10.0,
    node_gib=64.0,
)


def plan(**changes):
    return make_plan(replace(HUNDRED, **changes), ROUND)


def said(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["plan", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_hundred_cameras_reckoned_by_hand():
    made = plan()
    assert made.cores == pytest.approx(1000 * 0.012 / 0.7)  # 8 + 4 ms a frame
    assert made.workers == 9
    assert made.worker_memory_bytes == 9 * 400 * 2**20
    assert made.producer_cores == pytest.approx(100 * 0.09 / 0.7)
    assert made.redis.budget_bytes == 8 * 2**20  # 10 a second x 6 s x 100 kB x 1.25 = 7.5 MB
    waiting, kept = 100 * 8 * 2**20 * 1.1, 1000 * 600 * 700
    assert made.redis.max_memory_bytes == pytest.approx((waiting + kept) / 0.8, abs=1)
    assert made.redis.in_mbit == made.redis.out_mbit == pytest.approx(855.6, abs=0.5)  # 1000 x 100.7 kB x 8, and 6 % of headers
    assert made.redis.busy_cores == pytest.approx(0.2)
    assert made.carrier.kind == "one-redis"
    assert (made.carrier.primaries, made.carrier.sites, made.gpus) == (1, 1, 0)


def test_gpus_are_counted_from_the_users_own_measurement():
    made = plan(cameras=500, faces=2.0, gpu_faces_per_second=4000.0)
    assert made.gpus == made.workers == ceil(5000 * 2 / 4000 / 0.7) == 4
    assert made.cores == pytest.approx(5000 * (0.008 - 0.003 + 2 * 0.0002) / 0.7)
    assert plan(faces=0.0, gpu_faces_per_second=100.0).gpus == ceil(1000 / 100 / 0.7)  # empty frames are looked through too


@pytest.mark.parametrize(
    "changes", [{}, {"faces": 0.0}, {"cameras": 10_000}, {"gpu_faces_per_second": 900.0}, {"subscribers": 4}, {"height": "360"}]
)
def test_every_line_of_arithmetic_gives_the_figure_it_stands_under(changes):
    steps = plan(**changes).steps
    assert len(steps) > 10
    for step in steps:
        assert re.fullmatch(r"[0-9. ()+/x-]+(, rounded up)?", step.numbers), step.numbers
        sum_, _, rounded = step.numbers.replace("x", "*").partition(",")
        value = eval(sum_)  # digits and signs only, as checked above
        assert step.value == pytest.approx(ceil(value) if rounded else value, rel=2e-3), step


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("cameras", 101),
        ("fps", 15.0),
        ("faces", 3.0),
        ("frame_bytes", 150_000),
        ("freshness_s", 10.0),
        ("keep_results_s", 900.0),
        ("subscribers", 5),
    ],
)
def test_asking_for_more_never_needs_less(name, more):
    less, more_needed = plan(), plan(**{name: more})
    figures = [
        (made.cores, made.workers, made.producer_cores, made.redis.max_memory_bytes, made.redis.out_mbit, made.carrier.primaries)
        for made in (less, more_needed)
    ]
    assert all(after >= before for before, after in zip(*figures, strict=True))
    assert figures[0] != figures[1]


@pytest.mark.parametrize(
    ("cameras", "kind"), [(100, "one-redis"), (250, "one-redis-sharded"), (2000, "cluster"), (10_000, "clusters-by-site")]
)
def test_what_carries_a_fleet_grows_with_it(cameras, kind):
    carrier = plan(cameras=cameras).carrier
    assert carrier.kind == kind
    assert carrier.fullest_share <= 1
    assert (carrier.sites > 1) == (kind == "clusters-by-site")
    assert (carrier.primaries > 1) == kind.startswith("cluster")


def test_shards_fall_on_primaries_as_redis_hashes_them():
    assert shards_on(3, 6) == [1, 3, 2]  # slots of {0} to {5}: 13907, 9842, 5649, 1584, 14039, 9974
    assert sum(shards_on(16, 128)) == 128


def test_json_holds_what_the_text_says():
    given = ("--cameras", "40", "--fps", "5", "--faces", "2")
    made = json.loads(said(*given, "--json"))
    assert made["demand"]["cameras"] == 40
    assert f"carried by           {made['carrier']['words']}" in said(*given)
    assert f"{made['workers']} of {made['demand']['cores']} cores" in said(*given)
    assert len(json.loads(said("--table", "--json"))) == 4


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "give --cameras N, or --table"),
        (["--cameras", "3", "--table"], 2, "give --cameras N, or --table"),
        (["--cameras", "0"], 2, "x>=1"),
        (["--cameras", "3", "--headroom", "0"], 2, "0<x<=1"),
        (["--cameras", "3", "--device", "cuda"], 2, "no GPU has been measured"),
        (["--cameras", "3", "--gpu-faces-per-second", "900"], 2, "is for --device cuda"),
        (["--cameras", "3", "--capacity", "no-such-file"], 3, "cannot read no-such-file"),
        (["--cameras", "3", "--capacity", __file__], 3, "is not what `make bench"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, status, words):
    done = CliRunner().invoke(main, ["plan", *arguments])
    assert done.exit_code == status
    assert words in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cores": 0}, r"Expected `int` >= 1 - at `\$\[0\]\.cores`"),
        ({"frames_per_second": {"0": 0}}, r"Expected `float` > 0\.0 - at `\$\[0\]\.frames_per_second"),
        ({"speed": 1}, "unknown field `speed`"),
        ({"machine": None}, r"Expected `str`, got `null` - at `\$\[0\]\.machine`"),
    ],
)
def test_a_measurement_with_values_that_cannot_be_says_which(tmp_path, change, says):
    file = tmp_path / "capacity.json"
    file.write_text(json.dumps([msgspec.to_builtins(ROUND) | change]))
    with pytest.raises(CapacityError, match=says):
        read_capacities(file)


def test_a_measurement_takes_the_place_of_the_one_before_it(tmp_path):
    file = tmp_path / "capacity.json"
    for row in (ROUND, msgspec.structs.replace(ROUND, precision="bf16"), msgspec.structs.replace(ROUND, cores=4)):
        write_capacity(file, row)
    assert [(row.precision, row.cores) for row in read_capacities(file)] == [("bf16", 2), ("f32", 4)]
    assert "a machine, 4 cores" in said("--cameras", "3", "--capacity", str(file))


@pytest.mark.parametrize("row", read_capacities(), ids=lambda row: row.precision)
def test_the_committed_measurement_foretells_a_worker_it_was_not_fitted_on(row):
    """Frames with none and with three faces give the costs of a frame and of a face; frames with one were measured too."""
    assert row.cores / row.core_s(1) == pytest.approx(row.reached(1), rel=0.15)
    assert row.face_s > row.crop_s + row.classify_s / row.cores > 0


def test_the_page_of_sizing_holds_the_table_that_the_command_prints():
    assert said("--table").strip() in PAGE, "put what `fer-worker plan --table` prints into docs/sizing.md"
