"""What Prometheus sees of a producer.

The metrics live in a registry of their own, so that tests can have producers and workers in one process; `ALL` serves them
together with the process's own.
"""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from ferstream.streams.service.metrics import LATENCY_BUCKETS

ALL = CollectorRegistry(auto_describe=False)
ALL.register(REGISTRY)

CAPTURED = Counter("fer_frames_captured", "Frames that a camera gave.", ["camera"], registry=ALL)
DROPPED = Counter("fer_frames_dropped", "Frames given up, by reason.", ["camera", "reason"], registry=ALL)
WRITTEN = Counter("fer_frames_written", "Frames that Redis took.", ["camera"], registry=ALL)
RECONNECTS = Counter("fer_camera_reconnects", "Times that a camera came back.", ["camera"], registry=ALL)
LAST_FRAME = Gauge("fer_camera_last_frame_timestamp_seconds", "When a camera gave its last frame.", ["camera"], registry=ALL)
WAITING_BYTES = Gauge("fer_camera_waiting_bytes", "Bytes of a camera's frames that wait in Redis.", ["camera"], registry=ALL)
CLOCK_SKEW = Gauge("fer_clock_skew_seconds", "Seconds that this machine's clock is ahead of Redis's.", registry=ALL)
STAGE_DURATION = Histogram(
    "fer_stage_duration_seconds", "Time that a stage takes for one frame.", ["stage"], buckets=LATENCY_BUCKETS, registry=ALL
)
