"""Cameras: which give frames, which lose them and why, and what their producers do with them."""

from deploy.grafana.boards.board import board, choice
from deploy.grafana.boards.panels import ANY_IS_BAD, BAD, GOOD, MIDDLING, lines, number, rows

_RATE = "[$__rate_interval]"
_ONE = 'camera=~"$camera"'

NOW = (
    number(
        "Cameras with frames",
        "Of those chosen above: cameras that gave a frame in the last two minutes.",
        "none",
        f"count(fer:camera_silent:bool{{{_ONE}}} == 0) or vector(0)",
        steps=((None, BAD), (1, GOOD)),
    ),
    number("Silent", "Cameras without one.", "none", f"sum(fer:camera_silent:bool{{{_ONE}}})", steps=ANY_IS_BAD),
    number(
        "Frames a second",
        "What the cameras give, before the frame-rate cap.",
        "cps",
        f"sum(rate(fer_frames_captured_total{{{_ONE}}}{_RATE}))",
        steps=((None, GOOD),),
    ),
    number(
        "Given up",
        "Share of the frames captured that were dropped, not counting those over the frame-rate cap.",
        "percentunit",
        f'(sum(rate(fer_frames_dropped_total{{{_ONE}, reason!="rate"}}[5m])) or vector(0))'
        f" / sum(rate(fer_frames_captured_total{{{_ONE}}}[5m]))",
        steps=((None, GOOD), (0.01, MIDDLING), (0.05, BAD)),
    ),
    number(
        "Reconnects, last hour",
        "Times that cameras came back.",
        "none",
        f"sum(increase(fer_camera_reconnects_total{{{_ONE}}}[1h]))",
        steps=((None, GOOD), (1, MIDDLING), (20, BAD)),
    ),
    number(
        "Waiting in Redis",
        "Bytes of the cameras' frames that nobody has answered yet.",
        "bytes",
        f"sum(fer_camera_waiting_bytes{{{_ONE}}})",
        steps=((None, GOOD),),
    ),
)

EACH = (
    rows(
        "Each camera",
        "What each gives and loses. It needs camera labels; fer-consumer cameras does without.",
        "camera",
        (f"sum by (camera) (rate(fer_frames_captured_total{{{_ONE}}}[5m]))", "Captured"),
        (f"sum by (camera) (rate(fer_frames_written_total{{{_ONE}}}[5m]))", "Written"),
        (f"sum by (camera) (rate(fer_frames_published_total{{{_ONE}}}[5m]))", "Answered"),
        (f"time() - max by (camera) (fer_camera_last_frame_timestamp_seconds{{{_ONE}}})", "Last frame"),
        (f"sum by (camera) (increase(fer_camera_reconnects_total{{{_ONE}}}[1h]))", "Reconnects in an hour"),
        (f"sum by (camera) (fer_camera_waiting_bytes{{{_ONE}}})", "Waiting"),
        units={"Captured": "cps", "Written": "cps", "Answered": "cps", "Last frame": "s", "Waiting": "bytes"},
        link=("Only this camera", "/d/fer-camera?${datasource:queryparam}&var-camera=${__value.raw}"),
    ),
)

OVER_TIME = (
    lines(
        "Captured",
        "Frames a second that each camera gives.",
        "cps",
        (f"sum by (camera) (rate(fer_frames_captured_total{{{_ONE}}}{_RATE}))", "{{camera}}"),
    ),
    lines(
        "Written",
        "Frames a second that Redis took.",
        "cps",
        (f"sum by (camera) (rate(fer_frames_written_total{{{_ONE}}}{_RATE}))", "{{camera}}"),
    ),
    lines(
        "Dropped by reason",
        "rate: over the cap, as asked for. busy: the producer's processor. budget, trimmed: workers too slow or away. "
        "redis_*: Redis.",
        "cps",
        (f"sum by (reason) (rate(fer_frames_dropped_total{{{_ONE}}}{_RATE}))", "{{reason}}"),
        stacked=True,
    ),
    lines(
        "Seconds since the last frame",
        "By Redis's clock at capture and Prometheus's now.",
        "s",
        (f"time() - fer_camera_last_frame_timestamp_seconds{{{_ONE}}}", "{{camera}}"),
        steps=((None, GOOD), (10, MIDDLING), (60, BAD)),
    ),
    lines(
        "Waiting in Redis",
        "Bytes of each camera, up to its budget_bytes; there its oldest frames go.",
        "bytes",
        (f"fer_camera_waiting_bytes{{{_ONE}}}", "{{camera}}"),
    ),
    lines(
        "Faces a frame",
        "Faces detected for each frame published: a camera that drops to zero looks at a wall, or is dirty.",
        "none",
        (
            f"sum by (camera) (rate(fer_faces_detected_total{{{_ONE}}}{_RATE}))"
            f" / sum by (camera) (rate(fer_frames_published_total{{{_ONE}}}{_RATE}))",
            "{{camera}}",
        ),
    ),
    lines(
        "Encoding and writing, p95",
        "How long producers take for a frame's JPEG, and for its way into Redis.",
        "s",
        (
            'histogram_quantile(0.95, sum by (le, stage) (rate(fer_stage_duration_seconds_bucket{job="fer-producer"}'
            f"{_RATE})))",
            "{{stage}}",
        ),
    ),
    lines(
        "Reconnects",
        "In five minutes, by camera.",
        "none",
        (f"sum by (camera) (increase(fer_camera_reconnects_total{{{_ONE}}}[5m]))", "{{camera}}"),
    ),
    lines(
        "Producers' processor time",
        "Cores that each producer uses. Decoding video is most of it.",
        "none",
        (f'rate(process_cpu_seconds_total{{job="fer-producer"}}{_RATE})', "{{instance}}"),
    ),
)


def camera() -> str:
    return board(
        "fer-camera",
        "ferstream: cameras",
        "Which cameras give frames, which lose them, and why.",
        (choice("camera", "Camera", "label_values(fer_frames_captured_total, camera)"),),
        (("Now", NOW), ("Each camera", EACH), ("Over time", OVER_TIME)),
    )
