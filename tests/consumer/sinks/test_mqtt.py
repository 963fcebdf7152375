"""Records to a real broker: what it keeps, what Home Assistant needs, and nothing lost when it dies."""

import json
import threading
import time
from dataclasses import replace

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from ferstream.consumer.sinks.mqtt import mqtt as module
from ferstream.consumer.sinks.mqtt.broker import BrokerAddress
from ferstream.consumer.sinks.mqtt.home_assistant import Discovery
from ferstream.consumer.sinks.mqtt.mqtt import MqttSink, emotion_of
from ferstream.consumer.sinks.mqtt.topics import TopicError, Topics, topic_level
from ferstream.consumer.sinks.sink import SinkError, SinkUnavailable
from tests.support.mosquitto import WAIT_S, Listener, Mosquitto, kept
from tests.support.records import event, face, result
from tests.support.redis_cluster import free_ports

DISCOVERY = Discovery(Topics("ferstream"))
#: What `mosquitto_passwd` makes of user ferstream, password secret.
HASHED = (
    "ferstream:$7$101$WK6vqogtMEsVh/h6$zU7hh1Rp1FbUPR/LXRifuOV3FuRXPFIbzCI646Hn+LyU3ltTMboPfN9CLdtyEtOuJxxj600Fk9Ms9IYn+h1wpw==\n"
)


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path) as server:
        yield server


@pytest.fixture
def sinks():
    """Makes sinks, and ends them."""
    made = []

    def make(broker, of="results", **more):
        address = BrokerAddress(broker.url, **{"timeout_s": WAIT_S, **more.pop("address", {})})
        made.append(MqttSink(address, f"test-{of}", of, DISCOVERY, **more))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_names_become_one_level_of_a_topic_each_a_different_one(one, other):
    level = topic_level(one)
    assert level
    assert not {*"/+#\0"} & {*level}
    assert (topic_level(other) == level) == (one == other)
    level.encode()


def test_odd_names():
    assert topic_level("front door") == "front door"
    assert topic_level("<b>💥</b>") == "<b>💥<%2Fb>"
    assert topic_level("50% +#\n\x85") == "50%25 %2B%23%0A%C2%85"
    long = "ü" * 1000
    assert len(topic_level(long).encode()) < 400
    assert topic_level(long) != topic_level(long + "a")


@pytest.mark.parametrize("base", ["", "a//b", "/a", "a/", "a/#", "+", "$SYS", "a\n"])
def test_what_cannot_begin_topics(base):
    with pytest.raises(TopicError, match="cannot begin topics"):
        Topics(base)


@pytest.mark.parametrize(
    "url", ["", "host", "http://host", "mqtt://", "mqtt://user:password@host", "mqtt://host/x", "mqtt://[::1", "mqtts://h:0"]
)
def test_what_is_no_broker(url):
    with pytest.raises(SinkError, match="must be mqtt://host, or mqtts://host") as raised:
        BrokerAddress(url)
    assert "user:password" not in str(raised.value)


def test_the_emotion_of_a_camera():
    happy, sad = face("happiness", 0.6), face("sadness", 0.9)
    assert emotion_of(result()) == "nobody"
    assert emotion_of(result(1, happy, sad, happy)) == "happiness"
    assert emotion_of(result(1, happy, sad)) == "sadness"
    assert emotion_of(result(1, replace(happy, emotion="unknown"))) == "unknown"


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_the_broker_keeps_what_a_camera_shows_and_says_it_once(broker, sinks, version):
    with Listener(broker, "ferstream/#") as listener:
        sink = sinks(broker, address={"version": version})
        sink.write([result(1, face()), result(2, face(), face("fear"), face("fear"))])
        sink.write([result(3, face(), face("fear"), face("fear")), result(2)])
        sink.write([result(4)])
        listener.wait_for(lambda: listener.of("ferstream/door/people") == [b"3", b"0"])
        listener.wait_for(lambda: listener.of("ferstream/door/emotion") == [b"fear", b"nobody"])
    assert {topic: payload for topic, payload in kept(broker).items() if topic.startswith("ferstream/")} == {
        "ferstream/door/people": b"0",
        "ferstream/door/emotion": b"nobody",
        "ferstream/door/available": b"online",
        "ferstream/status-results": b"online",
    }


