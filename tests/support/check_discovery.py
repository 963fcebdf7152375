"""Holds discovery messages against the schemas of Home Assistant itself, which needs an environment of its own:

python3.13 -m venv ha && ha/bin/pip install homeassistant paho-mqtt
mosquitto_sub -t 'homeassistant/#' -v --retained-only -W 2 | ha/bin/python tests/support/check_discovery.py
"""

import importlib
import json
import sys

import homeassistant.const
from homeassistant.components.mqtt.discovery import TOPIC_MATCHER
from homeassistant.components.mqtt.schemas import MQTT_ORIGIN_INFO_SCHEMA


def check(topic: str, payload: str) -> str:
    """The name of the entity. Raises voluptuous.Invalid where Home Assistant would not take the message."""
    found = TOPIC_MATCHER.match(topic.partition("/")[2])
    if found is None:
        raise SystemExit(f"{topic} is no topic of discovery")
    platform = importlib.import_module(f"homeassistant.components.mqtt.{found[1]}")
    config = json.loads(payload)
    platform.DISCOVERY_SCHEMA(json.loads(payload))  # as it is done there: what is not known is left out
    MQTT_ORIGIN_INFO_SCHEMA(config.pop("origin"))
    platform.PLATFORM_SCHEMA_MODERN(config)  # and what is not known is refused
    return f"{found[1]} {config['device']['name']}: {config['name']}"


if __name__ == "__main__":
    for line in sys.stdin:
        print(check(*line.rstrip("\n").split(" ", 1)))  # noqa: T201
    print("taken by Home Assistant", homeassistant.const.__version__)  # noqa: T201
