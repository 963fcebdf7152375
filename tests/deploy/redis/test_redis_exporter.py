"""The Redis exporter as compose.yaml and Kubernetes run it, under a user that may see the server's figures and no key."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from ferstream.streams.local.embedded_redis import find_redis_server
from tests.support.deploy.deployed_redis import DEPLOY, DeployedRedis, free_port
from tests.support.deploy.tools import tool
from tests.support.fleet import wait_until
from tests.support.redis_servers import tls_server


def environment(server: DeployedRedis, *files: str) -> dict[str, str]:
    """What the compose files give it, with this machine's places for those of a container."""
    given: dict[str, str] = {}
    for file in files:
        given |= yaml.safe_load((DEPLOY / file).read_text("utf-8"))["services"]["redis-exporter"]["environment"]
    places = {
        "redis:6379": f"localhost:{server.port}",
        "redis:6380": f"localhost:{server.port}",
        "/run/secrets/redis_exporter": str(server.folder / "redis_exporter.json"),
        "/run/secrets/redis_ca": str(server.folder / "tls" / "ca.pem"),
    }
    for place, here in places.items():
        given = {name: value.replace(place, here) for name, value in given.items()}
    return os.environ | given


@pytest.mark.parametrize("files", [("compose.yaml",), ("compose.yaml", "compose.tls.yaml")], ids=["plain", "tls"])
def test_the_figures_come_and_nothing_is_refused(files, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    tls = len(files) > 1
    with DeployedRedis(tmp_path, tls_server() if tls else find_redis_server(), tls=tls) as server:
        server.admin.config_set("maxmemory", "123mb")
        command = [tool("prometheus-redis-exporter"), "--web.listen-address", address]
        log = (tmp_path / "exporter.log").open("w")
        with subprocess.Popen(command, env=environment(server, *files), stderr=log, stdout=log) as exporter:
            log.close()
            try:
                figures = wait_until(lambda: figures_of(address), 10)
            finally:
                exporter.terminate()
        assert figures["redis_up"] == 1, Path(tmp_path / "exporter.log").read_text()
        assert figures["redis_memory_max_bytes"] == 123 * 2**20
        assert {"redis_memory_used_bytes", "redis_connected_clients", "redis_commands_processed_total"} <= set(figures)
        assert server.refused() == set()
        passwords = json.loads((server.folder / "redis_exporter.json").read_text())
        assert not set(passwords.values()) & set(Path(tmp_path / "exporter.log").read_text().split())


def pod_environment(server: DeployedRedis) -> dict[str, str]:
    """What the Deployment gives it, with the value of its Secret (deploy/kubernetes/README.md)."""
    deployment = next(yaml.safe_load_all((DEPLOY / "kubernetes/components/monitoring/redis_exporter.yaml").read_text("utf-8")))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    password = urlsplit(server.url("metrics")).password
    return os.environ | {one["name"]: one.get("value", password) for one in container["env"]}


@pytest.mark.parametrize("command", [None, "CONFIG"], ids=["as it is", "asking for the configuration"])
def test_in_kubernetes_prometheus_names_the_server_and_nothing_is_refused(command, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    with DeployedRedis(tmp_path, find_redis_server()) as server:
        given = pod_environment(server) | ({"REDIS_EXPORTER_CONFIG_COMMAND": command} if command else {})
        listen = [tool("prometheus-redis-exporter"), "--web.listen-address", address]
        log = (tmp_path / "exporter.log").open("w")
        with subprocess.Popen(listen, env=given, stderr=log, stdout=log) as exporter:
            log.close()
            try:
                figures = wait_until(lambda: figures_of(address, f"scrape?target=redis://localhost:{server.port}"), 10)
            finally:
                exporter.terminate()
        assert figures["redis_up"] == 1, Path(tmp_path / "exporter.log").read_text()
        assert any("config" in one for one in server.refused()) == bool(command)


def figures_of(address: str, path: str = "metrics") -> dict[str, float]:
    try:
        with urllib.request.urlopen(f"http://{address}/{path}", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:  # not listening yet
        return {}
    return {
        name: float(value)
        for name, _, value in (line.partition(" ") for line in lines if line[:1] not in ("#", ""))
        if "{" not in name
    }
