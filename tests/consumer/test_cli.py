import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace

import pyarrow.parquet
import pytest

from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import StatusBoard
from ferstream.streams.wire.codec import encode_result
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Face, HeadPose, Result
from tests.support.patience import PATIENCE, PROCESS_S

KEYS = Keys()
COMMAND = [sys.executable, "-c", "from ferstream.consumer.cli import main; main(prog_name='fer-consumer')"]


def face(emotion="happiness", share=0.93):
    rest = (1 - share) / 7
    return Face(
        box=(10.0, 20.0, 60.0, 80.0),
        score=0.99,
        quality=0.8,
        emotion=emotion,
        probabilities=tuple(share if name == emotion else rest for name in EMOTIONS),
    )


def unknown():
    return replace(face(), emotion="unknown", quality=0.01)


def result(sequence, camera_id="door", faces=None, captured_at=None):
    return Result(
        camera_id=camera_id,
        sequence=sequence,
        captured_at=time.time() if captured_at is None else captured_at,
        frame_id="1-1",
        width=640,
        height=480,
        faces=(face(),) if faces is None else faces,
        models={"detector": "ssd", "classifier": "vit"},
        seconds={"decode": 0.002},
        worker="w1",
    )


def publish(client, *results):
    for one in results:
        client.xadd(KEYS.results(0), encode_result(one))


def run(url, *arguments, **more):
    return subprocess.run(
        [*COMMAND, *arguments, "--redis", url], capture_output=True, check=False, text=True, timeout=PROCESS_S, **more
    )


def start(url, *arguments):
    command = [*COMMAND, *arguments, "--redis", url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def eventually(check, seconds=15.0):
    until = time.monotonic() + seconds * PATIENCE
    while not (found := check()):
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.05)
    return found


def logged(directory):
    return [json.loads(line) for path in sorted(directory.glob("*.jsonl")) for line in path.read_text().splitlines()]


def pending(client, group="logger"):
    return client.xpending(KEYS.results(0), group)["pending"]


