"""A real Redis with the files of deploy/redis: its configuration, and the secrets that make_secrets.py makes for it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import redis

from ferstream.streams.local.embedded_redis import find_redis_server
from ferstream.streams.redis_client.connect import connect
from tests.support.fleet import wait_until
from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S
from tests.support.redis_servers import SERVERS, find_server

DEPLOY = ROOT / "deploy"
#: Reaches the server too, under a name that is not in its certificate.
OTHER_ADDRESS = "127.0.0.2"
ROLES = ("producer", "worker", "consumer", "tracker", "dashboard", "metrics", "admin")


def servers() -> list[str]:
    """The program of each kind of server that there is on this machine, and of the one that tests run on."""
    found = [find_redis_server(), *map(find_server, SERVERS)]
    return list({version_of(server): server for server in found if server}.values())


def version_of(server: str) -> str:
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
    return ".".join(said.split("v=")[1].split(".")[:2])


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def make_secrets(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, DEPLOY / "redis" / "make_secrets.py", "--dir", folder, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PROCESS_S)


class DeployedRedis:
    """Use as a context. `url(role)` is what make_secrets.py wrote for it; `admin` may do everything, which only tests need."""

    def __init__(self, folder: Path, server: str, *, tls: bool = False) -> None:
        self.folder, self.server, self.tls = folder, server, tls
        self.version = version_of(server)
        self.port = free_port()
        self.socket = folder / "redis.sock"
        self.make_secrets()
        self._arguments = [
            "--bind",
            "127.0.0.1",
            OTHER_ADDRESS,
            "--dir",
            str(folder),
            "--aclfile",
            str(folder / "tests.acl"),
            "--unixsocket",
            str(self.socket),
        ]
        self._arguments += self._tls() if tls else ["--port", str(self.port)]

    def make_secrets(self, *arguments: str) -> None:
        """As an operator does, again too; the server sees what changed at ACL LOAD."""
        where = ["--host", "localhost", "--port", str(self.port), "--redis", self.version]
        tls = ["--tls", "--ca", str(self.folder / "tls" / "ca.pem")] if self.tls else []
        done = make_secrets(self.folder, *where, *tls, *arguments)
        assert done.returncode == 0, done.stderr
        users = (self.folder / "redis_users.acl").read_text()
        (self.folder / "tests.acl").write_text(f"{users}user tests on nopass ~* &* +@all\n")

    def _tls(self) -> list[str]:
        """The paths of tls.conf, which are a container's, are replaced by those of this machine."""
        files = {"cert-file": "redis.pem", "key-file": "redis.key", "ca-cert-file": "ca.pem"}
        arguments = ["--tls-port", str(self.port)]
        for option, name in files.items():
            arguments += [f"--tls-{option}", str(self.folder / "tls" / name)]
        return arguments

    def __enter__(self) -> "DeployedRedis":
        settings = (DEPLOY / "redis" / ("tls.conf" if self.tls else "redis.conf")).read_text("utf-8")
        configuration = self.folder / "redis.conf"
        configuration.write_text(settings.replace("/etc/redis/redis.conf", str(DEPLOY / "redis" / "redis.conf")))
        log = (self.folder / "redis.log").open("w")
        self._process = subprocess.Popen([self.server, configuration, *self._arguments], stdout=log, stderr=log)
        log.close()
        wait_until(lambda: self.socket.exists() or self._process.poll() is not None, 10)
        assert self._process.poll() is None, (self.folder / "redis.log").read_text()
        self.admin: redis.Redis = connect(f"unix://{self.socket}?username=tests")
        self.admin.ping()
        return self

    def __exit__(self, *_error: object) -> None:
        self.admin.close()
        self._process.terminate()
        self._process.wait(10)

    def url_file(self, role: str) -> Path:
        return self.folder / f"redis_url_{role}"

    def url(self, role: str) -> str:
        return self.url_file(role).read_text()

    def refused(self) -> set[str]:
        """What the users were refused since it was last asked. Redis 6.2 has no CLIENT SETINFO, which redis-py tries."""
        entries = self.admin.acl_log()
        self.admin.acl_log_reset()
        return {f"{entry['username']}: {entry['reason']} {entry['object']}" for entry in entries if entry["object"] != "client"}


def clean_environment() -> dict[str, str]:
    """This environment without a FER_ variable, which would be an option of a program."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FER_")}
