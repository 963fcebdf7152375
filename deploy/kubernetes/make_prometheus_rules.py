#!/usr/bin/env python3
"""Writes components/monitoring/prometheus_rules.yaml from deploy/prometheus/rules: kustomize cannot wrap such a file."""

from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
RULES = HERE.parent / "prometheus" / "rules"
TARGET = HERE / "components" / "monitoring" / "prometheus_rules.yaml"


def prometheus_rule(file: Path) -> dict[str, object]:
    """The object of the Prometheus Operator that holds the groups of one file."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"ferstream-{file.stem}", "namespace": "ferstream"},
        "spec": yaml.safe_load(file.read_text("utf-8")),
    }


def rendered() -> str:
    """What the target should hold."""
    objects = [prometheus_rule(file) for file in sorted(RULES.glob("*.yaml"))]
    text = yaml.safe_dump_all(objects, sort_keys=False, width=120, allow_unicode=True)
    return f"# Written by deploy/kubernetes/make_prometheus_rules.py from deploy/prometheus/rules; change those.\n{text}"


if __name__ == "__main__":
    TARGET.write_text(rendered(), "utf-8")
