"""Tracks: how many faces are followed, what they show, and whether trackers keep up."""

from deploy.grafana.boards.board import board, choice
from deploy.grafana.boards.panels import BAD, GOOD, MIDDLING, lines, number

_RATE = "[$__rate_interval]"
_ONE = 'camera=~"$camera"'

NOW = (
    number(
        "Faces now",
        "Faces that are followed, in front of the cameras chosen above.",
        "none",
        f"sum(fer_track_faces{{{_ONE}}})",
        steps=((None, GOOD),),
    ),
    number(
        "Behind",
        "How far behind the results the slowest shard's tracks are.",
        "s",
        "max(fer_track_lag_seconds)",
        steps=((None, GOOD), (5, MIDDLING), (30, BAD)),
    ),
    number(
        "Shards followed",
        "Shards that some tracker has. It should be the number of shards of the deployment.",
        "none",
        "sum(fer_track_shards)",
        steps=((None, BAD), (1, GOOD)),
    ),
)

OVER_TIME = (
    lines(
        "Apparent expressions",
        "Faces that show each emotion, on average: seconds of it in each second. A group's, and of no use to judge a person.",
        "none",
        (f"sum by (emotion) (rate(fer_track_emotion_seconds_total{{{_ONE}}}{_RATE}))", "{{emotion}}"),
        stacked=True,
    ),
    lines(
        "Faces now, by camera",
        "Faces that are followed in front of each camera.",
        "none",
        (f"sum by (camera) (fer_track_faces{{{_ONE}}})", "{{camera}}"),
    ),
    lines(
        "Events",
        "Events a second that were published.",
        "cps",
        (f"sum by (kind) (rate(fer_track_events_total{_RATE}))", "{{kind}}"),
    ),
    lines(
        "Behind, by shard",
        "How far behind the results the tracks of each shard are.",
        "s",
        ("max by (shard) (fer_track_lag_seconds)", "shard {{shard}}"),
        steps=((None, GOOD), (5, MIDDLING), (30, BAD)),
    ),
    lines(
        "Shards by tracker",
        "Shards that each tracker has: they share them evenly.",
        "none",
        ("fer_track_shards", "{{instance}}"),
    ),
)


def tracks() -> str:
    return board(
        "fer-tracks",
        "ferstream: tracks",
        "How many faces are followed, and what they show.",
        (choice("camera", "Camera", "label_values(fer_track_faces, camera)"),),
        (("Now", NOW), ("Over time", OVER_TIME)),
    )
