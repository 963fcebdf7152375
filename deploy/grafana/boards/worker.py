"""Workers: what each is, how busy, where its time goes, and what it could not do."""

from deploy.grafana.boards.board import board, choice
from deploy.grafana.boards.panels import AGE, ANY_IS_BAD, BAD, GOOD, MIDDLING, lines, number, rows

_RATE = "[$__rate_interval]"
_ONE = 'instance=~"$instance"'

NOW = (
    number(
        "Workers ready",
        "Of those chosen above.",
        "none",
        f'sum(fer_ready{{job="fer-worker", {_ONE}}})',
        steps=((None, BAD), (1, GOOD)),
    ),
    number(
        "Frames a second",
        "Results published.",
        "cps",
        f"sum(rate(fer_frames_published_total{{{_ONE}}}{_RATE}))",
        steps=((None, GOOD),),
    ),
    number(
        "Busy",
        "Mean over the workers of the share of time that their busiest stage works.",
        "percentunit",
        f"avg(fer_busy_ratio{{{_ONE}}})",
        steps=((None, GOOD), (0.8, MIDDLING), (0.95, BAD)),
    ),
    number(
        "Age at read, p95",
        "How old frames are when workers take them. Above the objective, workers are too few.",
        "s",
        f'histogram_quantile(0.95, sum by (le) (rate(fer_frame_age_seconds_bucket{{stage="read", {_ONE}}}{_RATE})))',
        steps=AGE,
    ),
    number(
        "Claimed, last hour",
        "Frames taken over from a worker that went silent. A handful when a worker dies; more is trouble.",
        "none",
        f"sum(increase(fer_frames_claimed_total{{{_ONE}}}[1h]))",
        steps=((None, GOOD), (1, MIDDLING), (100, BAD)),
    ),
    number(
        "Dead letters, last hour",
        "Frames kept aside because nothing could be done with them.",
        "none",
        f"sum(increase(fer_frames_dead_total{{{_ONE}}}[1h])) or vector(0)",
        steps=ANY_IS_BAD,
    ),
)

TIME = (
    lines(
        "Stages, p95 of one call",
        "How long one call of a stage takes, for all of its batch. A longer call with a larger batch is no loss.",
        "s",
        (f"histogram_quantile(0.95, sum by (le, stage) (rate(fer_stage_duration_seconds_bucket{{{_ONE}}}{_RATE})))", "{{stage}}"),
    ),
    lines(
        "Seconds of work a second, by stage",
        "Where a worker's time goes: one is a thread that never rests.",
        "none",
        (f"sum by (stage) (rate(fer_stage_duration_seconds_sum{{{_ONE}}}{_RATE}))", "{{stage}}"),
        stacked=True,
    ),
    lines(
        "Batch size, mean",
        "Pictures or faces in one call of a model. Under load they grow to the worker's settings, and each face gets cheaper.",
        "none",
        (
            f"sum by (model) (rate(fer_batch_size_sum{{{_ONE}}}{_RATE}))"
            f" / sum by (model) (rate(fer_batch_size_count{{{_ONE}}}{_RATE}))",
            "{{model}}",
        ),
    ),
    lines(
        "Busy ratio",
        "Share of the last second that the busiest stage worked.",
        "percentunit",
        (f"fer_busy_ratio{{{_ONE}}}", "{{instance}}"),
        steps=((None, GOOD), (0.8, MIDDLING), (0.95, BAD)),
        most=1,
    ),
    lines(
        "Frames received and published",
        "Received counts repeats too.",
        "cps",
        (f"sum by (instance) (rate(fer_frames_received_total{{{_ONE}}}{_RATE}))", "{{instance}} received"),
        (f"sum by (instance) (rate(fer_frames_published_total{{{_ONE}}}{_RATE}))", "{{instance}} published"),
    ),
    lines(
        "Faces",
        "Detected and classified: the two part where frames expire in between.",
        "cps",
        (f"sum(rate(fer_faces_detected_total{{{_ONE}}}{_RATE}))", "detected"),
        (f"sum(rate(fer_faces_classified_total{{{_ONE}}}{_RATE}))", "classified"),
    ),
)

TROUBLE = (
    lines(
        "Frames expired, repeated, claimed",
        "Expired: too old before they could be computed. Repeated: somebody else had ended them. Claimed: taken over.",
        "cps",
        (f"sum(rate(fer_frames_expired_total{{{_ONE}}}{_RATE}))", "expired"),
        (f"sum(rate(fer_frames_repeated_total{{{_ONE}}}{_RATE}))", "repeated"),
        (f"sum(rate(fer_frames_claimed_total{{{_ONE}}}{_RATE}))", "claimed"),
    ),
    lines(
        "Dead letters by reason",
        "Frames kept aside in fer:dead, a second.",
        "cps",
        (f"sum by (reason) (rate(fer_frames_dead_total{{{_ONE}}}{_RATE}))", "{{reason}}"),
    ),
    lines(
        "Redis calls tried again, batches halved",
        "Calls of Redis that failed, by kind; and batches for which the device had no memory, by model.",
        "cps",
        (f"sum by (kind) (rate(fer_redis_errors_total{{{_ONE}}}{_RATE}))", "Redis {{kind}}"),
        (f"sum by (model) (rate(fer_out_of_memory_total{{{_ONE}}}{_RATE}))", "out of memory: {{model}}"),
    ),
    lines(
        "Previews",
        "Small pictures of cameras that somebody looks at. Skipped: frames waited for the time, more workers would bring more.",
        "cps",
        (f"sum by (outcome) (rate(fer_previews_total{{{_ONE}}}{_RATE}))", "{{outcome}}"),
    ),
    lines(
        "Processor time of previews",
        "Share of the workers' processor time that previews take: 2 % while frames wait, more where there is time to spare.",
        "percentunit",
        (
            f"sum(rate(fer_preview_seconds_total{{{_ONE}}}{_RATE}))"
            f' / sum(rate(process_cpu_seconds_total{{job="fer-worker", {_ONE}}}{_RATE}))',
            "previews",
        ),
    ),
    lines(
        "Pending",
        "Frames delivered and not answered, of the whole group; and pending ones found withdrawn by their producer, by worker.",
        "none",
        (f"max(fer_pending_entries{{{_ONE}}})", "pending"),
        (f"fer_pending_trimmed{{{_ONE}}}", "{{instance}} found withdrawn"),
    ),
    lines(
        "Resident memory",
        "Of each worker's process. It is bounded; a line that only climbs is a leak.",
        "bytes",
        (f'process_resident_memory_bytes{{job="fer-worker", {_ONE}}}', "{{instance}}"),
    ),
    lines(
        "Processor time",
        "Cores that each worker's process uses.",
        "none",
        (f'rate(process_cpu_seconds_total{{job="fer-worker", {_ONE}}}{_RATE})', "{{instance}}"),
    ),
)

WHAT = (
    rows(
        "What runs",
        "Each worker's device, runtime, precision and models.",
        "instance",
        (f"fer_worker_info{{{_ONE}}}", "Value"),
        hidden=("__name__", "job", "service", "Value"),
    ),
)


def worker() -> str:
    return board(
        "fer-worker",
        "ferstream: workers",
        "How busy each worker is, where its time goes, and what it could not do.",
        (choice("instance", "Worker", 'label_values(fer_ready{job="fer-worker"}, instance)'),),
        (("Now", NOW), ("Work", TIME), ("Trouble", TROUBLE), ("What runs", WHAT)),
    )
