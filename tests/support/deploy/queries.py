"""Every query that deploy/ asks of Prometheus: in rules, on dashboards, for autoscaling."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import yaml

from tests.support.deploy.tools import DEPLOY

DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yaml"))


def dashboard(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / f"{name}.json").read_text("utf-8"))
    return document


def panels(document: dict[str, Any]) -> list[dict[str, Any]]:
    """A dashboard's panels, rows left out."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def asked_by_dashboards() -> dict[str, str]:
    """Every query of every panel as Grafana would send it, by "dashboard: panel: legend"."""
    found = {}
    for path in DASHBOARDS:
        for panel in panels(dashboard(path.stem)):
            for target in panel["targets"]:
                found[f"{path.stem}: {panel['title']}: {target['legendFormat']}"] = filled_in(target["expr"])
    return found


def filled_in(expression: str) -> str:
    """A query with its template variables at All, and its range that of fast scrapes."""
    filled = expression.replace("$__rate_interval", "15s")
    return re.sub(r"\$(camera|instance)\b", ".*", filled)


def rules() -> list[dict[str, Any]]:
    """Every alerting and recording rule."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def asked_by_rules() -> set[str]:
    """Every selector of every rule: what a rule asks for has to exist, also while the rule itself says nothing."""
    return {selector for rule in rules() for selector, _ in selectors(rule["expr"])}


def autoscaling_queries() -> list[str]:
    """What KEDA asks Prometheus."""
    texts = [path.read_text("utf-8") for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml"))]
    documents = [document for text in texts for document in yaml.safe_load_all(text) if isinstance(document, dict)]
    scaled = [document for document in documents if document.get("kind") == "ScaledObject"]
    return [trigger["metadata"]["query"] for document in scaled for trigger in document["spec"].get("triggers", [])]


def selectors(expression: str) -> Iterator[tuple[str, str]]:
    """Every selector in a query, without range and offset, and the metric that it names."""
    yield from _selectors(promql_parser.parse(expression))


def _selectors(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, promql_parser.VectorSelector):
        yield f"{node.name}{node.matchers}".removesuffix("{}"), node.name
        return
    for part in ("lhs", "rhs", "expr", "vector_selector", "param", "args"):
        below = getattr(node, part, None)
        for child in below if isinstance(below, list) else [below]:
            if child is not None:
                yield from _selectors(child)
