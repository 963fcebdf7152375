"""What is said twice, in the environment, with -v and -q, and about a port that is taken: on real processes."""

import re
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing, suppress

import pytest

from ferstream.streams.errors import FerstreamError
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import StatusBoard
from ferstream.streams.local.parts.camera_list import named
from ferstream.streams.service.environment import unknown_variables
from ferstream.streams.service.health_server import StatusServer
from ferstream.streams.wire.keys import Keys
from tests.support.markers import needs_torch
from tests.support.patience import PROCESS_S
from tests.support.programs import command, environment, run, start
from tests.support.video_files import wait_until

SECRET = "rtsp://u:hunter2@127.0.0.1:9/x"
NOWHERE = "unix:///tmp/no-such.sock"


@pytest.fixture
def camera(client):
    """A camera that `fer-consumer cameras` shows, where it asks the right Redis."""
    status = CameraStatus(camera_id="door", state="live", url="x")
    StatusBoard(client, Keys().cameras).renew({"door": status})


def shown(*arguments, **variables):
    """Whether the program found the right Redis."""
    ended = run("consumer", "cameras", *arguments, **variables)
    assert ended.returncode == ("door" not in ended.stdout) * 3, ended.stderr
    return "door" in ended.stdout


def test_one_variable_names_the_redis_of_all_programs(redis_url, camera, tmp_path):
    (tmp_path / "url").write_text(redis_url)
    assert shown(FER_REDIS=redis_url)
    assert shown(FER_REDIS_URL_FILE=str(tmp_path / "url"))
    assert shown(FER_REDIS=NOWHERE, FER_CONSUMER_REDIS=redis_url)
    assert not shown(FER_REDIS=redis_url, FER_CONSUMER_REDIS=NOWHERE)
    assert shown(FER_REDIS=NOWHERE, FER_CONSUMER_REDIS_URL_FILE=str(tmp_path / "url"))
    assert shown("--redis", redis_url, FER_CONSUMER_REDIS_URL_FILE="/none")
    assert shown("--redis-url-file", str(tmp_path / "url"), FER_CONSUMER_REDIS=NOWHERE)


@pytest.mark.parametrize(
    ("words", "variables", "told"),
    [
        (["consumer", "tail", "--redis=redis://h", "--redis-url-file=/none"], {}, "--redis and --redis-url-file say"),
        (
            ["worker", "run"],
            {"FER_WORKER_REDIS": "redis://h", "FER_WORKER_REDIS_URL_FILE": "/none"},
            "FER_WORKER_REDIS and FER_WORKER_REDIS_URL_FILE say",
        ),
        (
            ["producer", "check", "--partition=0/2", "--camera-shard=0/2", "--camera=a=x"],
            {},
            "--partition and --camera-shard say",
        ),
        (["worker", "plan", "--table", "-v", "--log-level=info"], {}, "--log-level and --verbose say"),
        (["train", "summary", "-v", "-q"], {}, "--verbose and --quiet say"),
    ],
)
def test_two_ways_to_say_one_thing_are_refused(words, variables, told):
    ended = run(*words, **variables)
    assert ended.returncode == 2
    assert f"Error: {told} the same thing in two ways: give one of them\n" in ended.stderr


def test_the_command_line_wins_over_another_way_in_the_environment():
    ended = run("producer", "check", "--camera=a=/none", "--partition=1/1", FER_PRODUCER_CAMERA_SHARD="0/1")
    assert "the first number must be below the second" in ended.stderr
    quiet = run("worker", "plan", "--table", "-q", FER_WORKER_LOG_LEVEL="debug", FER_NONSENSE="1")
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_an_unknown_variable_is_named_with_the_nearest():
    variables = {
        "FER_WORKER_CAMERAZ": "20",
        "FER_WORKR_REDIS": "redis://h",
        "FER_DATA_DIR": "/data",
        "FER_PRODUCER_WHATEVER": "a producer's to judge",
        "FER_REDIS_PORT_6379_TCP": "tcp://10.0.0.1:6379",
    }
    ended = run("worker", "plan", "--table", **variables)
    assert ended.returncode == 0
    first, second = ended.stderr.splitlines()
    assert first.endswith("FER_WORKER_CAMERAZ is set and no program reads it: did you mean FER_WORKER_CAMERAS?")
    assert second.endswith("FER_WORKR_REDIS is set and no program reads it: did you mean FER_WORKER_REDIS?")


