"""A webhook over a receiver that misbehaves: every record there, once by its key, and nothing secret said."""

import json
import logging
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook as StandardWebhook
from standardwebhooks import WebhookVerificationError

from ferstream.consumer.sinks.sink import SinkError, SinkUnavailable
from ferstream.consumer.sinks.webhook import webhook as module
from ferstream.consumer.sinks.webhook.dead_letters import DeadLetters
from ferstream.consumer.sinks.webhook.http_receiver import LONGEST_WAIT_S, HttpReceiver
from ferstream.consumer.sinks.webhook.signature import SecretError, Signer
from ferstream.consumer.sinks.webhook.webhook import Webhook
from tests.support.patience import PATIENCE
from tests.support.records import event, result
from tests.support.redis_cluster import free_ports
from tests.support.webhook_receiver import receiver, start_process

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_" + "A" * 32
SECRETS_OF_URL = ("path-that-is-secret", "query-that-is-secret", "user", "password")


@pytest.fixture
def at():
    with receiver() as server:
        yield server


@pytest.fixture
def webhook(at):
    sink = Webhook(HttpReceiver(at.url, timeout_s=5 * PATIENCE), "events", Signer(SECRET))
    yield sink
    sink.close()


def bodies(at):
    return [json.loads(body) for _, body in at.requests]


def ids(at):
    return [headers["webhook-id"] for headers, _ in at.requests]


def test_records_come_in_order_as_json_that_the_library_of_the_standard_verifies(at, webhook):
    webhook.write([event(number) for number in range(250)])
    assert [len(body["data"]) for body in bodies(at)] == [100, 100, 50]
    assert [record["sequence"] for body in bodies(at) for record in body["data"]] == list(range(250))
    for headers, body in at.requests:
        assert StandardWebhook(SECRET).verify(body, headers)["type"] == "events"
        assert headers["idempotency-key"] == headers["webhook-id"]
        assert headers["content-type"] == "application/json"
        with pytest.raises(WebhookVerificationError):
            StandardWebhook(SECRET).verify(body.replace(b"door", b"yard"), headers)
    assert len({*ids(at)}) == 3


def test_two_secrets_sign_while_receivers_change_over(at):
    sink = Webhook(HttpReceiver(at.url), "events", Signer(f"{SECRET} {OLDER}"))
    sink.write([event()])
    sink.close()
    ((headers, body),) = at.requests
    assert StandardWebhook(SECRET).verify(body, headers) == StandardWebhook(OLDER).verify(body, headers)


@pytest.mark.parametrize("text", ["", "password", "whsec_", "whsec_c2hvcnQ=", "whsec_" + "A" * 400, SECRET[6:], SECRET + "!"])
def test_what_is_no_secret_is_refused_and_not_repeated(text):
    with pytest.raises(SecretError) as raised:
        Signer(text)
    assert "openssl rand" in str(raised.value)
    assert text not in str(raised.value) or text in ("", "whsec_")


@pytest.mark.parametrize("answer", [500, 503, 429, 408, 425, "close", "cut"])
def test_what_passes_is_tried_again_under_the_same_id_and_what_was_taken_is_not(at, webhook, answer):
    at.answers += [200, answer]
    records = [event(number) for number in range(150)]
    with pytest.raises(SinkUnavailable, match=r"http://127\.0\.0\.1"):
        webhook.write(records)
    webhook.write(records)
    first, second, third = ids(at)
    assert first != second == third
    assert [record["sequence"] for record in bodies(at)[2]["data"]] == list(range(100, 150))


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_who_does_not_answer_or_never_ends_is_left_after_the_time(at, answer):
    sink = Webhook(HttpReceiver(at.url, timeout_s=0.3), "events")
    at.answers += [answer]
    with pytest.raises(SinkUnavailable, match=r"did not answer within 0\.3 s"):
        sink.write([event()])
    sink.close()


@pytest.mark.parametrize("form", ["seconds", "date", "date of a clock that is wrong", "too long"])
def test_a_receiver_is_not_asked_before_it_wants_to_be(at, webhook, form, monkeypatch):
    now = datetime.now(UTC)
    wrong = datetime(2001, 1, 1, tzinfo=UTC)
    headers = {
        "seconds": {"retry-after": "30"},
        "date": {"retry-after": format_datetime(now + timedelta(seconds=30), usegmt=True)},
        "date of a clock that is wrong": {
            "date": format_datetime(wrong),
            "retry-after": format_datetime(wrong + timedelta(seconds=30)),
        },
        "too long": {"retry-after": "99999999"},
    }[form]
    at.answers.append((429, headers))
    with pytest.raises(SinkUnavailable, match="answered 429"):
        webhook.write([event()])
    with pytest.raises(SinkUnavailable, match="asks to wait"):
        webhook.write([event()])
    assert len(at.requests) == 1
    later = time.monotonic() + (LONGEST_WAIT_S if form == "too long" else 31)
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    webhook.write([event()])
    assert len(at.requests) == 2


@pytest.mark.parametrize("said", ["", "soon", "-5", "1.5", "²", "Mon, 99 Foo 2026"])
def test_a_retry_after_that_says_nothing_waits_for_nothing(at, webhook, said):
    at.answers.append((503, {"retry-after": said.encode().decode("latin-1")}))
    with pytest.raises(SinkUnavailable):
        webhook.write([event()])
    webhook.write([event()])


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 422])
def test_what_will_not_change_goes_to_the_dead_letters(at, tmp_path, status, caplog):
    path, registry = tmp_path / "dead.jsonl", CollectorRegistry()
    sink = Webhook(HttpReceiver(at.url), "events", Signer(SECRET), DeadLetters(path, registry), most_records=2)
    at.answers += [200, (status, {"location": "http://127.0.0.1:1/"})]
    sink.write([event(number) for number in range(5)])
    sink.close()
    assert [record["sequence"] for body in bodies(at) for record in body["data"]] == list(range(5))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["status"], line["answer"], line["record"]["sequence"]) for line in lines] == [
        (status, "no, because", 2),
        (status, "no, because", 3),
    ]
    assert path.stat().st_mode & 0o777 == 0o640
    assert registry.get_sample_value("fer_sink_dead_letters_total") == 2
    assert "2 records went to the dead letters" in caplog.text


