"""What Prometheus sees of the frames that people send; `camera` is browser or upload, never the name that a person chose."""

from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from ferstream.streams.service.metrics import LATENCY_BUCKETS

Kind = Literal["browser", "upload"]

CAPTURED = Counter("fer_frames_captured", "Frames that people sent.", ["camera"])
WRITTEN = Counter("fer_frames_written", "Frames that Redis took.", ["camera"])
DROPPED = Counter("fer_frames_dropped", "Frames given up, by reason.", ["camera", "reason"])
CAMERAS = Gauge("fer_dashboard_browser_cameras", "Browser cameras that are connected.")
REFUSED = Counter("fer_dashboard_senders_refused", "Browser cameras and uploads that were not answered.", ["camera", "status"])
ANSWER = Histogram(
    "fer_dashboard_answer_seconds",
    "From a frame's arrival at the dashboard to its answer's leaving.",
    ["camera"],
    buckets=LATENCY_BUCKETS,
)
