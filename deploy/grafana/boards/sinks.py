"""Sinks: whether what is kept keeps up, and what does not get there."""

from deploy.grafana.boards.board import board
from deploy.grafana.boards.panels import AGE, ANY_IS_BAD, BAD, GOOD, MIDDLING, lines, number

_RATE = "[$__rate_interval]"

NOW = (
    number(
        "Behind",
        "How old what the slowest sink wrote last was, since it was published.",
        "s",
        "max(fer_sink_lag_seconds)",
        steps=((None, GOOD), (10, MIDDLING), (60, BAD)),
    ),
    number(
        "Waiting for their store",
        "Sinks whose store does not take what was read. They try again, and read nothing meanwhile.",
        "none",
        "sum(fer_sink_waiting) or vector(0)",
        steps=ANY_IS_BAD,
    ),
)

STORES = (
    lines(
        "Records written",
        "Results, events and minutes a second, by kind of sink.",
        "cps",
        (f"sum by (kind, of) (rate(fer_sink_records_total{_RATE}))", "{{kind}}: {{of}}"),
    ),
    lines(
        "Behind, by sink",
        "How old what each wrote last was, since it was published.",
        "s",
        ("max by (kind, of) (fer_sink_lag_seconds)", "{{kind}}: {{of}}"),
        steps=((None, GOOD), (10, MIDDLING), (60, BAD)),
    ),
    lines(
        "Batches that failed",
        "unavailable: tried again, nothing is lost. refused: the sink has ended, and its log says why.",
        "cps",
        (f"sum by (kind, reason) (rate(fer_sink_errors_total{_RATE}))", "{{kind}}: {{reason}}"),
    ),
    lines(
        "Writing a batch, p95",
        "How long the store takes for a batch. Where batches grow as well, the store is too slow.",
        "s",
        (f"histogram_quantile(0.95, sum by (kind, le) (rate(fer_sink_write_seconds_bucket{_RATE})))", "{{kind}}"),
    ),
    lines(
        "Records a batch",
        "What came together while the batch before was written, or within --batch-seconds.",
        "none",
        (
            f"sum by (kind) (rate(fer_sink_records_total{_RATE})) / sum by (kind) (rate(fer_sink_batches_total{_RATE}))",
            "{{kind}}",
        ),
    ),
    lines(
        "Bytes written",
        "Lines of files, before they are compressed to Parquet where that is asked for.",
        "Bps",
        (f"sum by (instance) (rate(fer_sink_bytes_total{_RATE}))", "{{instance}}"),
    ),
    lines(
        "Results logged",
        "What fer-consumer log writes, and what was gone or unreadable before it could.",
        "cps",
        (f"sum(rate(fer_results_logged_total{_RATE}))", "logged"),
        (f"sum(rate(fer_results_lost_total{_RATE}))", "lost"),
        (f"sum by (reason) (rate(fer_results_undecodable_total{_RATE}))", "unreadable: {{reason}}"),
    ),
    lines(
        "Too late",
        "Results that came after newer ones, where faces are followed: kept without a track, or left out of their minute.",
        "cps",
        (f"sum(rate(fer_results_late_total{_RATE}))", "without a track"),
        (f"sum(rate(fer_minute_results_left_out_total{_RATE}))", "left out of a minute"),
    ),
    lines(
        "Bytes logged",
        "JSON lines written to the log, before they are compressed to Parquet where that is asked for.",
        "Bps",
        (f"sum by (instance) (rate(fer_log_bytes_total{_RATE}))", "{{instance}}"),
    ),
    lines(
        "Refused by webhooks, unseen by rules",
        "Records that a webhook's receiver refused for good, and times that did not count for a rule, since nobody saw the face.",
        "cps",
        (f"sum(rate(fer_sink_dead_letters_total{_RATE}))", "dead letters"),
        (f"sum(rate(fer_rule_holes_total{_RATE}))", "holes"),
    ),
    lines(
        "Capture to published, of what is logged, p95",
        "The same latency as a subscriber sees it, from the times in the results.",
        "s",
        (f"histogram_quantile(0.95, sum by (le) (rate(fer_result_latency_seconds_bucket{_RATE})))", "p95"),
        steps=AGE,
    ),
)


def sinks() -> str:
    return board(
        "fer-sinks",
        "ferstream: sinks",
        "What is kept, how far behind it is, and what does not get there.",
        (),
        (("Now", NOW), ("Stores", STORES)),
    )