@pytest.mark.parametrize(
    ("words", "name", "told"),
    [
        (["consumer", "cameras", f"--redis={NOWHERE}"], "FER_CONSUMER_REDIS_URL", ": did you mean FER_CONSUMER_REDIS?"),
        (["worker", "plan", "--table"], "FER_WORKER_CLAIM_AFTER_S", ": did you mean FER_WORKER_CLAIM_AFTER?"),
        (["worker", "plan", "--table"], "FER_WORKER_AS_JSON", ""),
    ],
)
def test_what_the_code_calls_an_option_is_no_variable_where_it_sets_nothing(words, name, told):
    assert f"{name} is set and no program reads it{told}" in run(*words, **{name: "1"}).stderr


def test_what_the_code_calls_an_option_is_a_variable_where_click_reads_it():
    ended = run("train", "try", "/none.jpg", FER_TRAIN_TRY_DETECTOR_FOLDER="/none")
    assert "no program reads it" not in ended.stderr
    assert "/none" in ended.stderr


def test_what_is_near_to_nothing_is_named_alone():
    assert list(unknown_variables({"FER_": "", "FER_QQQQQQQQ": "", "PATH": ""}, "FER_WORKER", frozenset())) == [
        "FER_ is set and no program reads it",
        "FER_QQQQQQQQ is set and no program reads it",
    ]


def test_only_variables_that_exist_are_suggested():
    known = frozenset({"FER_WORKER_LOG_LEVEL", "FER_WORKER_METRICS_PORT"})
    assert list(unknown_variables({"FER_LOG_LEVEL": "debug", "FER_TRACED_OUT": "x"}, "FER_WORKER", known)) == [
        "FER_LOG_LEVEL is set and no program reads it: did you mean FER_WORKER_LOG_LEVEL?",
        "FER_TRACED_OUT is set and no program reads it",
    ]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"FER_WORKER_METRIC_PORT": "9102"}, ["FER_WORKER_METRIC_PORT"]),
        ({"FER_METRICS_PORT": "9102"}, ["FER_METRICS_PORT"]),
        ({"FER_WORKER_METRIC_PORT": "tcp://10.0.0.1:80", "FER_UDP_PORT": "udp://10.0.0.1:80"}, []),
        ({"FER_DNS_PORT": "", "FER_DNS_SERVICE_HOST": "10.0.0.1", "FER_DNS_SERVICE_PORT_HTTP": "80"}, []),
        ({"FER_PORT": "tcp://10.0.0.1:80", "FER_PORT_80_TCP_ADDR": "10.0.0.1", "FER_SERVICE_HOST": "10.0.0.1"}, []),
    ],
)
def test_what_kubernetes_sets_is_told_from_a_wrong_name(variables, named):
    told = unknown_variables(variables, "FER_WORKER", frozenset({"FER_WORKER_METRICS_PORT"}))
    assert [line.partition(" ")[0] for line in told] == named


def taken_port(number):
    """A socket that keeps a port taken, unless another process has it anyway."""
    listener = socket.socket()
    with suppress(OSError):
        listener.bind(("0.0.0.0", number))
        listener.listen()
    return closing(listener)


