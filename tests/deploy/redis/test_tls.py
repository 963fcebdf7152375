"""TLS to Redis with the configuration and the certificates of deploy/, on a real server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deploy.deployed_redis import DEPLOY, OTHER_ADDRESS, DeployedRedis, make_secrets
from tests.support.fleet import WorkerProcess
from tests.support.patience import PROCESS_S
from tests.support.redis_servers import tls_server
from tests.test_path import Producer

MAKE = DEPLOY / "tls" / "make_certificates.sh"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRedis]:
    with DeployedRedis(tmp_path_factory.mktemp("tls"), tls_server(), tls=True) as server:
        yield server


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"from ferstream.{module}.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PROCESS_S)


def test_a_frame_goes_all_the_way_through_tls(server, tmp_path):
    worker_url, consumer_url = server.url("worker"), server.url("consumer")
    assert worker_url.startswith("rediss://")
    with (
        WorkerProcess(worker_url, log=tmp_path / "worker").wait_until_ready() as worker,
        Producer(server.url("producer"), "--fps=5", "--camera=one=portraits:", log=tmp_path / "producer") as producer,
    ):
        said = run("consumer", "tail", "--json", "--count=2", "--idle-timeout=30", "--redis", consumer_url)
        assert [json.loads(line)["camera_id"] for line in said.stdout.splitlines()] == ["one", "one"], said.stderr
        sums = producer.stop()
        assert worker.stop() == 0
    assert sums["captured"] > 0
    assert server.admin.info("server")["tcp_port"] == server.port, "there must be no port without TLS"


COMMANDS = {
    "producer": ["run", "--camera=one=portraits:", "--metrics-port=0"],
    "workers": ["run", "--metrics-port=0"],
    "consumer": ["cameras"],
}


@pytest.mark.parametrize("module", COMMANDS)
def test_an_authority_that_did_not_sign_is_one_clear_line(server, tmp_path, module):
    assert make_secrets(tmp_path, "--tls").returncode == 0
    url = server.url(module.rstrip("s")).replace(str(server.folder), str(tmp_path))
    done = run(module, *COMMANDS[module], "--redis", url)
    assert done.returncode == 3
    assert "Redis's certificate is not trusted: self-signed certificate in certificate chain" in done.stderr
    assert "Traceback" not in done.stderr
    assert url.split(":")[2].partition("@")[0] not in done.stderr


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda url: url.replace("ca.pem", "none.pem"), "none.pem, which ssl_ca_certs names in the Redis URL"),
        (lambda url: url.replace("tls/ca.pem", "redis_users.acl"), "holds no certificate"),
        (lambda url: url.partition("?")[0], "not trusted"),
        (lambda url: url.replace("localhost", OTHER_ADDRESS), "IP address mismatch, certificate is not valid for '127.0.0.2'"),
        (lambda url: f"{url}&ssl_anything=1", "has an option that there is not: 'ssl_anything'"),
    ],
)
def test_other_mistakes_in_the_url_are_clear_too(server, spoil, said):
    done = run("consumer", "cameras", "--redis", spoil(server.url("consumer")))
    assert done.returncode == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_certificates_name_whom_they_are_for(tmp_path):
    subprocess.run([MAKE, tmp_path, "10.1.2.3", "redis.site"], check=True, capture_output=True)
    shown = ["openssl", "x509", "-in", tmp_path / "redis.pem", "-noout", "-ext", "subjectAltName"]
    said = subprocess.run(shown, check=True, capture_output=True, text=True).stdout
    names = {name.strip() for name in said.splitlines()[1].split(",")}
    assert names == {"DNS:redis", "DNS:localhost", "IP Address:127.0.0.1", "IP Address:10.1.2.3", "DNS:redis.site"}


def test_certificates_are_kept_and_their_authority_s_key_is_nobody_s(tmp_path):
    def made() -> dict[str, str]:
        subprocess.run([MAKE, tmp_path], check=True, capture_output=True)
        return {file.name: file.read_text() for file in tmp_path.iterdir()}

    first = made()
    assert set(first) == {"ca.pem", "ca.key", "redis.pem", "redis.key"}
    assert made() == first
    assert Path(tmp_path / "ca.key").stat().st_mode & 0o777 == 0o400
