"""The fleet at a glance: is the objective met, where does every frame go, and what is in its way."""

from deploy.grafana.boards.board import board
from deploy.grafana.boards.panels import AGE, ANY_IS_BAD, BAD, GOOD, MIDDLING, heat, lines, number, rows

_RATE = "[$__rate_interval]"

OBJECTIVE = (
    number(
        "Answered within 1 s, last hour",
        "Share of the frames offered whose result was out within one second of their capture. The objective is 99 %.",
        "percentunit",
        '1 - sum without (window) (fer:frames_missed:ratio{window="1h"})',
        steps=((None, BAD), (0.95, MIDDLING), (0.99, GOOD)),
    ),
    number(
        "Error budget left, 30 days",
        "One frame in a hundred may be late or lost in 30 days. This is the share of that budget that is left.",
        "percentunit",
        "fer:error_budget_left:ratio",
        steps=((None, BAD), (0, MIDDLING), (0.25, GOOD)),
    ),
    number(
        "Alerts firing",
        "How many; the table below names them.",
        "none",
        'count(ALERTS{alertstate="firing", alertname=~"Fer.+"}) or vector(0)',
        steps=ANY_IS_BAD,
    ),
    number(
        "Cameras silent",
        "Cameras that gave no frame for two minutes. Without camera labels it counts producers all of whose cameras are silent.",
        "none",
        "sum(fer:camera_silent:bool) or vector(0)",
        steps=ANY_IS_BAD,
    ),
    number(
        "Workers ready",
        "Workers whose /readyz says that work may be expected of them.",
        "none",
        'sum(fer_ready{job="fer-worker"}) or vector(0)',
        steps=((None, BAD), (1, GOOD)),
    ),
    number(
        "Capture to result, p95",
        "Nineteen frames in twenty are answered within this time.",
        "s",
        f"histogram_quantile(0.95, sum by (le) (rate(fer_end_to_end_latency_seconds_bucket{_RATE})))",
        steps=AGE,
    ),
)

ACCOUNT = (
    lines(
        "Where every frame goes",
        "The thick line is what cameras gave; the areas under it are what became of it. A gap between them is what grows "
        "in Redis, or what nobody can account for: see the two panels to the right.",
        "cps",
        ("sum(rate(fer_frames_captured_total[5m]))", "captured"),
        ("sum(rate(fer_frames_published_total[5m]))", "published"),
        ("sum by (reason) (rate(fer_frames_dropped_total[5m])) > 0", "dropped: {{reason}}"),
        ("sum(rate(fer_frames_expired_total[5m])) > 0", "expired"),
        ("sum(rate(fer_frames_dead_total[5m])) > 0", "dead"),
        stacked=True,
        line_over_the_stack="captured",
        span=12,
    ),
    lines(
        "Not accounted for",
        "Captured less published, dropped, expired, dead, and what was added to the frames in flight, as a share of captured. "
        "It is zero but for the moments between two scrapes, the first minutes of a process, and processes that were killed.",
        "percentunit",
        ("fer:frames_unaccounted:ratio10m", "not accounted for"),
        steps=((None, BAD), (-0.05, GOOD), (0.05, BAD)),
        span=6,
    ),
    lines(
        "In flight",
        "Frames in Redis that nobody has ended yet, and how many of them workers hold.",
        "none",
        ("fer:frames_in_flight:sum", "in Redis"),
        ("max(fer_pending_entries)", "of those, held by workers"),
        span=6,
    ),
    lines(
        "Where every frame goes, by Redis's account",
        "The same from the account in Redis, which is exact whoever was killed. It also has frames that nobody was there to "
        "count: those of killed producers, and what was taken out of Redis by hand.",
        "cps",
        ('max by (outcome) (rate(fer_account_frames{outcome!="in_flight"}[5m]))', "{{outcome}}"),
        span=18,
    ),
    number(
        "Balance of Redis's account",
        "Captured less all other columns. Anything but 0 is a mistake in ferstream, or producers up to 0.2.0 that still run: "
        "their frames are counted when they end, and until then they stand here below zero.",
        "none",
        "max(fer_account_balance)",
        steps=((None, BAD), (0, GOOD), (1, BAD)),
        span=6,
    ),
)

LATENCY = (
    lines(
        "Age of frames when a stage begins, p95",
        "Where frames grow old. A high line for read means that they wait for workers: add some. A jump between two stages "
        "means that the first of them is slow.",
        "s",
        (
            f"histogram_quantile(0.95, sum by (le, stage) (rate(fer_frame_age_seconds_bucket{_RATE})))",
            "{{stage}}",
        ),
        steps=AGE,
        span=12,
    ),
    heat(
        "Capture to result",
        "How many frames were answered after how long. A second band shows a group of cameras or workers that differs.",
        "s",
        "fer_end_to_end_latency_seconds_bucket",
    ),
)

