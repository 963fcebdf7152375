"""`make bench`: what each stage costs, what the stages together could reach on these cores, and what a whole worker reaches.

Everything is measured in one run on the same pictures, and reported as ratios too, since machines differ and are noisy. Beside
it: the loop that people write today (decode, cv2.dnn face detector, one ViT-B/16 forward a face), where its detector can be had.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from threading import Barrier

import cv2
import numpy as np
import psutil
import redis
import torch

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_frame
from ferstream.streams.wire.messages import Frame, FrameHeader
from ferstream.workers.faces.crop import square_crop
from ferstream.workers.faces.picture import decode_jpeg
from ferstream.workers.models.registry import open_classifier, open_detector
from ferstream.workers.settings import usable_cores
from ferstream.workers.sizing.capacity import write_capacity
from tests.benchmarks.capacity import RedisCosts, capacity_row
from tests.benchmarks.measuring import make_frames, per_item_s
from tests.support.fleet import KEYS, WorkerProcess, results, server_now, wait_until
from tests.support.paths import DATA

CORES = usable_cores()
DETECT_BATCH, CLASSIFY_BATCH = 8, 32


def measure_stages(frames: list[bytes], device: str, precision: str) -> dict[str, float]:
    """Seconds a frame of each stage alone, on one thread."""
    detector = open_detector(None, device, "auto", 1, precision)
    classifier = open_classifier(None, device, "auto", 1, precision)
    pictures = [decode_jpeg(frame, 10**8) for frame in frames[:DETECT_BATCH]]
    boxes = detector(pictures)
    faces = [(picture, box) for picture, found in zip(pictures, boxes, strict=True) for box in found.xyxy]
    size, margin = classifier.card.input_size, classifier.card.margin
    crops = np.stack([square_crop(picture, box, size, margin) for picture, box in faces])
    batch = np.resize(crops, (CLASSIFY_BATCH, size, size, 3))
    each = len(faces) / len(pictures)
    return {
        "faces_per_frame": each,
        "decode_s": per_item_s(lambda: [decode_jpeg(frame, 10**8) for frame in frames[:8]], 8),
        "detect_s": per_item_s(lambda: detector(pictures), len(pictures)),
        "crop_s": per_item_s(lambda: [square_crop(p, b, size, margin) for p, b in faces], len(pictures)),
        "classify_s": per_item_s(lambda: classifier(batch), CLASSIFY_BATCH) * each,
    }


def measure_ceiling(frames: list[bytes], device: str, precision: str, seconds: float) -> float:
    """Frames a second of decode, detect, crop and classify alone: no Redis, no queues, a thread a core, full batches."""
    detector = open_detector(None, device, "auto", CORES, precision)
    classifier = open_classifier(None, device, "auto", CORES, precision)
    together = Barrier(CORES)

    def one_round(first: int) -> None:
        pictures = [decode_jpeg(frames[(first + i) % len(frames)], 10**8) for i in range(DETECT_BATCH)]
        crops = [
            square_crop(picture, box, classifier.card.input_size, classifier.card.margin)
            for picture, boxes in zip(pictures, detector(pictures), strict=True)
            for box in boxes.xyxy
        ]
        for start in range(0, len(crops), CLASSIFY_BATCH):
            classifier(np.stack(crops[start : start + CLASSIFY_BATCH]))

    def work(number: int) -> float:
        one_round(number)  # each thread's first calls allocate and compile: they do not count
        together.wait()
        started, rounds = time.perf_counter(), 0
        while time.perf_counter() < started + seconds:
            one_round(number + rounds * DETECT_BATCH)
            rounds += 1
        return rounds * DETECT_BATCH / (time.perf_counter() - started)

    with ThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(work, range(CORES)))


def add_frame(client: "redis.Redis", number: int, picture: bytes, now: float) -> None:
    """A frame of one of eight cameras, fresh for an hour."""
    header = FrameHeader(
        camera_id=f"camera-{number % 8}", sequence=number, captured_at=now, deadline=now + 3600, width=1280, height=720
    )
    client.xadd(KEYS.frames(0), encode_frame(Frame(header, picture)))


def measure_worker(frames: list[bytes], device: str, precision: str, count: int) -> dict[str, float]:
    """Frames a second of a whole worker out of a full stream, its resident memory, and what it costs Redis."""
    with EmbeddedRedis(max_memory="2gb") as server, tempfile.TemporaryDirectory() as folder:
        client = connect(server.url)
        now, costs = server_now(client), RedisCosts(client)
        for number in range(count):
            add_frame(client, number, frames[number % len(frames)], now)
        held = costs.held(sum(len(frames[number % len(frames)]) for number in range(count)))
        options = ["--threads", str(CORES), "--device", device, "--precision", precision]
        with WorkerProcess(server.url, *options, log=Path(folder) / "log") as worker:
            wait_until(lambda: client.xlen(KEYS.results(0)) >= 64, 120)
            started, first = time.perf_counter(), client.xlen(KEYS.results(0))
            process = psutil.Process(worker.process.pid)
            cpu = sum(process.cpu_times()[:2])
            resident = 0
            while client.xlen(KEYS.frames(0)):
                resident = max(resident, process.memory_info().rss)
                time.sleep(0.2)
            seconds = time.perf_counter() - started
            cpu = sum(process.cpu_times()[:2]) - cpu
            redis_s = costs.seconds(count)
            worker.stop()
        result_bytes = client.memory_usage(KEYS.results(0), samples=0) / count
        client.close()
        return {
            "frames_per_second": (count - first) / seconds,
            "cpu_s_per_frame": cpu / (count - first),
            "resident_mb": resident / 1e6,
            "redis_s": redis_s,
            "redis_bytes_per_picture_byte": held,
            "result_bytes": result_bytes,
        }


def measure_latency(frames: list[bytes], device: str, precision: str, rate: float, seconds: float) -> dict[str, float]:
    """Percentiles from capture to published result, frames coming at a steady rate from eight cameras."""
    with EmbeddedRedis() as server, tempfile.TemporaryDirectory() as folder:
        client = connect(server.url)
        options = ["--threads", str(CORES), "--device", device, "--precision", precision]
        with WorkerProcess(server.url, *options, log=Path(folder) / "log").wait_until_ready() as worker:
            offset = server_now(client) - time.monotonic()
            count, start = int(rate * seconds), time.monotonic()
            for number in range(count):
                time.sleep(max(0.0, start + number / rate - time.monotonic()))
                add_frame(client, number, frames[number % len(frames)], time.monotonic() + offset)
            wait_until(lambda: client.xlen(KEYS.frames(0)) == 0, 60)
            worker.stop()
        captured = {result.sequence: result.captured_at for result in results(client)}
        published = [int(entry_id.split(b"-")[0]) / 1000 for entry_id, _ in client.xrange(KEYS.results(0))]
        client.close()
        latencies = [at - since for at, since in zip(published, captured.values(), strict=True)]
        cuts = quantiles(latencies, n=100, method="inclusive")
        return {"rate": rate, "p50_s": cuts[49], "p95_s": cuts[94], "p99_s": cuts[98]}


def measure_usual_loop(frames: list[bytes], seconds: float) -> dict[str, float] | None:
    """The loop people write: cv2 decodes, cv2.dnn's SSD detects at 300x300, one ViT-B/16 forward a face at 224x224 in torch."""
    shared = DATA / "models"
    weights = shared / "opencv_face_detector_uint8.pb"
    if not weights.exists():
        return None
    import timm

    net = cv2.dnn.readNetFromTensorflow(str(weights), str(shared / "opencv_face_detector.pbtxt"))
    vit = timm.create_model("vit_base_patch16_224", num_classes=8).eval()
    torch.set_num_threads(CORES)
    done, faces, started = 0, 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        picture = cv2.imdecode(np.frombuffer(frames[done % len(frames)], np.uint8), cv2.IMREAD_COLOR)
        net.setInput(cv2.dnn.blobFromImage(picture, 1.0, (300, 300), (104, 177, 123)))
        for _, _, score, x0, y0, x1, y1 in net.forward()[0, 0]:
            if score < 0.5:
                continue
            box = (np.array([x0, y0, x1, y1]).clip(0, 1) * [1280, 720, 1280, 720]).astype(int)
            crop = cv2.resize(picture[box[1] : box[3], box[0] : box[2]], (224, 224))
            with torch.inference_mode():
                vit(torch.from_numpy(crop[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 127.5 - 1)
            faces += 1
        done += 1
    took = time.perf_counter() - started
    return {"frames_per_second": done / took, "faces_per_frame": faces / done}


def as_table(report: dict) -> str:
    stages = report["stages"]
    rows = [
        ("faces a frame", f"{stages['faces_per_frame']:.1f}"),
        *(
            (f"{name} alone, one thread", f"{1000 * stages[f'{name}_s']:.2f} ms a frame")
            for name in ("decode", "detect", "crop", "classify")
        ),
        ("decode + detect + crop + classify alone, all cores", f"{report['ceiling_fps']:.1f} frames a second"),
        ("a whole worker, out of Redis", f"{report['worker']['frames_per_second']:.1f} frames a second"),
        ("faces a second", f"{report['worker']['frames_per_second'] * stages['faces_per_frame']:.0f}"),
        ("ratio", f"{report['ratio']:.2f}"),
        ("processor time a frame", f"{1000 * report['worker']['cpu_s_per_frame']:.1f} ms"),
        ("resident memory", f"{report['worker']['resident_mb']:.0f} MB"),
        (
            f"latency at {report['latency']['rate']:.0f} frames a second (70 %)",
            ", ".join(f"{p} {1000 * report['latency'][f'{p}_s']:.0f} ms" for p in ("p50", "p95", "p99")),
        ),
    ]
    if usual := report["usual_loop"]:
        rows.append(("the usual loop (cv2.dnn SSD, ViT-B/16 a face)", f"{usual['frames_per_second']:.2f} frames a second"))
        rows.append(("a worker is faster by", f"{report['worker']['frames_per_second'] / usual['frames_per_second']:.0f} times"))
    head = f"| {report['cores']} cores, {report['gpu'] or report['device']}, {report['precision']}, 1280x720 JPEG | |\n|---|---|"
    return "\n".join([head, *(f"| {name} | {value} |" for name, value in rows)])


def measure(frames: list[bytes], device: str, precision: str, seconds: float) -> dict:
    """Everything that the table shows."""
    report: dict = {"cores": CORES, "device": device, "precision": precision, "load_before": os.getloadavg()[0]}
    report["gpu"] = torch.cuda.get_device_name() if device == "cuda" else ""
    say("measuring stages ...")
    report["stages"] = measure_stages(frames, device, precision)
    say("measuring the ceiling and the worker ...")
    ceilings = [measure_ceiling(frames, device, precision, seconds / 2)]
    report["worker"] = measure_worker(frames, device, precision, max(256, int(ceilings[0] * seconds)))
    ceilings.append(measure_ceiling(frames, device, precision, seconds / 2))
    report["ceiling_fps"] = sum(ceilings) / 2  # before and after: the machine may have drifted in between
    report["ratio"] = report["worker"]["frames_per_second"] / report["ceiling_fps"]
    say("measuring latency ...")
    report["latency"] = measure_latency(frames, device, precision, 0.7 * report["worker"]["frames_per_second"], seconds)
    return report


def measure_other_faces(device: str, precision: str, count: int) -> dict[str, dict[str, float]]:
    """Whole workers on frames with no face and with one, to hold a plan against."""
    return {str(faces): measure_worker(make_frames(64, faces), device, precision, count) for faces in (0, 1)}


def say(what: str) -> None:
    print(what, file=sys.stderr)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--json", type=Path, help="also write the report here")
    parser.add_argument("--write", type=Path, help="measure what a plan needs, into this file (workers/sizing/capacity.json)")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each measurement")
    arguments = parser.parse_args()
    frames = make_frames(64)
    report = measure(frames, arguments.device, arguments.precision, arguments.seconds)
    if arguments.write:
        say("measuring frames with fewer faces, producers, and other sizes ...")
        count = max(256, int(report["worker"]["frames_per_second"] * arguments.seconds))
        report["other_faces"] = measure_other_faces(arguments.device, arguments.precision, count)
        write_capacity(arguments.write, capacity_row(report, frames, arguments.seconds))
        report["usual_loop"] = None
    else:
        say("measuring the usual loop ...")
        report["usual_loop"] = measure_usual_loop(frames, arguments.seconds)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    print(as_table(report))  # noqa: T201


if __name__ == "__main__":
    main()