def test_tail_prints_a_plain_line_a_face_into_a_pipe(client, redis_url):
    publish(client, result(1, faces=(face("happiness"), face("anger", 0.5), unknown())), result(2, faces=()))
    done = run(redis_url, "tail", "--from", "0", "--count", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert "unknown" in lines[2]
    assert "happiness" in lines[0]
    assert "93%" in lines[0]
    assert "door" in lines[0]
    assert "anger" in lines[1]
    assert "\x1b" not in done.stdout


def test_tail_prints_no_more_lines_a_second_than_are_asked_for(client, redis_url):
    publish(client, *(result(number) for number in range(1, 50)))
    done = run(redis_url, "tail", "--from", "0", "--count", "49", "--lines-a-second", "2")
    assert len(done.stdout.splitlines()) in (2, 4)  # where the second ended among them


def test_tail_shows_frames_without_faces_when_asked(client, redis_url):
    publish(client, result(1, faces=()))
    assert "no face" in run(redis_url, "tail", "--from", "0", "--count", "1", "--all").stdout


def test_tail_lets_no_name_steer_the_terminal(client, redis_url):
    publish(client, result(1, camera_id="\x1b[31mred"))
    assert "\x1b" not in run(redis_url, "tail", "--from", "0", "--count", "1").stdout


def test_tail_prints_one_result_a_line_as_json(client, redis_url):
    publish(client, result(1), result(2, camera_id="yard"), result(3))
    done = run(redis_url, "tail", "--json", "--from", "0", "--camera", "door", "--idle-timeout", "0.3")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert [message["sequence"] for message in messages] == [1, 3]
    assert set(messages[0]["faces"][0]["probabilities"]) == set(EMOTIONS)


def test_tail_smooths_over_the_frames_of_a_track(client, redis_url):
    now = time.time()
    emotions = ["happiness", "happiness", "anger", "happiness"]
    publish(client, *(result(i, faces=(face(e),), captured_at=now + i / 10) for i, e in enumerate(emotions)))
    done = run(redis_url, "tail", "--json", "--smooth", "1", "--from", "0", "--idle-timeout", "0.7")
    faces = [json.loads(line)["faces"][0] for line in done.stdout.splitlines()]
    assert [one["emotion"] for one in faces] == ["happiness"] * 4
    assert len({one["track"] for one in faces}) == 1


def test_tail_tells_what_happens_to_tracks(client, redis_url):
    now = time.time()
    emotions = ["happiness"] * 5 + ["anger"] * 10
    publish(client, *(result(i, faces=(face(e),), captured_at=now + i / 10) for i, e in enumerate(emotions)))
    arguments = ("tail", "--tracks", "--from", "0", "--idle-timeout", "0.7")
    lines = run(redis_url, *arguments).stdout.splitlines()
    assert sum("box" in line and "track 1" in line for line in lines) == 15
    told = [line.partition("track 1 ")[2] for line in lines if "box" not in line]
    assert told[0] == "appeared: happiness"
    assert told[1].startswith("changed: happiness for ")
    assert told[1].endswith(" s, then anger")
    assert told[2].startswith("left after 1.4 s: happiness ")
    assert len(told) == 3
    messages = [json.loads(line) for line in run(redis_url, *arguments, "--json").stdout.splitlines()]
    assert [one["kind"] for one in messages if "kind" in one] == ["appeared", "changed", "left"]
    assert {one["track"] for one in messages if "kind" in one} == {1}
    assert sum("faces" in one for one in messages) == 15


def test_tail_ends_quietly_when_its_reader_leaves(client, redis_url):
    publish(client, *(result(i) for i in range(300)))
    tail = start(redis_url, "tail", "--from", "0")
    assert tail.stdout.readline()
    tail.stdout.close()
    eventually(lambda: publish(client, result(1000 + time.monotonic_ns() % 10**6)) or tail.poll() is not None)
    assert tail.returncode == 0
    assert tail.stderr.read() == ""
    tail.stderr.close()


def test_tail_ends_quickly_and_quietly_on_ctrl_c(client, redis_url):
    publish(client, result(1))
    tail = start(redis_url, "tail", "--from", "0")
    assert tail.stdout.readline()
    begun = time.monotonic()
    tail.send_signal(signal.SIGINT)
    _, errors = tail.communicate(timeout=PROCESS_S)
    assert time.monotonic() - begun < 1.5 * PATIENCE
    assert (tail.returncode, errors) == (130, "")


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["tail", "--from", "yesterday"], 3, "no position"),
        (["tail", "--redis", "http://host"], 3, "redis://"),
        (["tail", "--no-such"], 2, "No such option"),
    ],
)
def test_wrong_usage_is_one_line(arguments, status, text):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, check=False, text=True, timeout=PROCESS_S)
    assert done.returncode == status
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_options_come_from_the_environment(client, redis_url):
    publish(client, result(1))
    variables = {"FER_CONSUMER_REDIS": redis_url, "FER_CONSUMER_FROM": "0", "FER_CONSUMER_COUNT": "1"}
    done = subprocess.run(
        [*COMMAND, "tail"], capture_output=True, check=False, text=True, timeout=PROCESS_S, env=os.environ | variables
    )
    assert "happiness" in done.stdout


def test_another_prefix_is_another_deployment(client, redis_url):
    client.xadd(Keys("other").results(0), encode_result(result(7)))
    done = run(redis_url, "tail", "--json", "--prefix", "other", "--from", "0", "--count", "1")
    assert json.loads(done.stdout)["sequence"] == 7


def test_log_survives_kill_9_without_a_torn_or_lost_record(client, redis_url, tmp_path):
    arguments = ("log", "--dir", str(tmp_path), "--metrics-port", "0", "--rotate-mb", "0.02")
    publish(client, *(result(i) for i in range(100)))
    first = start(redis_url, *arguments)
    eventually(lambda: len(logged(tmp_path)) >= 100)
    publish(client, *(result(i) for i in range(100, 200)))
    eventually(lambda: len(logged(tmp_path)) > 100)
    first.kill()
    first.communicate()
    newest = sorted(tmp_path.glob("*.jsonl"))[-1]
    with newest.open("ab") as file:
        file.write(b'{"version":1,"camera_id":"torn')
    second = start(redis_url, *arguments)
    publish(client, *(result(i) for i in range(200, 250)))
    eventually(lambda: b"torn" not in newest.read_bytes())
    eventually(lambda: {line["sequence"] for line in logged(tmp_path)} == set(range(250)))
    eventually(lambda: pending(client) == 0)
    second.terminate()
    _, errors = second.communicate(timeout=PROCESS_S)
    assert second.returncode == 0, errors
    assert "cut off" in errors
    assert len(list(tmp_path.glob("*.jsonl"))) >= 3