def test_events_and_minutes_and_results_go_out_one_by_one_and_are_not_kept(broker, sinks):
    with Listener(broker) as listener:
        sinks(broker, "events").write([event(1), event(2, "alert", rule="emotion=anger")])
        sinks(broker, "results", each_result=True).write([result(7, face())])
        listener.wait_for(lambda: len(listener.of("ferstream/door/result")) == 1)
        first, second = map(json.loads, listener.of("ferstream/door/event"))
        assert (first["event_type"], first["event_id"]) == ("changed", "door/1/changed/1")
        assert (second["event_type"], second["rule"]) == ("alert", "emotion=anger")
        (one,) = map(json.loads, listener.of("ferstream/door/result"))
        assert one["sequence"] == 7
    assert not {"ferstream/door/event", "ferstream/door/result"} & {*kept(broker)}


def test_cameras_with_odd_names(broker, sinks):
    names = ["a/b", "a+b", "#", "<script>alert(1)</script>", "💥", "n" * 200, "a\nb"]
    sinks(broker).write([result(1, face(), camera_id=name) for name in names])
    there = kept(broker)
    assert all(there[f"ferstream/{topic_level(name)}/people"] == b"1" for name in names)
    configs = [json.loads(payload) for topic, payload in there.items() if topic.endswith("people/config")]
    assert sorted(config["device"]["name"] for config in configs) == sorted(names)


def test_the_will_is_said_when_the_program_dies_and_its_own_word_when_it_ends(broker, sinks):
    with Listener(broker, "ferstream/#") as listener:
        sink = sinks(broker)
        sink.write([result(1, face())])
        sink._broker._client.socket().shutdown(2)  # as when the process is killed
        listener.wait_for(lambda: listener.of("ferstream/status-results") == [b"online", b"offline"])
        wait_until_it_notices(sink)
        sink.maintain()
        listener.wait_for(lambda: listener.of("ferstream/status-results") == [b"online", b"offline", b"online"])
        sink.close()
        listener.wait_for(lambda: listener.of("ferstream/status-results")[3:] == [b"offline"])


def test_a_camera_that_is_silent_is_unavailable_and_later_forgotten(broker, sinks, monkeypatch):
    sink = sinks(broker)
    sink.write([result(1, face())])
    later = time.monotonic() + module.SILENT_S + 1
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    sink.maintain()
    assert kept(broker)["ferstream/door/available"] == b"offline"
    sink.write([result(2, face())])
    assert kept(broker)["ferstream/door/available"] == b"online"
    later += module.FORGET_S + 1
    sink.maintain()
    assert sink._cameras == {}


def test_a_camera_that_is_gone_at_the_next_start_is_not_shown_as_it_was(broker, sinks):
    sink = sinks(broker)
    sink.write([result(1, face()), result(1, face(), camera_id="yard")])
    sink.close()
    sinks(broker).write([result(1, face(), camera_id="yard")])
    there = kept(broker)
    assert (there["ferstream/status-results"], there["ferstream/yard/available"]) == (b"online", b"online")
    assert there["ferstream/door/available"] == b"offline"


def test_all_is_said_again_when_home_assistant_starts(broker, sinks):
    sink = sinks(broker)
    sink.write([result(1, face())])
    with Listener(broker) as listener:
        listener.wait_for(lambda: bool(listener.of("ferstream/door/people")))
        listener.publish("homeassistant/status", b"offline")
        listener.publish("homeassistant/status", b"online")
        assert sink._born.wait(WAIT_S)
        sink.maintain()
        listener.wait_for(lambda: listener.of("ferstream/door/people") == [b"1", b"1"])
        listener.wait_for(lambda: len([message for message in listener.messages if message.topic.endswith("/config")]) == 4)


def test_all_is_said_again_when_the_broker_comes_back_with_nothing(broker, sinks):
    sink = sinks(broker)
    sink.write([result(1, face())])
    before = kept(broker)
    assert before["ferstream/door/people"] == b"1"
    broker.kill()
    wait_until_it_notices(sink)
    with pytest.raises(SinkUnavailable, match="Connection refused"):
        sink.maintain()
    broker.start()
    sink.maintain()
    assert kept(broker) == before


def test_a_broker_that_is_killed_in_mid_load_gets_every_event_in_order(broker, sinks):
    deaths = [150, 700]

    def die():
        if deaths and len(listener.messages) >= deaths[0]:
            deaths.pop(0)
            broker.kill()
            died.set()

    died = threading.Event()
    sink, failures = sinks(broker, "events"), []
    with Listener(broker, "ferstream/door/event", die) as listener:
        for start in range(0, 1000, 100):
            events = [event(number) for number in range(start, start + 100)]
            while (problem := problem_of(sink, events)) is not None:
                failures.append(problem)
                if died.wait(WAIT_S) and broker._process is None:
                    died.clear()
                    broker.start()
                    listener.wait_until_there()
        listener.wait_for(lambda: len({message.payload for message in listener.messages}) == 1000)
        numbers = [json.loads(payload)["sequence"] for payload in listener.of("ferstream/door/event")]
    assert list(dict.fromkeys(numbers)) == list(range(1000))
    assert len(numbers) <= 1000 + 2 * 20, "what was under way came twice, and nothing else"
    assert len(failures) >= 2


