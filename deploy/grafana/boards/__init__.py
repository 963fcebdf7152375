"""The dashboards, written by `python -m deploy.grafana.boards` into deploy/grafana/dashboards."""
