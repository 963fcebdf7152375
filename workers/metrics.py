"""What Prometheus sees of a worker."""

from prometheus_client import Counter, Gauge, Histogram

from ferstream.streams.service.metrics import LATENCY_BUCKETS

INFO = Gauge(
    "fer_worker_info",
    "Always 1; the labels tell what computes the models, and which they are.",
    ["device", "runtime", "precision", "detector", "classifier"],
)
FRAME_AGE = Histogram(
    "fer_frame_age_seconds", "Age of a frame, since its capture, when a stage begins.", ["stage"], buckets=LATENCY_BUCKETS
)
STAGE_DURATION = Histogram(
    "fer_stage_duration_seconds", "Time that one call of a stage took, for all of its batch.", ["stage"], buckets=LATENCY_BUCKETS
)
END_TO_END = Histogram(
    "fer_end_to_end_latency_seconds", "From a frame's capture to its published result.", buckets=LATENCY_BUCKETS
)
BATCH_SIZE = Histogram(
    "fer_batch_size",
    "Pictures or faces in one call of a model.",
    ["model"],
    buckets=(1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128),
)
RECEIVED = Counter("fer_frames_received_total", "Frames taken from Redis, repeats included.", ["camera"])
PUBLISHED = Counter("fer_frames_published_total", "Frames that a result of this worker ended.", ["camera"])
REPEATED = Counter("fer_frames_repeated_total", "Results of frames that somebody else had ended or withdrawn.", ["camera"])
EXPIRED = Counter("fer_frames_expired_total", "Frames given up because their deadline had passed.", ["camera"])
DEAD = Counter("fer_frames_dead_total", "Frames kept aside as dead letters.", ["reason"])
CLAIMED = Counter("fer_frames_claimed_total", "Frames taken over from a worker that went silent.")
FACES_DETECTED = Counter("fer_faces_detected_total", "Faces that the detector found.", ["camera"])
FACES_CLASSIFIED = Counter("fer_faces_classified_total", "Faces classified, by the emotion named, or unknown.", ["emotion"])
OUT_OF_MEMORY = Counter("fer_out_of_memory_total", "Batches halved because the device had no memory for them.", ["model"])
PREVIEWS = Counter(
    "fer_previews_total", "Previews made, skipped because frames waited for the time, or failed, of watched cameras.", ["outcome"]
)
PREVIEW_SECONDS = Counter("fer_preview_seconds_total", "Processor time that previews took.")
REDIS_ERRORS = Counter("fer_redis_errors_total", "Calls of Redis that failed and were tried again.", ["kind"])
BUSY = Gauge("fer_busy_ratio", "Share of the last second that the busiest stage's threads worked.")
PENDING = Gauge("fer_pending_entries", "Entries delivered to the group's workers and not answered yet.")
STREAM_BYTES = Gauge("fer_stream_bytes", "Memory that Redis uses for a frame stream.", ["shard"])
STREAM_ENTRIES = Gauge("fer_stream_entries", "Frames of a stream that nobody has ended yet: those in flight.", ["shard"])
ACCOUNT = Gauge(
    "fer_account_frames",
    "Redis's account of every frame; each worker tells the same, dead and dropped without reasons.",
    ["outcome"],
)
BALANCE = Gauge("fer_account_balance", "Frames that stand in no column of Redis's account, or in two: 0, or something is broken.")
TRIMMED = Gauge("fer_pending_trimmed", "Pending entries found withdrawn by their producer, which counted them.")
CLOCK_SKEW = Gauge("fer_clock_skew_seconds", "By how much this machine's clock is ahead of Redis's.")


def total(counter: Counter) -> int:
    """A counter's sum over its labels."""
    return int(sum(sample.value for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")))


def totals() -> dict[str, int | dict[str, int]]:
    """The sums of this process's counters, for the line that it prints at its end."""

    def by(counter: Counter, label: str) -> dict[str, int]:
        samples = [sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")]
        return {sample.labels[label]: int(sample.value) for sample in samples}

    return {
        "received": total(RECEIVED),
        "published": total(PUBLISHED),
        "repeated": total(REPEATED),
        "expired": total(EXPIRED),
        "dead": total(DEAD),
        "dead_by_reason": by(DEAD, "reason"),
        "claimed": total(CLAIMED),
        "faces_detected": total(FACES_DETECTED),
        "faces_classified": total(FACES_CLASSIFIED),
        "emotions": by(FACES_CLASSIFIED, "emotion"),
    }
