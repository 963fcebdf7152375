"""The pods of the overlay cpu as processes on this machine: their variables, their files, a real Redis with the roles' rights."""

import signal
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet
import pytest

from ferstream.streams.local.embedded_redis import find_redis_server
from tests.support.deploy.deployed_redis import DeployedRedis, clean_environment, free_port
from tests.support.deploy.kubernetes_manifests import named, overlay
from tests.support.deploy.pod_process import SECRETS, under, variables, write_volumes
from tests.support.fleet import wait_until

PODS = {
    "fer-producer-0": "StatefulSet",
    "fer-producer-1": "StatefulSet",
    "fer-worker-5d8c": "Deployment",
    "fer-consumer-0": "StatefulSet",
}


class Pod:
    """One process of a manifest. Use as a context."""

    def __init__(self, name: str, secrets: dict[str, dict[str, str]], root: Path) -> None:
        manifests = overlay("cpu")
        workload = named(manifests, PODS[name], name.rpartition("-")[0])
        pod = workload["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        write_volumes(manifests, workload, secrets, root)
        self.port, self.grace_s, self.log = free_port(), pod["terminationGracePeriodSeconds"], root / "log"
        program = workload["metadata"]["name"]
        self.environment = {key: under(root, value) for key, value in variables(manifests, container, name).items()}
        self.environment |= {f"{program.upper().replace('-', '_')}_METRICS_PORT": str(self.port), "OMP_NUM_THREADS": "1"}
        self._command = [str(Path(sys.executable).with_name(program)), *container["args"]]

    def __enter__(self) -> "Pod":
        with self.log.open("w") as log:
            environment = clean_environment() | self.environment
            self._process = subprocess.Popen(self._command, env=environment, stdout=log, stderr=log)
        return self

    def ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:  # not ready, or not there yet
            return False

    def terminate(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(self.grace_s)

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.mark.slow
def test_pods_work_together_and_leave_when_told(tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = find_redis_server()
    assert server
    with DeployedRedis(folder, server) as redis_server, ExitStack() as stack:
        secrets = SECRETS | {
            f"fer-redis-{role}": {"redis_url": redis_server.url(role)} for role in ("producer", "worker", "consumer")
        }
        secrets["fer-cameras"] = {"door": "portraits:", "hall": "portraits:"}
        pods = {name: stack.enter_context(Pod(name, secrets, tmp_path / name)) for name in PODS}
        for pod in pods.values():
            wait_until(pod.ready, 60)
        wait_until(lambda: redis_server.admin.xlen("fer:results:{0}") >= 40, 60)
        assert {name: pod.terminate() for name, pod in pods.items()} == dict.fromkeys(PODS, 0)
        assert redis_server.refused() == set()
        assert redis_server.admin.xinfo_consumers("fer:frames:{0}", "workers") == []  # the worker took its name along
    files = list((tmp_path / "fer-consumer-0" / "events").rglob("*.parquet"))
    cameras = {camera for file in files for camera in pyarrow.parquet.read_table(file)["camera_id"].to_pylist()}
    assert cameras == {"door", "hall"}
