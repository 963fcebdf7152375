"""cameras.yaml as a JSON Schema: for editors, and for pages that change it."""

from typing import Any

import msgspec

from ferstream.producer.config.camera_config import CameraSettings


def cameras_schema() -> dict[str, Any]:
    """The schema of the whole file, as draft 2020-12. It refuses what `read_cameras_file` does, but for what an URL may be."""
    _, components = msgspec.json.schema_components([CameraSettings])
    address = {"type": "string", "minLength": 1}
    camera = {
        "type": "object",
        "properties": {"url": address, "url_file": address, **components["CameraSettings"]["properties"]},
        "oneOf": [{"required": ["url"]}, {"required": ["url_file"]}],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cameras.yaml of ferstream",
        "type": "object",
        "properties": {"cameras": {"type": ["object", "null"], "additionalProperties": {"oneOf": [address, camera]}}},
        "additionalProperties": False,
    }
