import json
import logging
import warnings

import pytest

from ferstream.streams.service.logs import about, configure_logging
from tests.producer.test_cli import running
from tests.producer.test_fleet import status_of
from tests.support.fleet import KEYS, WorkerProcess, add, frame, server_now, wait_until
from tests.support.patience import PROCESS_S
from tests.support.video_files import make_video

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(autouse=True)
def handlers_as_before():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)


def test_text_into_a_pipe_is_plain(capsys):
    configure_logging("info", "auto")
    logging.getLogger("a").warning("beware of %s", "dogs")
    logging.getLogger("a").debug("nothing")
    text = capsys.readouterr().err
    assert text.endswith("WARNING a: beware of dogs\n")
    assert "\x1b" not in text


def test_json_is_one_object_a_line_with_the_exception_in_it(capsys):
    configure_logging("debug", "json")
    try:
        raise ValueError("bad\nthing")
    except ValueError:
        logging.getLogger("a").exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    message = json.loads(line)
    assert (message["level"], message["logger"], message["message"]) == ("error", "a", "it failed")
    assert "ValueError" in message["exception"]


@pytest.mark.parametrize(
    ("traceparent", "trace"), [(f"00-{TRACE}-00f067aa0ba902b7-01", TRACE), ("00-4bf9-01", None), ("", None), (None, None)]
)
def test_lines_say_what_they_are_about(capsys, traceparent, trace):
    for format_ in ("json", "text"):
        configure_logging("info", format_)
        logging.getLogger("a").warning("door: it failed", extra=about("door", 5, traceparent))
        logging.getLogger("a").warning("door: it failed", extra=about("door"))
    whole, camera, text, plain = capsys.readouterr().err.splitlines()
    fields = {"camera": "door", "sequence": 5} | ({"trace": trace} if trace else {})
    named = ("camera", "sequence", "trace")
    assert {name: value for name, value in json.loads(whole).items() if name in named} == fields
    assert {name: value for name, value in json.loads(camera).items() if name in named} == {"camera": "door"}
    assert text.endswith(f"WARNING a: door: it failed (sequence 5{f', trace {trace}' if trace else ''})")
    assert plain.endswith("WARNING a: door: it failed")


def test_python_s_own_warnings_are_lines_too(capsys):
    configure_logging("info", "json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old\nthing", stacklevel=1)
    (line,) = capsys.readouterr().err.splitlines()
    assert "old" in json.loads(line)["message"]


def test_every_line_of_a_real_run_is_json(redis_url, client, tmp_path):
    video = make_video(tmp_path / "a.mkv", frames=5)
    (tmp_path / "cameras.yaml").write_text(
        f"cameras:\n  Tür: {{url: '{video}', realtime: false}}\n  none: {{url: /none.mp4}}\n"
        "  down: 'rtsp://u:hunter2@127.0.0.1:9/x'\n"
    )
    arguments = ("--redis", redis_url, "--cameras", str(tmp_path / "cameras.yaml"), "--log-format=json", "--log-level=debug")
    with (
        running(tmp_path / "producer", *arguments) as producer,
        WorkerProcess(redis_url, "--log-format=json", "--log-level=debug", log=tmp_path / "worker") as worker,
    ):
        add(client, frame(5, b"<html>", server_now(client), camera="Tür"))
        wait_until(lambda: client.xlen(KEYS.dead(0)) == 1 and client.xlen(KEYS.results(0)) == 5, 60)
        wait_until(lambda: (status := status_of(redis_url, "down")) and status.state == "down")
        (tmp_path / "cameras.yaml").write_text("cameras: {a: {}}")
        producer.hang_up()
        wait_until(lambda: "the cameras stay" in producer.log)
        assert (producer.end()[0], worker.stop()) == (0, 0)
    said = [json.loads(line) for name in ("producer", "worker") for line in (tmp_path / name).read_text().splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in said)
    for line in said:
        named = [
            name for name in ("Tür", "down", "none") if f"camera {name}" in line["message"] or f"of '{name}'" in line["message"]
        ]
        assert named == ([line["camera"]] if "camera" in line else []), line
    assert {line["camera"] for line in said if "camera" in line} == {"Tür", "down", "none"}
    assert [line["sequence"] for line in said if "sequence" in line] == [5]
    assert "hunter2" not in str(said)


@pytest.mark.parametrize("camera", ["a=rtsp://u:12/hunter2@h.local/x", "a=portraits:"])
def test_the_reason_of_an_exit_is_a_line_too(camera, tmp_path):
    (tmp_path / "url").write_text("http://none")
    with running(tmp_path / "log", "--log-format=json", f"--camera={camera}", f"--redis-url-file={tmp_path}/url") as producer:
        assert producer.process.wait(timeout=PROCESS_S) in (2, 3)
    line = json.loads(producer.log.splitlines()[-1])
    assert (line["level"], "must start with" in line["message"] or "password write" in line["message"]) == ("error", True)
