"""What `make bench` measures for sizing/capacity.json beside the stages: Redis's share, producers, other sizes of frames."""

import platform
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import av
import cv2
import psutil
import redis
import simplejpeg

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.workers.faces.picture import decode_jpeg
from ferstream.workers.sizing.capacity import MOST_FACES, Capacity
from tests.benchmarks.measuring import per_item_s

HEIGHTS = (360, 480, 720, 1080)


class RedisCosts:
    """What a worker's run costs the server, from INFO before the first frame and after the last."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._cpu_s, self._bytes = self._now()

    def _now(self) -> tuple[float, int]:
        info = self._client.info()
        return info["used_cpu_user"] + info["used_cpu_sys"], info["used_memory"]

    def held(self, picture_bytes: int) -> float:
        """Bytes of Redis for each byte of the pictures it holds now."""
        return (self._now()[1] - self._bytes) / picture_bytes

    def seconds(self, frames: int) -> float:
        """Processor time a frame, so far."""
        return (self._now()[0] - self._cpu_s) / frames


def measure_heights(frames: list[bytes]) -> dict[str, dict[str, float]]:
    """Seconds to decode, and bytes, of the same pictures at each height."""
    measured: dict[str, dict[str, float]] = {"decode_s": {}, "frame_bytes": {}}
    for height in HEIGHTS:
        size = (height * 16 // 9, height)
        pictures = [cv2.resize(decode_jpeg(frame, 10**8), size, interpolation=cv2.INTER_AREA) for frame in frames[:8]]
        scaled = [simplejpeg.encode_jpeg(picture, quality=85, colorsubsampling="420") for picture in pictures]
        measured["decode_s"][str(height)] = per_item_s(partial(_decode_all, scaled), len(scaled))
        measured["frame_bytes"][str(height)] = sum(map(len, scaled)) // len(scaled)
    return measured


def _decode_all(pictures: list[bytes]) -> None:
    for picture in pictures:
        decode_jpeg(picture, 10**8)


def write_video(path: Path, frames: list[bytes], fps: int = 25) -> None:
    """The pictures as H.264, as a camera sends them."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(decode_jpeg(frame, 10**8), "rgb24")))
        container.mux(stream.encode())


def measure_producer(frames: list[bytes], seconds: float, cameras: int = 4) -> dict[str, float]:
    """Core seconds a second of reading a 720p camera at 25 frames a second, and core seconds of each frame written."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "camera.mp4"
        write_video(video, frames)
        few, many = (_producer_s(video, fps, seconds, cameras) for fps in (1, 10))
    frame_s = (many - few) / 9
    return {"producer_camera_s": few - frame_s, "producer_frame_s": frame_s}


def _producer_s(video: Path, fps: int, seconds: float, cameras: int) -> float:
    """Core seconds a second of one camera."""
    with EmbeddedRedis() as server:
        names = [f"--camera=camera-{number}={video}" for number in range(cameras)]
        command = [
            "from ferstream.producer.cli import main; main()",
            "run",
            "--redis",
            server.url,
            "--metrics-port",
            "0",
            "--loop",
        ]
        process = subprocess.Popen(
            [sys.executable, "-c", *command, "--log-level", "error", "--fps", str(fps), *names], start_new_session=True
        )
        try:
            time.sleep(3)  # opening files and the first look at each are not what goes on
            watched = psutil.Process(process.pid)
            before, since = sum(watched.cpu_times()[:2]), time.perf_counter()
            time.sleep(seconds)
            return (sum(watched.cpu_times()[:2]) - before) / (time.perf_counter() - since) / cameras
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def machine_name() -> str:
    """The processor's own name for itself."""
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def capacity_row(report: dict, frames: list[bytes], seconds: float) -> Capacity:
    """The row for a report of this run; measures heights and producers now."""
    stages, worker = report["stages"], report["worker"]
    faces = stages["faces_per_frame"]
    heights = measure_heights(frames)
    none, some = report["other_faces"]["0"], worker
    return Capacity(
        device=report["device"],
        precision=report["precision"],
        machine=report["gpu"] or machine_name(),
        cores=report["cores"],
        measured_on=datetime.now(UTC).date().isoformat(),
        load_before=report["load_before"],
        detect_s=stages["detect_s"],
        crop_s=stages["crop_s"] / faces,
        classify_s=stages["classify_s"] / faces,
        frames_per_second={
            **{faces: each["frames_per_second"] for faces, each in report["other_faces"].items()},
            str(MOST_FACES): worker["frames_per_second"],
        },
        resident_bytes=int(worker["resident_mb"] * 1e6),
        redis_s=worker["redis_s"],
        redis_bytes_per_picture_byte=worker["redis_bytes_per_picture_byte"],
        result_bytes=none["result_bytes"],
        result_bytes_per_face=(some["result_bytes"] - none["result_bytes"]) / faces,
        **heights,
        **measure_producer(frames, seconds),
    )