LOAD = (
    lines(
        "Busy ratio by worker",
        "Share of the last second that a worker's busiest stage worked. Near one there is no room; autoscaling looks at it too.",
        "percentunit",
        ("fer_busy_ratio", "{{instance}}"),
        steps=((None, GOOD), (0.8, MIDDLING), (0.95, BAD)),
        most=1,
    ),
    lines(
        "Faces by emotion",
        "Faces classified a second, by the emotion that is named, or unknown.",
        "cps",
        (f"sum by (emotion) (rate(fer_faces_classified_total{_RATE}))", "{{emotion}}"),
        stacked=True,
    ),
    lines(
        "Clocks",
        "Seconds that each machine's clock is ahead of Redis's. Frames carry Redis's time, so nothing is lost; logs mislead.",
        "s",
        ("fer_clock_skew_seconds", "{{job}} {{instance}}"),
        steps=((None, BAD), (-1, GOOD), (1, BAD)),
    ),
)

PAGE = (
    lines(
        "Pages and what they are sent",
        "Pages that are connected to fer-dashboard, and pictures that they are sent a second.",
        "none",
        ("sum(fer_dashboard_viewers)", "pages"),
        (f"sum(rate(fer_dashboard_pictures_sent_total{_RATE}))", "pictures a second"),
        (f"sum(rate(fer_dashboard_messages_sent_total{_RATE}))", "messages a second"),
    ),
    lines(
        "Slow pages",
        "Messages left out for newer ones, since a page or its network is slow, and pages let go, by reason. Undecodable are "
        "results and events that are not what the wire says.",
        "cps",
        (f"sum(rate(fer_dashboard_messages_skipped_total{_RATE}))", "skipped"),
        (f"sum by (reason) (rate(fer_dashboard_viewers_dropped_total{_RATE}))", "let go: {{reason}}"),
        (f"sum(rate(fer_dashboard_undecodable_total{_RATE}))", "undecodable"),
    ),
    lines(
        "Refused by the page",
        "Requests that fer-dashboard refused, by reason: many of login, token or rate are somebody who guesses.",
        "cps",
        (f"sum by (reason) (rate(fer_dashboard_refused_total{_RATE}))", "{{reason}}"),
    ),
    lines(
        "Frames that people send",
        "Browser cameras that are connected to fer-dashboard, and what it refused of cameras and uploads, by status: 413 and 415 "
        "are files that are none, 429, 503 and 1013 say that there is no room, no worker or no Redis.",
        "none",
        ("sum(fer_dashboard_browser_cameras)", "browser cameras"),
        (f"sum by (camera, status) (rate(fer_dashboard_senders_refused_total{_RATE}))", "{{camera}} refused: {{status}}"),
    ),
    lines(
        "Their answers, p95",
        "From a frame's arrival at fer-dashboard to its answer's leaving. Over 0.1 s a person sees the box lag behind the face.",
        "s",
        (f"histogram_quantile(0.95, sum by (camera, le) (rate(fer_dashboard_answer_seconds_bucket{_RATE})))", "{{camera}}"),
        steps=((None, GOOD), (0.1, MIDDLING), (0.5, BAD)),
    ),
)

TABLES = (
    rows(
        "Alerts",
        "What fires or is about to. deploy/runbook.md has an entry for each.",
        "alertname",
        ('ALERTS{alertname=~"Fer.+"}', "Value"),
        hidden=("__name__", "Value"),
        span=12,
    ),
    rows(
        "Versions",
        "How many processes of which program run which version: two while an upgrade rolls.",
        "program",
        ("count by (program, version) (fer_build_info)", "Processes"),
        span=6,
    ),
    rows(
        "Processes",
        "Whether each process is fit for work: 1 is ready.",
        "instance",
        ("fer_ready", "Ready"),
        hidden=("__name__", "service"),
        span=6,
    ),
)


def fleet() -> str:
    return board(
        "fer-fleet",
        "ferstream: fleet",
        "Is the objective met, where does every frame go, and what is in its way.",
        (),
        (
            ("Objective: 99 % of the frames offered are answered within one second", OBJECTIVE),
            ("The account: captured = published + dropped + expired + dead + in flight", ACCOUNT),
            ("Latency", LATENCY),
            ("Load", LOAD),
            ("The page", PAGE),
            ("What runs, and what is wrong", TABLES),
        ),
    )
