"""A container of a manifest as the process it becomes: its variables, its files, and the options that click makes of them."""

import math
import re
from pathlib import Path
from typing import Any

import click
import pytest

from ferstream.streams.service.environment import variables_of
from tests.support.deploy.kubernetes_manifests import Manifest, named

#: What the documented Secrets hold (deploy/kubernetes/README.md), key by key.
SECRETS = {
    "fer-redis-producer": {"redis_url": "redis://producer:secret@redis:6379/0"},
    "fer-redis-worker": {"redis_url": "redis://worker:secret@redis:6379/0"},
    "fer-redis-consumer": {"redis_url": "redis://consumer:secret@redis:6379/0"},
    "fer-redis-metrics": {"password": "secret"},
    "fer-redis-ca": {"ca.crt": "a certificate"},
    "fer-cameras": {"door": "rtsp://10.20.0.5/stream1", "hall": "rtsp://10.20.0.6/stream1"},
    "fer-prometheus": {"bearerToken": "any"},
}


def variables(manifests: list[Manifest], container: Manifest, pod: str) -> dict[str, str]:
    """The environment as the kubelet sets it, $(NAME) of earlier variables put in."""
    environment: dict[str, str] = {}
    for variable in container["env"]:
        value = _source(manifests, container, pod, variable["valueFrom"]) if "valueFrom" in variable else variable["value"]
        assert variable["name"] not in environment
        # A KeyError here: the kubelet, too, knows earlier variables only.
        environment[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda match: environment[match[1]], value)
    return environment


def _source(manifests: list[Manifest], container: Manifest, pod: str, source: Manifest) -> str:
    match source:
        case {"fieldRef": {"fieldPath": "metadata.name"}}:
            return pod
        case {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1"}}:
            requested = str(container["resources"]["requests"]["cpu"])
            return str(math.ceil(float(requested[:-1]) / 1000 if requested.endswith("m") else float(requested)))
        case {"configMapKeyRef": {"name": name, "key": key}}:
            return str(named(manifests, "ConfigMap", name)["data"][key])
        case {"secretKeyRef": {"name": name, "key": key}}:
            return SECRETS[name][key]
    raise AssertionError(f"unknown source {source}")


def under(root: Path, text: str) -> str:
    """A text whose paths of mounted files lie under `root`."""
    return re.sub(r"(?<![\w/])/(?=etc/|run/|events)", f"{root}/", text)


def write_volumes(manifests: list[Manifest], workload: Manifest, secrets: dict[str, dict[str, str]], root: Path) -> None:
    """Lay what is mounted into a workload's one container under `root`."""
    pod = workload["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in pod["containers"][0]["volumeMounts"]:
        folder = root / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True)
        volume = volumes.get(mount["name"], {})
        sources = volume.get("projected", {}).get("sources", [volume])
        for source in sources:
            if "configMap" in source:
                files = named(manifests, "ConfigMap", source["configMap"]["name"])["data"]
            else:
                secret = source.get("secret", {})
                files = secrets[secret.get("name", secret.get("secretName"))] if secret else {}
            for name, text in files.items():
                (folder / name).write_text(under(root, text))


def options_of(group: click.Group, container: Manifest, environment: dict[str, str], patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the real command line makes of a container: its options by name. Fails where a variable belongs to no option."""
    command, *rest = container["args"]
    known = {name for option in group.commands[command].params for name in variables_of(option)}
    for name, value in environment.items():
        if name.startswith("FER_"):
            assert name in known, f"{name} is no option of {command}"
            patch.setenv(name, value)
    with click.Context(group) as parent, group.commands[command].make_context(command, rest, parent=parent) as context:
        return dict(context.params)
