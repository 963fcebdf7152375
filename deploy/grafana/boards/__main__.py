"""Writes every dashboard: python -m deploy.grafana.boards."""

from pathlib import Path

from deploy.grafana.boards.camera import camera
from deploy.grafana.boards.fleet import fleet
from deploy.grafana.boards.redis import redis
from deploy.grafana.boards.sinks import sinks
from deploy.grafana.boards.tracks import tracks
from deploy.grafana.boards.worker import worker

DASHBOARDS = Path(__file__).parents[1] / "dashboards"


def documents() -> dict[str, str]:
    """File name to JSON, of every dashboard."""
    return {f"{make.__name__}.json": make() for make in (fleet, worker, camera, redis, tracks, sinks)}


def main() -> None:
    for name, text in documents().items():
        (DASHBOARDS / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
