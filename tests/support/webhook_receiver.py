"""A receiver of webhooks that misbehaves as it is told: in a thread of the test, or as a process that can be killed.

As a process, `python -m tests.support.webhook_receiver PORT FILE N` takes everything, and appends what it took to FILE
before it answers. It dies by SIGKILL when it has taken N requests, before it answers the last; for 0 never.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S


class Receiver(ThreadingHTTPServer):
    """Answers as the next of `answers` says, and 200 when there are none left; `requests` are the headers and bodies that
    came.

    An answer is a status, or (status, headers), or "hang", "drip" (a byte of the answer now and then), "close" (no answer, though
    the request was taken), "cut" (the connection is closed in the middle of the answer).
    """

    daemon_threads = True

    def __init__(self, port=0, context: ssl.SSLContext | None = None):
        super().__init__(("127.0.0.1", port), Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.answers, self.requests = deque(), []
        self.came, self.closing = threading.Condition(), threading.Event()
        self.kept: Path | None = None
        self.dies_after = 0

    def wait_for(self, count):
        """Until so many requests came."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.requests) >= count, PROCESS_S)

    def handle_error(self, *_):
        """Whoever sends hangs up on us, as is asked for."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/path-that-is-secret?token=query-that-is-secret"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with self.server.came:
            self.server.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.server.came.notify_all()
        if self.server.kept is not None:
            with self.server.kept.open("ab") as file:
                file.write(json.dumps([self.headers["webhook-id"], json.loads(body)]).encode() + b"\n")
            if len(self.server.requests) == self.server.dies_after:
                os.kill(os.getpid(), signal.SIGKILL)
        answer = self.server.answers.popleft() if self.server.answers else 200
        if isinstance(answer, str):
            getattr(self, answer)()
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        self.send_response_only(status)
        text = b"no, because" if status >= 300 else b""
        for name, value in {**headers, "content-length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def hang(self):
        self.server.closing.wait()

    def drip(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not self.server.closing.wait(0.05):
            self.wfile.write(b"x")

    def close(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def cut(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-le")
        self.close()

    def log_message(self, *_):
        pass


@contextmanager
def receiver(**given):
    """A receiver in a thread of this process."""
    server = Receiver(**given)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def start_process(port: int, kept: Path, dies_after: int = 0) -> subprocess.Popen:
    """The receiver as a process, when it listens."""
    command = [sys.executable, "-m", "tests.support.webhook_receiver", str(port), str(kept), str(dies_after)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == b"listening\n"
    return process


if __name__ == "__main__":
    server = Receiver(int(sys.argv[1]))
    server.kept, server.dies_after = Path(sys.argv[2]), int(sys.argv[3])
    print("listening", flush=True)  # noqa: T201 - for whoever started it
    server.serve_forever()
