"""Objects of KEDA and of the Prometheus Operator: known fields, our rules, queries that say what they should."""

import copy
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as prometheus_operator

from ferstream.workers import metrics
from tests.support.deploy.kubernetes_manifests import KUBERNETES, OVERLAYS, Manifest, named, of_kind, overlay
from tests.support.deploy.tools import promtool

MODELS = {
    "ScaledObject": keda.ScaledObject,
    "TriggerAuthentication": keda.TriggerAuthentication,
    "PodMonitor": prometheus_operator.PodMonitor,
    "Probe": prometheus_operator.Probe,
    "PrometheusRule": prometheus_operator.PrometheusRule,
}
every_overlay = pytest.mark.parametrize("name", OVERLAYS)


def _unknown(given: Any, known: Any, path: str = "") -> list[str]:
    """What a model left out of what it was given."""
    if isinstance(given, dict):
        return [line for key in given for line in _unknown(given[key], (known or {}).get(key), f"{path}.{key}")]
    if isinstance(given, list):
        pairs = zip(given, known or [None] * len(given), strict=True)
        return [line for index, (one, other) in enumerate(pairs) for line in _unknown(one, other, f"{path}[{index}]")]
    return [] if given == known else [f"{path}: {given!r} became {known!r}"]


@every_overlay
def test_custom_resources_have_only_known_fields(name: str) -> None:
    checked = set()
    for manifest in overlay(name):
        if model := MODELS.get(manifest["kind"]):
            known = model.model_validate(copy.deepcopy(manifest)).model_dump(by_alias=True, exclude_none=True, mode="json")
            # The models are of KEDA 2.16; fallback.behavior is in the documentation since 2.17.
            assert [line for line in _unknown(manifest, known) if not line.startswith(".spec.fallback.behavior")] == []
            checked.add(manifest["kind"])
    assert checked == MODELS.keys()


def _scaler(name: str) -> Manifest:
    return dict(named(overlay(name), "ScaledObject", "fer-worker")["spec"])


@every_overlay
def test_workers_follow_age_and_work_never_the_streams_lag(name: str) -> None:
    spec = _scaler(name)
    assert named(overlay(name), "Deployment", spec["scaleTargetRef"]["name"])["spec"].get("replicas") is None
    assert spec["minReplicaCount"] == 1 < spec["maxReplicaCount"]
    assert spec["fallback"]["replicas"] >= 1
    scale_down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert scale_down["stabilizationWindowSeconds"] == (900 if name == "gpu" else 300)
    assert scale_down["policies"], "a patch must not lose them"
    triggers = {trigger["name"]: trigger for trigger in spec["triggers"]}
    assert {name: trigger["metricType"] for name, trigger in triggers.items()} == {"busy": "AverageValue", "frame-age": "Value"}
    known = {sample.name for metric in (metrics.BUSY, metrics.FRAME_AGE) for one in metric.collect() for sample in one.samples}
    known |= {"fer_frame_age_seconds_bucket"}  # no sample before the first frame
    for trigger in triggers.values():
        assert trigger["type"] == "prometheus"
        assert trigger["metadata"]["ignoreNullValues"] == "false"
        assert set(re.findall(r"fer_\w+", trigger["metadata"]["query"])) <= known
        named(overlay(name), "TriggerAuthentication", trigger["authenticationRef"]["name"])


#: What workers say, once in 15 seconds; what the two queries then answer. None: nothing, which KEDA takes for an error.
STORIES: dict[str, tuple[dict[str, str], float | None, float | None]] = {
    "all is well": ({"0.05": "0+100x20", "5.0": "0+100x20", "+Inf": "0+100x20", "busy": "0.5x20"}, 1.0, 0.0475),
    "frames wait": ({"1.0": "0x20", "3.0": "0+100x20", "+Inf": "0+100x20", "busy": "1x20"}, 2.0, 2.9),
    "no frame comes": ({"0.05": "7x20", "5.0": "7x20", "+Inf": "7x20", "busy": "0x20"}, 0.0, 0.0),
    "workers have just started": ({"busy": "0x20"}, 0.0, 0.0),
    "no worker is scraped": ({}, None, None),
}


@pytest.mark.parametrize("story", STORIES)
def test_queries_answer_as_keda_needs_them(story: str, tmp_path: Path) -> None:
    series, busy, age = STORIES[story]
    expected = {"busy": busy, "frame-age": age}
    labels = 'job="fer-worker",instance="{}"'
    given = [
        {
            "series": f"fer_busy_ratio{{{labels.format(worker)}}}"
            if key == "busy"
            else f'fer_frame_age_seconds_bucket{{{labels.format(worker)},stage="read",le="{key}"}}',
            "values": values,
        }
        for worker in ("a", "b")
        for key, values in series.items()
    ]
    queries = {trigger["name"]: trigger["metadata"]["query"] for trigger in _scaler("cpu")["triggers"]}
    tests = [
        {
            "expr": query,
            "eval_time": "5m",
            "exp_samples": [] if expected[name] is None else [{"labels": "{}", "value": expected[name]}],
        }
        for name, query in queries.items()
    ]
    (tmp_path / "test.yaml").write_text(
        yaml.safe_dump({"tests": [{"interval": "15s", "input_series": given, "promql_expr_test": tests}]})
    )
    promtool("test", "rules", str(tmp_path / "test.yaml"))


@every_overlay
def test_alert_rules_are_those_of_the_folder(name: str) -> None:
    """And every object of the operator carries the label by which Prometheus finds it."""
    script = importlib.util.spec_from_file_location("make_prometheus_rules", KUBERNETES / "make_prometheus_rules.py")
    assert script
    assert script.loader
    module = importlib.util.module_from_spec(script)
    script.loader.exec_module(module)
    assert module.TARGET.read_text("utf-8") == module.rendered(), "run deploy/kubernetes/make_prometheus_rules.py"
    rules = of_kind(overlay(name), "PrometheusRule")
    wanted = [
        yaml.safe_load(file.read_text("utf-8")) for file in sorted((KUBERNETES.parent / "prometheus" / "rules").glob("*.yaml"))
    ]
    assert sorted((rule["spec"] for rule in rules), key=str) == sorted(wanted, key=str)
    for manifest in (*rules, *of_kind(overlay(name), "PodMonitor", "Probe")):
        assert manifest["metadata"]["labels"]["release"] == "kube-prometheus-stack"


@every_overlay
def test_redis_is_probed_where_its_exporter_listens(name: str) -> None:
    (probe,) = of_kind(overlay(name), "Probe")
    (port,) = named(overlay(name), "Service", "fer-redis-exporter")["spec"]["ports"]
    assert probe["spec"]["prober"]["url"] == f"fer-redis-exporter.ferstream.svc:{port['port']}"
    assert probe["spec"]["jobName"] == "redis"
    assert len(probe["spec"]["targets"]["staticConfig"]["static"]) == (6 if name == "cluster" else 1)
