"""A real Prometheus for tests, with the rules and jobs of deploy/prometheus and the addresses of processes on this machine."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.plays.scale_out.processes import free_port
from tests.support.deploy.tools import DEPLOY, tool
from tests.support.patience import PROCESS_S

#: Scrapes and evaluations each second, so that a test need not wait for minutes.
EVERY_S = 1


class PrometheusServer:
    """Starts on construction. `targets` are addresses by job; each job of deploy/prometheus needs some.

    Alerts fire a second after their condition holds, whatever the rules say.
    """

    def __init__(self, folder: Path, targets: dict[str, list[str]]) -> None:
        config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text("utf-8"))
        jobs = config["scrape_configs"]
        assert {job["job_name"] for job in jobs} == set(targets)
        config["global"] = {"scrape_interval": f"{EVERY_S}s", "evaluation_interval": f"{EVERY_S}s"}
        config["scrape_configs"] = [
            {"job_name": job["job_name"], "static_configs": [{"targets": targets[job["job_name"]]}]} for job in jobs
        ]
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        (folder / "rules").mkdir()
        for path in (DEPLOY / "prometheus" / "rules").glob("*.yaml"):
            (folder / "rules" / path.name).write_text(yaml.safe_dump(_without_patience(path)))
        self.port = free_port()
        with (folder / "prometheus.log").open("w") as log:
            self._process = subprocess.Popen(
                [
                    tool("prometheus"),
                    f"--config.file={folder / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={folder / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
            )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that answer, those that are no number left out; none while the server starts. A wrong query fails."""
        address = f"http://127.0.0.1:{self.port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                samples = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 503:
                    return []
                raise AssertionError(f"{expression}: {error.read().decode()}") from None
        except urllib.error.URLError:
            assert self._process.poll() is None, "Prometheus ended: see prometheus.log"
            return []
        return [sample for sample in samples if sample["value"][1] != "NaN"]

    def firing(self) -> set[str]:
        return {sample["metric"]["alertname"] for sample in self.query('ALERTS{alertstate="firing"}')}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(timeout=PROCESS_S)


def _without_patience(path: Path) -> dict[str, Any]:
    rules: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = f"{EVERY_S}s"
    return rules
