"""`fer-consumer sink webhook` and `sink mqtt` as programs: from a real Redis to a real receiver and a real broker."""

import json
import signal

import pytest

from ferstream.streams.wire.codec import encode_event, encode_result
from ferstream.streams.wire.keys import Keys
from tests.support import programs
from tests.support.fleet import wait_until
from tests.support.mosquitto import Listener, Mosquitto
from tests.support.patience import PROCESS_S
from tests.support.records import event, face, result
from tests.support.redis_cluster import free_ports
from tests.support.webhook_receiver import receiver

KEYS = Keys("fer")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def end(process):
    """SIGTERM; what it said on standard error."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PROCESS_S)
    assert process.returncode == 0, said
    return said


def test_an_alert_goes_to_a_webhook_and_nothing_secret_is_said(client, redis_url, tmp_path):
    for number in range(60):
        client.xadd(KEYS.results(0), encode_result(result(number, face("surprise"))))
    with receiver() as server:
        (tmp_path / "url").write_text(server.url)
        (tmp_path / "secret").write_text(SECRET)
        process = programs.start(
            *(
                "consumer",
                "sink",
                "webhook",
                "--redis",
                redis_url,
                "--url-file",
                f"{tmp_path}/url",
                "-vv",
                "--batch-seconds",
                "0.1",
            ),
            *(
                "--secret-file",
                f"{tmp_path}/secret",
                "--when",
                "emotion=surprise and probability>0.7 for 3s",
                "--metrics-port",
                "0",
            ),
        )
        server.wait_for(1)
        said = end(process)
    ((headers, body),) = server.requests
    (alert,) = json.loads(body)["data"]
    assert (alert["kind"], alert["camera_id"], alert["rule"]) == ("alert", "door", "emotion=surprise and probability>0.7 for 3s")
    assert headers["webhook-signature"].startswith("v1,")
    assert not [secret for secret in ("path-that-is-secret", "query-that-is-secret", SECRET[6:]) if secret in said]
    assert client.xpending(KEYS.results(0), client.xinfo_groups(KEYS.results(0))[0]["name"])["pending"] == 0


def test_a_webhook_that_is_killed_loses_no_event_and_what_comes_again_has_its_id(client, redis_url):
    for number in range(1000):
        client.xadd(KEYS.events(0), encode_event(event(number)))
    with receiver() as server:
        words = (
            "consumer",
            "sink",
            "webhook",
            "--redis",
            redis_url,
            "--url",
            server.url,
            "--of",
            "events",
            "--metrics-port",
            "0",
        )
        process = programs.start(*words, "--batch-entries", "100", "--records", "10")
        server.wait_for(25)
        process.kill()
        process.communicate(timeout=PROCESS_S)
        process = programs.start(*words, "--batch-entries", "100", "--records", "10")
        server.wait_for(100)
        while client.xpending(KEYS.events(0), "webhook-events")["pending"]:
            server.closing.wait(0.05)
        end(process)
        bodies = [json.loads(body) for _, body in server.requests]
    records = [record for body in bodies for record in body["data"]]
    by_id = {record["event_id"]: record for record in records}
    assert by_id.keys() == {event(number).event_id for number in range(1000)}
    assert all(by_id[record["event_id"]] == record for record in records), "what came again says the same"


def test_cameras_and_events_come_to_a_broker(client, redis_url, tmp_path):
    for number in range(30):
        client.xadd(KEYS.results(0), encode_result(result(number, face("surprise"))))
    with Mosquitto(tmp_path) as broker, Listener(broker) as listener:
        process = programs.start("consumer", "sink", "mqtt", "--redis", redis_url, "--broker", broker.url, "--metrics-port", "0")
        listener.wait_for(lambda: bool(listener.of("ferstream/door/event")))
        end(process)
        listener.wait_for(lambda: listener.of("ferstream/status-results") == [b"online", b"offline"])
        assert listener.of("ferstream/door/people")[-1] == b"1"
        assert json.loads(listener.of("ferstream/door/event")[0])["event_type"] == "appeared"
        assert len([message for message in listener.messages if message.topic.endswith("/config")]) == 3


def test_events_of_a_stream_come_to_a_broker(client, redis_url, tmp_path):
    for number in range(3):
        client.xadd(KEYS.events(0), encode_event(event(number)))
    with Mosquitto(tmp_path) as broker, Listener(broker) as listener:
        process = programs.start(
            *(
                "consumer",
                "sink",
                "mqtt",
                "--redis",
                redis_url,
                "--broker",
                broker.url,
                "--of",
                "events",
                "--least-duration",
                "1s",
            ),
            *("--metrics-port", "0", "--no-discovery"),
        )
        listener.wait_for(lambda: len(listener.of("ferstream/door/event")) == 2)
        end(process)
        assert {message.topic for message in listener.messages} == {"ferstream/door/event", "ferstream/status-events"}


def test_a_program_that_waits_for_its_broker_says_so_loses_nothing_and_leaves_when_told(client, redis_url):
    client.xadd(KEYS.events(0), encode_event(event()))
    (port,) = free_ports(1)
    broker = f"mqtt://127.0.0.1:{port}"
    process = programs.start(
        "consumer", "sink", "mqtt", "--redis", redis_url, "--broker", broker, "--of", "events", "--metrics-port", "0"
    )
    assert process.stderr is not None
    waits = next(line for line in process.stderr if "cannot be reached" in line)
    assert "Connection refused; 1 records wait, and no more are read until it takes them" in waits
    assert "the 1 records that mqtt" in end(process)
    assert client.xpending(KEYS.events(0), "mqtt-events")["pending"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("webhook",), "give one of --url and --url-file"),
        (("webhook", "--url", "ftp://user:password@host/"), "must be an https:// URL"),
        (
            ("webhook", "--url", "https://host/", "--when", "emotion=angry"),
            "did you mean anger?\n  emotion=angry\n          ^^^^^",
        ),
        (("webhook", "--url", "https://host/", "--not-again-for", "5"), "a unit of time is missing"),
        (("webhook", "--url", "https://host/", "--when", "people>1", "--of", "events"), "leave out --of"),
        (("webhook", "--url", "https://host/", "--when", "people>1", "--emotion", "fear"), "leave out --emotion"),
        (("webhook", "--url", "https://host/", "--secret-file", __file__), "openssl rand -base64 32"),
        (("mqtt", "--broker", "mqtt://user:password@host"), "must be mqtt://host"),
        (("mqtt", "--of", "minutes", "--min-people", "1"), "--min-people hides somebody from 2 on"),
        (("mqtt", "--topic", "a/#"), "cannot begin topics"),
        (("mqtt", "--discovery-prefix", "a/#"), "cannot begin topics"),
        (("mqtt", "--of", "minutes", "--only-changes"), "--only-changes and --least-duration are for events"),
        (("webhook", "--url", "https://host/", "--least-duration", "2s"), "--only-changes and --least-duration are for events"),
        (("webhook", "--url", "https://host/", "--when", "people>1", "--tracks"), "--tracks is for results"),
        (("webhook", "--url", "https://host/", "--not-again-for", "2s"), "--not-again-for is for alerts: give --when"),
        (("webhook", "--url", "https://host/user:password\x01"), "must be an https:// URL"),
        (("webhook", "--url", "https://ho st/user:password"), "must be an https:// URL"),
        (("mqtt", "--user", "u", "--password-file", "/none"), "cannot read /none"),
        (("mqtt", "--password-file", "/none"), "--password-file needs --user"),
        (("mqtt", "--tls-ca", "/none"), "--tls-ca needs a broker with TLS"),
        (("webhook", "--url", "http://host/", "--tls-ca", "/none"), "--tls-ca needs a URL with TLS"),
    ],
)
def test_a_slip_is_said_and_nothing_secret(arguments, said, run_here):
    status, output = run_here("sink", *arguments)
    assert status != 0
    assert said in output
    assert "user:password" not in output
    assert "Traceback" not in output


def test_sinks_with_other_filters_have_groups_of_their_own_and_all_have_every_result(client, redis_url, tmp_path):
    for number in range(20):
        client.xadd(KEYS.results(0), encode_result(result(number, face(), camera_id=("door", "yard")[number % 2])))
    shared = ("consumer", "sink", "jsonl", "--redis", redis_url, "--metrics-port", "0", "--batch-seconds", "0.05")
    both = [programs.start(*shared, "--dir", f"{tmp_path}/{name}", "--camera", name) for name in ("door", "yard")]
    wait_until(lambda: [group["lag"] for group in client.xinfo_groups(KEYS.results(0))] == [0, 0])
    for process in both:
        end(process)
    for name in ("door", "yard"):
        (lines,) = (tmp_path / name).glob("*.jsonl")
        assert len(lines.read_text().splitlines()) == 10


@pytest.fixture
def run_here():
    """Runs `fer-consumer` in this process: its status, and what it said."""
    from click.testing import CliRunner

    from ferstream.consumer.cli import main

    def run(*arguments):
        done = CliRunner().invoke(main, arguments, prog_name="fer-consumer")
        return done.exit_code, done.output + done.stderr

    return run