def test_without_dead_letters_it_ends_and_says_what_to_do(at, webhook):
    at.answers.append(401)
    with pytest.raises(SinkError, match=r"answered 401, which trying again will not change: .* --dead-letters") as raised:
        webhook.write([event()])
    assert not isinstance(raised.value, SinkUnavailable)


def test_dead_letters_on_a_full_disk_or_in_a_folder_that_is_not_there(at, tmp_path):
    with pytest.raises(SinkError, match="No such file"):
        DeadLetters(tmp_path / "none" / "dead.jsonl", CollectorRegistry())
    sink = Webhook(HttpReceiver(at.url), "events", None, DeadLetters("/dev/full", CollectorRegistry()))
    at.answers.append(400)
    with pytest.raises(SinkError, match="cannot write dead letters to /dev/full: No space left"):
        sink.write([event()])
    sink.close()


def test_a_slow_receiver_gets_its_turn_and_no_more(at, webhook, monkeypatch):
    monkeypatch.setattr(module, "_TURN_S", -1.0)
    with pytest.raises(SinkUnavailable, match="is slow: it took 0 of 1 records"):
        webhook.write([event()])


def test_nothing_secret_is_said(at, caplog):
    caplog.set_level(logging.DEBUG)
    url = at.url.replace("//", "//user:password@")
    sink = Webhook(HttpReceiver(url, timeout_s=0.3), "events", Signer(SECRET))
    at.answers += [200, 404, "hang", "cut"]
    said = []
    for number in range(4):
        try:
            sink.write([event(number)])
        except SinkError as error:
            said.append(str(error))
    sink.close()
    assert len(said) == 3
    assert at.requests[0][0]["authorization"].startswith("Basic ")
    for secret in (*SECRETS_OF_URL, SECRET, SECRET[6:]):
        assert secret not in caplog.text + "".join(said)


@pytest.mark.parametrize(
    "url", ["", "example.org/x", "ftp://user:password@example.org", "https://", "https://[::1", "https://h:99999/"]
)
def test_what_is_no_address_is_refused_and_not_repeated(url):
    with pytest.raises(SinkError, match="must be an https:// URL") as raised:
        HttpReceiver(url)
    assert "password" not in str(raised.value)


def test_tls_with_an_authority_of_ones_own_and_with_one_that_is_not_trusted(tmp_path):
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    right, wrong = tmp_path / "right.pem", tmp_path / "wrong.pem"
    authority.cert_pem.write_to_path(right)
    trustme.CA().cert_pem.write_to_path(wrong)
    with receiver(context=context) as server:
        url = server.url.replace("http", "https")
        for ca in (wrong, None):
            sink = Webhook(HttpReceiver(url, ca), "events")
            with pytest.raises(SinkUnavailable, match="its certificate is not to be trusted"):
                sink.write([event()])
            sink.close()
        sink = Webhook(HttpReceiver(url, right), "events")
        sink.write([event()])
        sink.close()
        assert len(server.requests) == 1
    with pytest.raises(SinkError, match="cannot read certificates"):
        HttpReceiver("https://example.org", tmp_path / "none.pem")


def test_a_receiver_without_tls_elsewhere_is_warned_of_and_here_is_not(caplog):
    for url in ("http://127.0.0.1/", "http://localhost/", "https://example.org/"):
        HttpReceiver(url).close()
    assert caplog.text == ""
    HttpReceiver("http://example.org/x").close()
    assert "http://example.org is not https" in caplog.text


def test_a_receiver_that_is_killed_and_started_again_has_every_record_once_by_its_key(tmp_path):
    (port,), kept = free_ports(1), tmp_path / "kept.jsonl"
    sink = Webhook(HttpReceiver(f"http://127.0.0.1:{port}/"), "results", Signer(SECRET), most_records=10)
    records = [result(number) for number in range(600)]
    problems = []
    process = start_process(port, kept, dies_after=15)
    for start in range(0, 600, 100):
        while (problem := problem_of(sink, records[start : start + 100])) is not None:
            problems.append(problem)
            if len(problems) % 2 == 0:  # every other time nobody is there yet
                process.wait(60 * PATIENCE)
                process = start_process(port, kept, dies_after=25 if len(problems) == 2 else 0)
    process.kill()
    process.wait()
    sink.close()
    said = [problem.partition(" be reached: ")[2].split(" without")[0] for problem in problems]
    assert len(said) >= 4
    assert {*said} <= {"Server disconnected", "Connection refused", "Connection reset by peer", "Broken pipe"}
    requests = [json.loads(line) for line in kept.read_text().splitlines()]
    by_key = dict(requests)
    assert len(requests) == len(by_key) + 2, "those that were taken and never answered came again"
    assert all(by_key[key] == body for key, body in requests)
    assert [record["sequence"] for body in by_key.values() for record in body["data"]] == list(range(600))


def problem_of(sink, records):
    """Why the sink could not take the records; None where it took them."""
    try:
        sink.write(records)
    except SinkUnavailable as error:
        return str(error)
    return None
