"""deploy/kubernetes: valid, confined, consistent, and started with options that exist."""

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from redis.crc import key_slot

from ferstream.consumer.cli import main as consumer
from ferstream.consumer.dashboard.cli import main as dashboard
from ferstream.producer.cli import main as producer
from ferstream.producer.config.camera_config import CameraSettings
from ferstream.producer.config.cameras_file import read_cameras_file
from ferstream.streams.wire.keys import Keys
from ferstream.workers.cli import main as worker
from tests.support.deploy.kubernetes_manifests import (
    KUBERNETES,
    OVERLAYS,
    build,
    containers,
    matches,
    named,
    of_kind,
    overlay,
    pod_labels,
    workloads,
)
from tests.support.deploy.pod_process import SECRETS, options_of, under, variables, write_volumes

PROGRAMS = {"fer-producer": (producer, 9101), "fer-worker": (worker, 9102), "fer-consumer": (consumer, 9103)}
OWN_KINDS = {"ScaledObject", "TriggerAuthentication", "PodMonitor", "Probe", "PrometheusRule"}
every_overlay = pytest.mark.parametrize("name", OVERLAYS)


@every_overlay
@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_objects_are_what_kubernetes_takes(name: str, version: str) -> None:
    for manifest in overlay(name):
        if manifest["kind"] not in OWN_KINDS:
            kubernetes_validate.validate(manifest, version, strict=True)
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "ferstream"


@every_overlay
def test_pods_are_restricted(name: str) -> None:
    """Each rule of the Pod Security Standard "restricted", and what we ask beyond it."""
    assert (
        named(overlay(name), "Namespace", "ferstream")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    )
    for workload in workloads(overlay(name)):
        pod = workload["spec"]["template"]["spec"]
        security = pod["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"] == security["runAsGroup"] == 10001
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & pod.keys()
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        assert {kind for volume in pod["volumes"] for kind in volume} <= {"name", "configMap", "secret", "projected", "emptyDir"}
    for _, container in containers(overlay(name)):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container["ports"])
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


