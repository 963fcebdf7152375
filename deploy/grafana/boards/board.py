"""What all dashboards share: the data source to choose, links to each other, alerts on the time line."""

import json
from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.boards.panels import DATASOURCE

#: A row's title, and its panels.
Row = tuple[str, Sequence[Builder[models.Panel]]]
TAG = "ferstream"


def board(uid: str, title: str, description: str, variables: Sequence[Builder[models.VariableModel]], rows: Sequence[Row]) -> str:
    """A dashboard as the JSON that Grafana reads."""
    built = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .link(dashboard.DashboardLink("ferstream").type(models.DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True))
        .annotation(
            dashboard.AnnotationQuery()
            .name("Alerts")
            .datasource(DATASOURCE)
            .enable(True)
            .icon_color("red")
            .expr('ALERTS{alertstate="firing", alertname=~"Fer.+"}')
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in variables:
        built = built.with_variable(variable)
    for name, panels in rows:
        built = built.with_row(dashboard.Row(name))
        for panel in panels:
            built = built.with_panel(panel)
    document = json.loads(JSONEncoder(sort_keys=True, indent=2).encode(built.build()))
    for number, panel in enumerate(document["panels"], 1):
        panel["id"] = number
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A variable whose values Prometheus knows. All of them stands for no value too: metrics without that label."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )
