"""A real Redis Cluster on this machine, of three primaries unless said, which keeps no data on disk and ends with its owner."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.crc import key_slot

from ferstream.streams.local.embedded_redis import dismiss, find_redis_server, start_guarded
from ferstream.streams.redis_client.connect import connect

SLOTS = 16384
#: The port at which nodes talk to each other is so far above their own.
BUS = 10_000


class RedisCluster:
    """Starts on construction; `url` names all nodes. Slots are shared out evenly, in the order of `ports`.

    The nodes' own list of each other is in a temporary directory, so that a node that was killed can come back.
    """

    def __init__(
        self,
        executable: str | None = None,
        *,
        primaries: int = 3,
        tls: dict[str, Path] | None = None,
        proxy: Callable[[int], int] | None = None,
    ) -> None:
        """`tls`: certificate, key and authority of the nodes; then they speak TLS only.

        `proxy` puts something before the port of a node and returns its own: that is what clients are told.
        """
        self._executable, self._tls = executable or find_redis_server(), tls
        self.directory = Path(tempfile.mkdtemp(prefix="fer-cluster-"))
        self.ports = free_ports(primaries)
        self._told = {port: proxy(port) if proxy else port for port in self.ports}
        self._scheme, self._query = ("rediss", f"?ssl_ca_certs={tls['tls-ca-cert-file']}") if tls else ("redis", "")
        self.url = f"{self._scheme}+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self._told.values()) + self._query
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._guards: list[subprocess.Popen[bytes]] = []
        try:
            for port in self.ports:
                self.start(port)
            self._form()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "RedisCluster":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def node(self, port: int) -> "redis.Redis":
        """A plain client of one node; the caller closes it."""
        return connect(f"{self._scheme}://127.0.0.1:{port}{self._query}")

    def pid(self, port: int) -> int:
        return self._servers[port].pid

    def port_of(self, key: str) -> int:
        """The node that holds a key by the first sharing out."""
        return self.ports[self._first_holder(key_slot(key.encode()))]

    def flush(self) -> None:
        for port in self.ports:
            with self.node(port) as node:
                node.flushall()

    def start(self, port: int) -> None:
        """Start a node; again, with the same neighbours and without its data, after `kill`."""
        folder = self.directory / str(port)
        folder.mkdir(exist_ok=True)
        settings = {
            **({"port": 0, "tls-port": port, "tls-cluster": "yes", "tls-auth-clients": "no"} if self._tls else {"port": port}),
            **(self._tls or {}),
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-node-timeout": 1000,
            "cluster-require-full-coverage": "no",
            "save": "",
            "appendonly": "no",
            "dir": folder,
            "logfile": folder / "redis.log",
        }
        if (told := self._told.get(port, port)) != port:
            settings |= {"cluster-announce-port": told, "cluster-announce-bus-port": port + BUS}
        command = [self._executable, *(word for name, value in settings.items() for word in (f"--{name}", str(value)))]
        self._servers[port], guard = start_guarded(command, self.directory)
        self._guards.append(guard)
        with self.node(port) as node:
            _wait(node.ping)

    def add_replica(self, primary: int) -> int:
        """A node that takes over when `primary` dies; returns its port when it has a copy of everything."""
        (port,) = free_ports(1)
        self.start(port)
        with self.node(port) as node, self.node(primary) as original:
            node_id = original.execute_command("CLUSTER MYID").decode()
            node.execute_command("CLUSTER MEET", "127.0.0.1", primary)
            _wait(lambda: node.execute_command("CLUSTER REPLICATE", node_id))
            _wait(lambda: node.info("replication")["master_link_status"] == "up")
            for other in self.ports:  # all must know it, or they do not vote for it
                with self.node(other) as peer:
                    _wait(lambda peer=peer: str(port) in str(peer.execute_command("CLUSTER SLOTS")))
        return port

    def kill(self, port: int) -> None:
        """As a crash would."""
        server = self._servers.pop(port)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()

    def move_slot(self, slot: int, source: int, target: int) -> None:
        with self.moving(slot, source, target):
            pass

    @contextmanager
    def moving(self, slot: int, source: int, target: int) -> Iterator[None]:
        """Move a slot as redis-cli's reshard does: the keys one by one, then the slot. They wait where they are until the end."""
        self.begin_move(slot, source, target)
        yield
        while self.move_keys(slot, source, target, 1):
            time.sleep(0.05)  # the others shall meet a slot that is half here, half there
        self.end_move(slot, source, target)

    def begin_move(self, slot: int, source: int, target: int) -> None:
        """From now on both nodes know that the slot is on its way; its keys are where they were."""
        with self.node(source) as old, self.node(target) as new:
            old_id, new_id = (node.execute_command("CLUSTER MYID").decode() for node in (old, new))
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", old_id)
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", new_id)

    def move_keys(self, slot: int, source: int, target: int, most: int) -> int:
        """Move so many keys of a slot whose move has begun; returns how many that were."""
        with self.node(source) as old:
            keys = old.execute_command("CLUSTER GETKEYSINSLOT", slot, most) if most else []
            for key in keys:
                old.execute_command("MIGRATE", "127.0.0.1", target, key, 0, 5000)
        return len(keys)

    def end_move(self, slot: int, source: int, target: int) -> None:
        """The slot, which has no key left at its source, is the target's."""
        with self.node(source) as old, self.node(target) as new:
            new_id = new.execute_command("CLUSTER MYID").decode()
            for node in (new, old):
                node.execute_command("CLUSTER SETSLOT", slot, "NODE", new_id)

    def _first_holder(self, slot: int) -> int:
        """The number of the node that a slot is given to at first."""
        return min(slot * len(self.ports) // SLOTS, len(self.ports) - 1)

    def close(self) -> None:
        for server in self._servers.values():
            server.kill()
            server.wait()
        for guard in self._guards:
            dismiss(guard)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _form(self) -> None:
        for index, port in enumerate(self.ports):
            with self.node(port) as node:
                node.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
                own = (slot for slot in range(SLOTS) if self._first_holder(slot) == index)
                node.execute_command("CLUSTER ADDSLOTS", *own)
                node.execute_command("CLUSTER MEET", "127.0.0.1", self.ports[0])
        for port in self.ports:
            with self.node(port) as node:
                told = set(self._told.values())
                _wait(lambda node=node, told=told: {shard[2][1] for shard in node.execute_command("CLUSTER SLOTS")} == told)
                _wait(lambda node=node: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok")


def _wait(condition, patience_s: float = 15.0) -> None:
    until = time.monotonic() + patience_s
    while True:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        if time.monotonic() > until:
            raise AssertionError(f"not within {patience_s} s")
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports of which the one 10,000 above, where the nodes talk to each other, is free too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            try:
                bus.bind(("127.0.0.1", port + BUS))
            except (OSError, OverflowError):
                continue
            if port not in found:
                found.append(port)
    return found