@every_overlay
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_understand_how_they_are_started(
    name: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = overlay(name)
    ((workload, container),) = [pair for pair in containers(manifests) if pair[0]["metadata"]["name"] == program]
    write_volumes(manifests, workload, SECRETS, tmp_path)
    environment = {key: under(tmp_path, value) for key, value in variables(manifests, container, f"{program}-0").items()}
    group, port = PROGRAMS[program]
    options = options_of(group, container, environment, monkeypatch)
    assert options["redis_url"].startswith(f"redis://{program.removeprefix('fer-')}:")  # its own user's
    assert options["log_format"] == "json"
    assert options["metrics_host"] == "0.0.0.0"  # a probe comes from the node
    assert [options["metrics_port"]] == [port] == [one["containerPort"] for one in container["ports"]]
    assert container["image"].startswith(f"ferstream/{program.removeprefix('fer-')}")
    CHECKS[program](name, options, workload)


def _check_producer(name: str, options: dict[str, Any], workload: dict[str, Any]) -> None:
    partition = options["partition"]
    assert (partition.index, partition.count) == (0, workload["spec"]["replicas"])
    assert options["keys"].shards == (12 if name == "cluster" else 1)
    cameras = read_cameras_file(options["file"], CameraSettings())
    assert {camera.camera_id for camera in cameras} == SECRETS["fer-cameras"].keys()


def _check_worker(name: str, options: dict[str, Any], workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert options["name"] == "fer-worker-0"  # the pod's own
    assert options["device"] == ("cuda" if name == "gpu" else "cpu")
    assert ("nvidia.com/gpu" in container["resources"]["limits"]) == ("worker-gpu" in container["image"]) == (name == "gpu")
    assert str(options["threads"]) == container["resources"]["requests"]["cpu"]
    assert options["keys"].shards == (12 if name == "cluster" else 1)
    assert pod["terminationGracePeriodSeconds"] >= options["drain_timeout_s"] + 20


def _check_consumer(name: str, options: dict[str, Any], workload: dict[str, Any]) -> None:
    (claim,) = workload["spec"]["volumeClaimTemplates"]
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert {"name": claim["metadata"]["name"], "mountPath": f"/{options['directory'].name}"} in container["volumeMounts"]
    assert (options["format_"], options["keep_days"]) == ("parquet", 30)


CHECKS = {"fer-producer": _check_producer, "fer-worker": _check_worker, "fer-consumer": _check_consumer}


@every_overlay
def test_probes_ask_a_port_that_is_there(name: str) -> None:
    for workload, container in containers(overlay(name)):
        ports = {port["name"] for port in container["ports"]}
        probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("liveness", "readiness")}
        assert {probe["port"] for probe in probes.values()} <= ports
        if workload["metadata"]["name"] in PROGRAMS:
            assert probes["liveness"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/healthz"
            assert probes["readiness"]["path"] == "/readyz"
            assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
            assert "lifecycle" not in container  # SIGTERM drains


@every_overlay
def test_selectors_find_their_pods(name: str) -> None:
    manifests, labels = overlay(name), pod_labels(overlay(name))
    budgets = {budget["metadata"]["name"]: budget["spec"] for budget in of_kind(manifests, "PodDisruptionBudget")}
    assert budgets.keys() == PROGRAMS.keys()
    for program, budget in budgets.items():
        assert [pod for pod in labels if matches(budget["selector"], labels[pod])] == [program]
        assert "maxUnavailable" in budget
    for service in of_kind(manifests, "Service"):
        assert [pod for pod in labels if service["spec"]["selector"].items() <= labels[pod].items()] == [
            service["metadata"]["name"]
        ]
    for workload in workloads(manifests):
        own = labels[workload["metadata"]["name"]]
        spread = workload["spec"]["template"]["spec"].get("topologySpreadConstraints", [])
        assert all(
            matches(selector, own) for selector in (workload["spec"]["selector"], *(one["labelSelector"] for one in spread))
        )
        assert spread or workload["metadata"]["name"] not in {"fer-producer", "fer-worker"}
        assert workload["spec"].get("serviceName", "fer-producer") in {"fer-producer", "fer-consumer"}
    (monitor,) = of_kind(manifests, "PodMonitor")
    assert {pod for pod in labels if matches(monitor["spec"]["selector"], labels[pod])} == PROGRAMS.keys()
    assert all(labels[program][monitor["spec"]["jobLabel"]] == program for program in PROGRAMS)


@every_overlay
def test_network_is_closed_but_for_what_is_needed(name: str) -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind(overlay(name), "NetworkPolicy")}
    labels = pod_labels(overlay(name))
    assert policies["fer-default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def ways(pod: str, direction: str) -> set[str]:
        return {policy for policy, spec in policies.items() if direction in spec and matches(spec["podSelector"], labels[pod])}

    for pod in labels:
        assert ways(pod, "ingress") == {"fer-metrics"}
        assert ways(pod, "egress") == {"fer-dns", "fer-to-redis"} | ({"fer-to-cameras"} if pod == "fer-producer" else set())
    (metrics,) = policies["fer-metrics"]["ingress"]
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert metrics["ports"] == [{"protocol": "TCP", "port": "metrics"}]
    assert all({port["name"] for port in container["ports"]} == {"metrics"} for _, container in containers(overlay(name)))
    (redis,) = policies["fer-to-redis"]["egress"]
    assert redis["to"], "a rule without `to` would let workers reach everything"
    assert {port["port"] for port in redis["ports"]} == {6379, 6380}


def test_images_are_the_same_version_everywhere() -> None:
    images = {container["image"] for name in OVERLAYS for _, container in containers(overlay(name))}
    own = {image.partition(":")[::2] for image in images if image.startswith("ferstream/")}
    assert {image for image, _ in own} == {
        f"ferstream/{target}" for target in ("producer", "worker-cpu", "worker-gpu", "consumer")
    }
    assert len({tag for _, tag in own}) == 1
    deploy = KUBERNETES.parent
    assert f"ARG VERSION={own.pop()[1]}\n" in (deploy / "Dockerfile").read_text()
    (exporter,) = (image for image in images if not image.startswith("ferstream/"))
    assert exporter in (deploy / "compose.yaml").read_text()


@every_overlay
def test_secrets_are_documented(name: str) -> None:
    text = yaml.safe_dump_all(workloads(overlay(name)) + of_kind(overlay(name), "TriggerAuthentication"))
    ways = ("secretName", r"secret:\n\s+name", r"secretKeyRef:\n\s+key: \w+\n\s+name", r"- key: bearerToken\n\s+name")
    asked = {match for way in ways for match in re.findall(rf"{way}: (\S+)", text)}
    assert asked == SECRETS.keys()
    readme = (KUBERNETES / "README.md").read_text()
    for secret, keys in SECRETS.items():
        assert f"`{secret}`" in readme
        assert secret == "fer-cameras" or all(f"`{key}`" in readme for key in keys)


def test_an_overlay_of_ones_own_changes_the_producers_in_one_place(tmp_path: Path) -> None:
    """README's example, built: cameras of one's own, five producers, another registry."""
    readme = (KUBERNETES / "README.md").read_text()
    example = re.search(r"```yaml\n(# mine/kustomization\.yaml\n.*?)```", readme, re.DOTALL)
    assert example
    mine = shutil.copytree(KUBERNETES, tmp_path / "kubernetes") / "overlays" / "mine"
    mine.mkdir()
    (mine / "kustomization.yaml").write_text(example[1])
    (mine / "cameras.yaml").write_text("cameras: {gate: {url_file: /run/secrets/cameras/gate}}\n")
    manifests = build(mine)
    stateful = named(manifests, "StatefulSet", "fer-producer")
    (container,) = stateful["spec"]["template"]["spec"]["containers"]
    assert stateful["spec"]["replicas"] == 5
    assert variables(manifests, container, "fer-producer-4")["FER_PRODUCER_PARTITION"] == "fer-producer-4/5"
    assert container["image"].startswith("registry.example/ferstream/producer:")
    cameras = [one for one in of_kind(manifests, "ConfigMap") if one["metadata"]["name"].startswith("fer-cameras-")]
    assert ["gate" in one["data"]["cameras.yaml"] for one in cameras] == [True]


def test_trackers_are_a_component_that_an_overlay_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = shutil.copytree(KUBERNETES, tmp_path / "kubernetes") / "overlays" / "mine"
    mine.mkdir()
    components = "components: [../../components/monitoring, ../../components/tracker]"
    (mine / "kustomization.yaml").write_text(f"kind: Kustomization\nresources: [../../base]\n{components}\n")
    manifests = build(mine)
    deployment = named(manifests, "Deployment", "fer-tracker")
    consumer_pod = named(manifests, "StatefulSet", "fer-consumer")["spec"]["template"]["spec"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (beside,) = consumer_pod["containers"]
    for manifest in (deployment, named(manifests, "PodDisruptionBudget", "fer-tracker")):
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
        assert manifest["metadata"]["namespace"] == "ferstream"
    # As shut in as the consumer, of the same image, with the same probes, and reached and reaching as it.
    assert pod["securityContext"].items() <= consumer_pod["securityContext"].items()
    for same in ("image", "securityContext", "resources", "startupProbe", "readinessProbe", "livenessProbe"):
        assert container[same] == beside[same], same
    labels = pod_labels(manifests)
    assert labels["fer-tracker"] == labels["fer-consumer"] | {"app.kubernetes.io/name": "fer-tracker"}
    (monitor,) = of_kind(manifests, "PodMonitor")
    assert matches(monitor["spec"]["selector"], labels["fer-tracker"])
    (secret,) = (one["secret"] for one in pod["volumes"][0]["projected"]["sources"] if "optional" not in one["secret"])
    assert secret == {"name": "fer-redis-tracker"}
    url = tmp_path / "run" / "secrets" / "redis" / "redis_url"
    url.parent.mkdir(parents=True)
    url.write_text("redis://tracker:secret@redis:6379/0")
    environment = {key: under(tmp_path, value) for key, value in variables(manifests, container, "fer-tracker-0").items()}
    options = options_of(consumer, container, environment, monkeypatch)
    assert options["redis_url"].startswith("redis://tracker:")
    assert [options["metrics_port"]] == [9105] == [one["containerPort"] for one in container["ports"]]


def test_the_page_is_a_component_that_an_overlay_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = shutil.copytree(KUBERNETES, tmp_path / "kubernetes") / "overlays" / "mine"
    mine.mkdir()
    components = "components: [../../components/monitoring, ../../components/dashboard]"
    (mine / "kustomization.yaml").write_text(f"kind: Kustomization\nresources: [../../base]\n{components}\n")
    manifests = build(mine)
    made = [named(manifests, kind, "fer-dashboard") for kind in ("Deployment", "Service", "NetworkPolicy")]
    for manifest in made:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    pod = made[0]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (beside,) = named(manifests, "StatefulSet", "fer-consumer")["spec"]["template"]["spec"]["containers"]
    for same in ("image", "securityContext", "startupProbe", "readinessProbe", "livenessProbe"):
        assert container[same] == beside[same], same
    (monitor,) = of_kind(manifests, "PodMonitor")
    assert matches(monitor["spec"]["selector"], pod_labels(manifests)["fer-dashboard"])
    for name, text in (("redis/redis_url", "redis://dashboard:secret@redis:6379/0"), ("page/token", "a token of some length")):
        file = tmp_path / "run" / "secrets" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    assert container["command"] == ["tini", "--", "fer-dashboard"]
    environment = {key: under(tmp_path, value) for key, value in variables(manifests, container, "fer-dashboard-0").items()}
    options = options_of(dashboard, container, environment, monkeypatch)
    assert options["redis_url"].startswith("redis://dashboard:")
    assert not options["browser_camera"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports == {"page": options["port"], "metrics": options["metrics_port"]}


def test_shards_of_the_cluster_reach_every_primary() -> None:
    """README says how many of the 12 slots each of three primaries gets."""
    (shards,) = (int(one["data"]["SHARDS"]) for one in of_kind(overlay("cluster"), "ConfigMap") if "SHARDS" in one["data"])
    slots = [key_slot(Keys(shards=shards).frames(shard).encode()) for shard in range(shards)]
    counts = [sum(primary * 16384 // 3 <= latest < (primary + 1) * 16384 // 3 for latest in slots) for primary in range(3)]
    assert f"{counts[0]}, {counts[1]} and {counts[2]}" in (KUBERNETES / "README.md").read_text()