def test_log_acknowledges_nothing_that_is_not_on_the_disk(client, redis_url, tmp_path):
    publish(client, *(result(i) for i in range(10)))
    command = ["bash", "-c", 'ulimit -f 2; trap "" XFSZ; exec "$@"', "limited", *COMMAND]
    arguments = ["log", "--dir", str(tmp_path), "--metrics-port", "0", "--redis", redis_url]
    done = subprocess.run([*command, *arguments], capture_output=True, check=False, text=True, timeout=PROCESS_S)
    assert done.returncode == 3
    assert "cannot write" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert pending(client) == 10
    done = start(redis_url, "log", "--dir", str(tmp_path), "--metrics-port", "0")
    eventually(lambda: len(logged(tmp_path)) == 10)
    done.terminate()
    done.communicate(timeout=PROCESS_S)
    assert pending(client) == 0


def test_log_writes_parquet_with_a_row_a_face(client, redis_url, tmp_path):
    looking = replace(face(), landmarks=((20.0, 40.0),) * 5, pose=HeadPose(yaw=1.0, pitch=-2.5, roll=0.0))
    one = replace(result(1, faces=(looking, face("fear"))), media_time=1.5)
    publish(client, one, result(2, faces=()), result(3, faces=(unknown(),)))
    log = start(redis_url, "log", "--dir", str(tmp_path), "--format", "parquet", "--metrics-port", "0")
    eventually(lambda: any(path.stat().st_size for path in tmp_path.glob("*.journal")))
    log.terminate()
    _, errors = log.communicate(timeout=PROCESS_S)
    assert log.returncode == 0, errors
    (path,) = tmp_path.glob("results-*")
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert [(row["sequence"], row["faces"], row["face"], row["emotion"]) for row in rows] == [
        (1, 2, 0, "happiness"),
        (1, 2, 1, "fear"),
        (2, 0, None, None),
        (3, 1, 0, "unknown"),
    ]
    assert [row["confidence"] for row in rows] == [pytest.approx(0.93), pytest.approx(0.93), None, None]
    assert [row["media_time"] for row in rows] == [1.5, 1.5, None, None]
    assert rows[0]["landmarks"] == [[20.0, 40.0]] * 5
    assert rows[0]["pose"] == {"yaw": 1.0, "pitch": -2.5, "roll": 0.0}
    assert (rows[3]["landmarks"], rows[3]["pose"]) == (None, None)
    assert rows[0]["p_happiness"] == pytest.approx(0.93)


def test_parquet_log_survives_kill_9(client, redis_url, tmp_path):
    arguments = ("log", "--dir", str(tmp_path), "--format", "parquet", "--metrics-port", "0")
    publish(client, *(result(i) for i in range(20)))
    log = start(redis_url, *arguments)
    eventually(lambda: any(path.stat().st_size for path in tmp_path.glob("*.journal")))
    log.kill()
    log.communicate()
    (tmp_path / "results-20200101T000000000000.tmp").write_bytes(b"half")
    log = start(redis_url, *arguments)
    eventually(lambda: list(tmp_path.glob("*.parquet")))
    assert not list(tmp_path.glob("*.tmp"))
    eventually(lambda: pending(client) == 0)
    log.terminate()
    log.communicate(timeout=PROCESS_S)
    rows = [row for path in tmp_path.glob("*.parquet") for row in pyarrow.parquet.read_table(path).to_pylist()]
    assert {row["sequence"] for row in rows} == set(range(20))


def test_log_goes_on_when_redis_was_away_and_tells_its_metrics(client, redis_url, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    publish(client, result(1))
    client.xadd(KEYS.results(0), {"r": b"\xc1"})
    log = start(redis_url, "log", "--dir", str(tmp_path), "--metrics-port", str(port), "--metrics-host", "127.0.0.1")
    eventually(lambda: len(logged(tmp_path)) == 1)
    client.client_kill_filter(_type="normal", skipme=True)
    publish(client, result(2))
    eventually(lambda: len(logged(tmp_path)) == 2)
    eventually(lambda: pending(client) == 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert "fer_results_logged_total 2.0" in text
    assert 'fer_results_undecodable_total{reason="not-msgpack"} 1.0' in text
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
        assert answer.status == 200
    log.terminate()
    log.communicate(timeout=PROCESS_S)
    assert log.returncode == 0


def test_cameras_prints_a_table(client, redis_url):
    status = CameraStatus(
        camera_id="door",
        state="live",
        url="rtsp://user:secret@host/1",
        last_frame_at=time.time(),
        width=640,
        height=480,
        frames_per_second=9.96,
    )
    StatusBoard(client, KEYS.cameras).renew({"door": status})
    done = run(redis_url, "cameras")
    heading, line = done.stdout.splitlines()
    assert heading.startswith("CAMERA")
    assert line.split()[:4] == ["door", "live", "10.0", "640x480"]
    assert "secret" not in run(redis_url, "cameras", "--json").stdout