def wait_until_it_notices(sink):
    """That its connection broke."""
    until = time.monotonic() + WAIT_S
    while sink._broker.connected:
        assert time.monotonic() < until
        time.sleep(0.01)


def problem_of(sink, records):
    """Why the sink could not take the records; None where it took them."""
    try:
        sink.write(records)
    except SinkUnavailable as error:
        return str(error)
    return None


def test_a_broker_that_hangs_is_left_after_the_time_and_acknowledges_nothing(broker, sinks):
    sink = sinks(broker, "events")
    sink.write([event(1)])
    broker.pause()
    sink._broker._address = replace(sink._broker._address, timeout_s=0.3)
    with pytest.raises(SinkUnavailable, match=r"is gone: no acknowledgement within 0\.3 s"):
        sink.write([event(1), event(2)])
    with pytest.raises(SinkUnavailable, match=r"no answer within 0\.3 s"):
        sink.write([event(1), event(2)])
    broker.kill()
    broker.start()
    sink._broker._address = replace(sink._broker._address, timeout_s=WAIT_S)
    with Listener(broker, "ferstream/door/event") as listener:
        sink.write([event(1), event(2)])
        listener.wait_for(lambda: len(listener.messages) > 0)
        assert [json.loads(payload)["sequence"] for payload in listener.of("ferstream/door/event")] == [2]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_password(tmp_path, sinks, version):
    (tmp_path / "passwords").write_text(HASHED)
    with Mosquitto(tmp_path, "password_file {folder}/passwords", anonymous=False) as broker:
        for user, password in (("ferstream", "wrong-password"), (None, None)):
            with pytest.raises(SinkError, match="Not authorized") as raised:
                sinks(broker, address={"version": version, "user": user, "password": password}).write([result()])
            assert not isinstance(raised.value, SinkUnavailable)
            assert "wrong-password" not in str(raised.value)
        assert "wrong-password" not in repr(BrokerAddress(broker.url, "ferstream", "wrong-password"))
        sinks(broker, address={"version": version, "user": "ferstream", "password": "secret"}).write([result()])


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves the socket of a failed handshake to Python
def test_tls_and_an_authority_that_is_not_trusted(tmp_path, sinks):
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "key.pem")
    authority.cert_pem.write_to_path(tmp_path / "right.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "wrong.pem")
    with Mosquitto(tmp_path, "certfile {folder}/key.pem", "keyfile {folder}/key.pem", scheme="mqtts") as broker:
        for ca in (tmp_path / "wrong.pem", None):
            with pytest.raises(SinkUnavailable, match="its certificate is not to be trusted"):
                sinks(broker, address={"ca": ca}).write([result()])
        sinks(broker, address={"ca": tmp_path / "right.pem"}).write([result()])
        with pytest.raises(SinkError, match="cannot read certificates"):
            sinks(broker, address={"ca": tmp_path / "none.pem"}).write([result()])


def test_a_broker_without_tls_elsewhere_is_warned_of_and_here_is_not(caplog):
    for url in ("mqtt://127.0.0.1", "mqtt://localhost:1884", "mqtt://[::1]", "mqtts://example.org"):
        MqttSink(BrokerAddress(url), "c", "results", DISCOVERY)
    assert caplog.text == ""
    MqttSink(BrokerAddress("mqtt://example.org", "user", "a-password"), "c", "results", DISCOVERY)
    assert "mqtt://example.org is not mqtts" in caplog.text
    assert "a-password" not in caplog.text


def test_a_broker_that_is_not_there(sinks, tmp_path):
    (port,) = free_ports(1)
    for host, why in ((f"127.0.0.1:{port}", "Connection refused"), ("nowhere.invalid", "")):
        sink = MqttSink(BrokerAddress(f"mqtt://{host}", timeout_s=WAIT_S), "c", "results", DISCOVERY)
        with pytest.raises(SinkUnavailable, match=f"cannot be reached: {why}"):
            sink.write([result()])
        sink.close()
