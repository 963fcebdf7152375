"""The kinds of panel that the dashboards are made of, each with a title, a description, a unit and its queries."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as query_kinds
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

#: (expression, legend)
Query = tuple[str, str]
#: (from this value on, colour); the first value is None: from minus infinity on.
Steps = Sequence[tuple[float | None, str]]

GOOD, MIDDLING, BAD, PLAIN = "green", "orange", "red", "text"
#: More is worse: nothing of it is good.
ANY_IS_BAD: Steps = ((None, GOOD), (1, BAD))
#: The objective of one second, and half of it.
AGE: Steps = ((None, GOOD), (0.5, MIDDLING), (1, BAD))
DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")


def _target(number: int, expression: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + number)).datasource(DATASOURCE)


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in steps])
    )


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: Steps = (),
    stacked: bool = False,
    most: float | None = None,
    line_over_the_stack: str = "",
    span: int = 8,
) -> timeseries.Panel:
    """Values over time. `steps` draws thresholds; `line_over_the_stack` names the legend that is not stacked."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(DATASOURCE)
        .span(span)
        .height(8)
        .line_width(1)
        .fill_opacity(30 if stacked else 5)
        .legend(common.VizLegendOptions().show_legend(True).placement(kinds.LegendPlacement.BOTTOM).calcs(["lastNotNull", "max"]))
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
        .thresholds(_thresholds(steps or ((None, PLAIN),)))
    )
    # A share or an age begins at zero; only a difference has values below, and then the axis follows.
    panel = panel.axis_soft_min(0)
    if most is not None:
        panel = panel.max(most)
    if steps:
        panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    if line_over_the_stack:
        panel = panel.override_by_name(
            line_over_the_stack,
            [
                models.DynamicConfigValue(id_val="custom.stacking", value={"mode": "none"}),
                models.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
                models.DynamicConfigValue(id_val="custom.lineWidth", value=2),
            ],
        )
    for number, (expression, legend) in enumerate(queries):
        panel = panel.with_target(_target(number, expression, legend))
    return panel


def number(title: str, description: str, unit: str, expression: str, *, steps: Steps, span: int = 4) -> stat.Panel:
    """One value now, coloured by its thresholds, over a faint line of its past."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(DATASOURCE)
        .span(span)
        .height(5)
        .thresholds(_thresholds(steps))
        .color_mode(kinds.BigValueColorMode.VALUE)
        .graph_mode(kinds.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(0, expression, title))
    )


def heat(title: str, description: str, unit: str, metric: str, *, span: int = 12) -> heatmap.Panel:
    """A histogram's buckets over time. `metric` is a selector of its _bucket series."""
    target = _target(0, f"sum by (le) (increase({metric}[$__rate_interval]))", "{{le}}").format(
        query_kinds.PromQueryFormat.HEATMAP
    )
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .span(span)
        .height(8)
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .with_target(target)
    )


def rows(
    title: str,
    description: str,
    by: str,
    *queries: Query,
    units: dict[str, str] | None = None,
    hidden: Sequence[str] = (),
    link: tuple[str, str] | None = None,
    span: int = 24,
) -> table.Panel:
    """A table of what is now: one row for each value of the label `by`, one column a query, named by its legend.

    A single query shows its labels as columns. `units` is by column; `hidden` names labels, or Value where a query's value says
    nothing; `link` is (title, URL) of the column `by`.
    """
    panel = table.Panel().title(title).description(description).datasource(DATASOURCE).span(span).height(8)
    renamed = {"Value": queries[0][1]} if len(queries) == 1 else {}
    for number, (expression, legend) in enumerate(queries):
        panel = panel.with_target(_target(number, expression, legend).format(query_kinds.PromQueryFormat.TABLE).instant())
        renamed[f"Value #{chr(ord('A') + number)}"] = legend
    if len(queries) > 1:
        panel = panel.with_transformation(
            models.DataTransformerConfig(id_val="joinByField", options={"byField": by, "mode": "outer"})
        )
    # Joined tables have a Time each: Time 1, Time 2 and so on.
    times = {"Time": True} | {f"Time {number + 1}": True for number in range(len(queries) if len(queries) > 1 else 0)}
    panel = panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize", options={"excludeByName": times | dict.fromkeys(hidden, True), "renameByName": renamed}
        )
    )
    for column, unit in (units or {}).items():
        panel = panel.override_by_name(column, [models.DynamicConfigValue(id_val="unit", value=unit)])
    if link:
        value = [{"title": link[0], "url": link[1], "targetBlank": False}]
        panel = panel.override_by_name(by, [models.DynamicConfigValue(id_val="links", value=value)])
    return panel