def test_a_service_says_more_with_v_and_takes_another_port_than_a_taken_one(redis_url, tmp_path):
    with (
        taken_port(9101),
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(
            command("producer", "run", "-v", "--redis", redis_url, "--camera=p=portraits:", f"--camera=q={SECRET}"),
            stderr=log,
            env=environment(),
        ) as producer,
    ):
        try:
            log_file = tmp_path / "log"
            wait_until(lambda: "camera p: first frame after" in log_file.read_text(), within_s=60, what="a frame")
        finally:
            producer.terminate()
            producer.wait(timeout=PROCESS_S)
    said = log_file.read_text()
    assert re.search(r"Redis [\d.]+ answers", said)
    assert re.search(r"camera p: open after [\d.]+ s, 1280x720, 15 frames/s", said)
    port = re.search(r"port 9101 is taken by another process: this one's metrics are on port (\d+)$", said, re.MULTILINE)
    assert port
    assert port[1] != "9101"
    assert "hunter2" not in said


def test_a_port_that_was_asked_for_is_an_error_where_it_is_taken(redis_url, tmp_path):
    with taken_port(9103):
        ended = run("consumer", "log", "--redis", redis_url, "--dir", str(tmp_path), "--metrics-port=9103")
    assert ended.returncode == 3
    assert "cannot serve metrics on 127.0.0.1:9103: " in ended.stderr


def test_the_other_port_serves():
    with taken_port(0) as listener:
        number = listener.getsockname()[1]
        with pytest.raises(FerstreamError, match="choose another --metrics-port"):
            StatusServer("127.0.0.1", number, healthy=lambda: None, ready=lambda: None)
        server = StatusServer("127.0.0.1", number, healthy=lambda: None, ready=lambda: None, other_port=True)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=5) as answer:
        assert answer.read() == b"ok\n"
    server.close()


def test_a_worker_and_a_tail_say_more_with_v(redis_url):
    worker = start("worker", "run", "-v", "--metrics-port=0", "--redis", redis_url)
    try:
        lines = []
        for line in worker.stderr:
            lines.append(line)
            if "reads as workers" in line:
                break
    finally:
        worker.terminate()
        worker.communicate(timeout=PROCESS_S)
    said = "".join(lines)
    for part in (
        r"a client of unix:",
        r"detector \S+ opened in [\d.]+ s",
        r"classifier \S+ opened in",
        r"group workers made on fer:",
    ):
        assert re.search(part, said), part
    tail = run("consumer", "tail", "-v", "--redis", redis_url, "--idle-timeout=0.3")
    assert "a client of unix:" in tail.stderr
    assert re.search(r"reading 1 shards of fer, after ", tail.stderr)


def test_the_demo_takes_cameras_as_the_producer_does():
    assert named(()) == ()
    assert named(("desk=webcam:0", "rtsp://10.0.0.5/x?a=b", "/films/a=b.mkv", "webcam:1", "@door.url", "hall=@hall.url")) == (
        "desk=webcam:0",
        "camera-2=rtsp://10.0.0.5/x?a=b",
        "camera-3=/films/a=b.mkv",
        "camera-4=webcam:1",
        "camera-5=@door.url",
        "hall=@hall.url",
    )


@pytest.mark.parametrize(
    ("missing", "runtime", "told"),
    [
        (
            ["torch"],
            "torch",
            "torch is not installed; openvino is: leave --runtime away, or pip install '.[gpu]' in the clone of ferstream",
        ),
        pytest.param(
            ["openvino"],
            "openvino",
            "openvino is not installed; torch is: leave --runtime away, or pip install '.[cpu]' in the clone of ferstream",
            marks=needs_torch,
        ),
        (
            ["torch", "openvino"],
            "auto",
            "no runtime is installed: pip install '.[cpu]' in the clone of ferstream (OpenVINO) "
            "or pip install '.[gpu]' in the clone of ferstream (torch)",
        ),
    ],
)
def test_a_runtime_that_is_not_installed(missing, runtime, told):
    hidden = "".join(f"sys.modules[{name!r}] = None; " for name in missing)
    script = f"import sys; {hidden}from ferstream.streams.programs import worker; worker()"
    ended = subprocess.run(
        [sys.executable, "-c", script, "run", "--runtime", runtime, "--device", "cpu", "--metrics-port=0", f"--redis={NOWHERE}"],
        capture_output=True,
        text=True,
        timeout=PROCESS_S,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (3, f"Error: {told}\n")
