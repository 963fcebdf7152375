"""The dashboards: as their source writes them, each panel explained, and every metric shown or left out on purpose."""

import re

import pytest
from prometheus_client import CollectorRegistry

import ferstream.streams.service.health_server  # noqa: F401 - its metric registers itself
from deploy.grafana.boards.__main__ import DASHBOARDS as FOLDER
from deploy.grafana.boards.__main__ import documents
from ferstream.consumer.sinks.sink_metrics import LogMetrics
from tests.support.deploy.queries import DASHBOARDS, asked_by_dashboards, autoscaling_queries, dashboard, panels, rules, selectors
from tests.support.deploy.tools import ROOT
from tests.support.documents import METRICS_PAGE, metric_names

NAMES = [path.stem for path in DASHBOARDS]
#: Metrics that no dashboard shows.
NOT_SHOWN: dict[str, str] = {}
#: Those of other programs, and of the Python client library.
FOREIGN = re.compile(r"(redis|process)_[a-z_]+|up|ALERTS")


def all_metrics() -> set[str]:
    """Every metric that a program of ferstream has, by the name that the documentation gives it."""
    registry = CollectorRegistry()
    LogMetrics("jsonl", "results", registry)
    ours = {f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()}
    return metric_names() | ours


def plain(name: str) -> str:
    """A metric's name without what a histogram adds."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def metrics_in(expressions: list[str]) -> set[str]:
    return {plain(metric) for expression in expressions for _, metric in selectors(expression)}


def test_the_files_are_what_their_source_writes():
    assert {path.name for path in FOLDER.iterdir()} == set(documents())
    for name, text in documents().items():
        assert (FOLDER / name).read_text("utf-8") == text, "make dashboards"


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_has_a_description_a_unit_and_a_place_of_its_own(name):
    taken = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    for panel in panels(dashboard(name)):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        if panel["type"] == "heatmap":
            assert panel["options"]["yAxis"]["unit"], panel["title"]
        elif panel["type"] != "table":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        if panel["type"] == "stat":
            assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None, panel["title"]


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_uses_its_variables_and_no_other(name):
    document = dashboard(name)
    declared = {variable["name"] for variable in document["templating"]["list"]}
    text = "\n".join([str(panel) for panel in document["panels"]] + [str(document["annotations"])])
    used = {variable for variable in re.findall(r"\$\{?([a-z_]+)", text) if not variable.startswith("__")}
    assert used == declared
    assert document["schemaVersion"] >= 41
    assert document["links"], "to the other dashboards"


def test_every_metric_that_is_asked_for_exists():
    asked = [*asked_by_dashboards().values(), *(rule["expr"] for rule in rules()), *autoscaling_queries()]
    ours = {metric for metric in metrics_in(asked) if not FOREIGN.fullmatch(metric)}
    assert ours - all_metrics() - recorded() == set()


def test_every_recording_is_asked_for():
    asked = [*asked_by_dashboards().values(), *(rule["expr"] for rule in rules())]
    assert recorded() - metrics_in(asked) == set()


def test_every_metric_is_on_a_dashboard():
    asked = [*asked_by_dashboards().values(), *(rule["expr"] for rule in rules() if "record" in rule)]
    documented = set(re.findall(r"`(fer_[a-z_]+)`", METRICS_PAGE))
    missing = (all_metrics() | documented) - metrics_in(asked)
    assert missing == set(NOT_SHOWN)


def test_grafana_finds_the_dashboards_and_a_prometheus():
    provisioning = ROOT / "deploy" / "grafana" / "provisioning"
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    path = re.search(r"^ +path: (\S+)$", (provisioning / "dashboards" / "ferstream.yaml").read_text("utf-8"), re.MULTILINE)
    assert path
    assert f"./grafana/dashboards:{path[1]}:ro" in compose
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in compose
