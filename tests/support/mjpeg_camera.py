"""An IP camera that speaks MJPEG over HTTP, as many do, and can be told to misbehave while it is watched."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self

import numpy as np
import simplejpeg

Mood = Literal["well", "frozen", "stalled", "dribbling", "gone"]

#: A camera that dribbles sends so few bytes at once, and waits a tick after each.
DRIBBLE_BYTES = 20


class MjpegCamera:
    """Serves one stream on a port of its own. `mood` and `size` (width, height) may be changed at any time.

    frozen: the same picture over and over. stalled: connected, and not a byte. dribbling: a few bytes at a time, so that no
    read times out and no picture ends. gone: connections end, and new ones are refused a picture.
    """

    def __init__(self, fps: float, size: tuple[int, int] = (160, 120)) -> None:
        self.fps, self.size = fps, size
        self.mood: Mood = "well"
        self._closed = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.serve(self)

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/stream.mjpg"
        threading.Thread(target=self._server.serve_forever, name="mjpeg-camera", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """One viewer, until it leaves."""
        if self.mood == "gone":
            handler.send_error(503)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        number = 0
        while not self._closed.wait(1 / self.fps) and self.mood != "gone":
            number += self.mood != "frozen"
            part = self._part(number)
            try:
                if self.mood == "dribbling":
                    handler.wfile.write(part[:DRIBBLE_BYTES])
                elif self.mood != "stalled":
                    handler.wfile.write(part)
                handler.wfile.flush()
            except OSError:  # it left
                return
            if self.mood == "dribbling":
                self._dribble(handler, part[DRIBBLE_BYTES:])

    def _dribble(self, handler: BaseHTTPRequestHandler, rest: bytes) -> None:
        while rest and self.mood == "dribbling" and not self._closed.is_set():
            time.sleep(1 / self.fps)
            try:
                handler.wfile.write(rest[:DRIBBLE_BYTES])
            except OSError:  # it left
                return
            rest = rest[DRIBBLE_BYTES:]

    def _part(self, number: int) -> bytes:
        width, height = self.size
        picture = np.full((height, width, 3), 90, np.uint8)
        at = number * 4 % width
        picture[:, at : at + 4] = 220
        jpeg = simplejpeg.encode_jpeg(picture, quality=70)
        return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n"
