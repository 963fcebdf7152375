"""Discovery messages, held against what Home Assistant takes.

The keys are those of the schemas of Home Assistant 2025.1.4 (homeassistant/components/mqtt/sensor.py and event.py), and so the
configuration variables of home-assistant.io/integrations/sensor.mqtt/ and home-assistant.io/integrations/event.mqtt/. Whether
those schemas themselves take the messages, `tests/support/check_discovery.py` tells.
"""

import json
import re

import pytest

from ferstream.consumer.sinks.mqtt.home_assistant import Discovery
from ferstream.consumer.sinks.mqtt.topics import Topics
from ferstream.streams.wire.emotions import NAMES

BOTH = {
    *("availability", "availability_mode", "availability_template", "availability_topic", "device", "device_class"),
    *("enabled_by_default", "encoding", "entity_category", "entity_picture", "icon", "json_attributes_template"),
    *("json_attributes_topic", "name", "object_id", "origin", "payload_available", "payload_not_available", "qos"),
    *("unique_id", "value_template"),
}
REQUIRED = {"sensor": {"state_topic"}, "event": {"state_topic", "event_types"}}
OPTIONAL = {
    "sensor": BOTH
    | {"expire_after", "force_update", "last_reset_value_template", "options", "state_class", "suggested_display_precision"}
    | {"unit_of_measurement"},
    "event": BOTH,
}
DEVICE = {
    "identifiers",
    "connections",
    "manufacturer",
    "model",
    "name",
    "hw_version",
    "serial_number",
    "sw_version",
    "via_device",
}
ORIGIN = {"name", "sw_version", "support_url"}
#: <prefix>/<platform>/[<node>/]<object>/config, as homeassistant/components/mqtt/discovery.py has it.
TOPIC = re.compile(r"homeassistant/(sensor|event)/(?:([a-zA-Z0-9_-]+)/)?([a-zA-Z0-9_-]+)/config")


def messages(camera_id, of="results", base="ferstream", **more):
    found = Discovery(Topics(base)).messages(camera_id, of, **more)
    return [(message.topic, json.loads(message.payload), message.retain) for message in found]


@pytest.mark.parametrize("camera_id", ["door", "", "a/+#\n", "<b>💥</b>", "n" * 200])
def test_every_message_has_what_is_required_and_nothing_that_is_unknown(camera_id):
    found = [*messages(camera_id, with_events=True), *messages(camera_id, "events")]
    assert [topic.split("/")[1] for topic, _, _ in found] == ["sensor", "sensor", "event", "event"]
    for topic, config, retain in found:
        platform, node, _ = TOPIC.fullmatch(topic).groups()
        assert retain
        assert REQUIRED[platform] <= {*config} <= REQUIRED[platform] | OPTIONAL[platform]
        assert {*config["device"]} <= DEVICE
        assert {*config["origin"]} <= ORIGIN
        assert "name" in config["origin"]
        assert config["device"]["identifiers"] == [node]
        assert config["device"]["name"] == camera_id
        assert config["qos"] in (0, 1, 2)
        assert config["availability_mode"] in ("all", "any", "latest")
        assert all({*each} == {"topic"} for each in config["availability"])
        topics = [config["state_topic"], *(each["topic"] for each in config["availability"])]
        assert all(set("+#\0").isdisjoint(one) and 0 < len(one.encode()) < 65536 for one in topics)


def test_a_sensor_of_emotions_has_options_and_no_unit():
    (_, people, _), (_, emotion, _) = messages("door")
    assert (emotion["device_class"], emotion["options"]) == ("enum", [*NAMES, "nobody"])
    assert not {"unit_of_measurement", "state_class"} & {*emotion}
    assert (people["state_class"], people["unit_of_measurement"]) == ("measurement", "people")


def test_an_entity_has_one_name_for_ever_and_no_other_has_it():
    def names(*given, **more):
        return {config["unique_id"] for _, config, _ in messages(*given, **more)}

    assert names("door") == names("door")
    every = [names("door"), names("Door"), names("door", base="upstairs"), names("door", "events")]
    assert sum(map(len, every)) == len(set.union(*every)) == 7


def test_the_availability_is_that_of_who_writes_and_of_the_camera():
    (_, config, _), *_ = messages("a/b")
    assert config["availability"] == [{"topic": "ferstream/status-results"}, {"topic": "ferstream/a%2Fb/available"}]
    ((_, config, _),) = messages("a/b", "events")
    assert config["availability"] == [{"topic": "ferstream/status-events"}]
    assert messages("a/b", "minutes") == []
