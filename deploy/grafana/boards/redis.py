"""Redis: its memory, its work, and what waits in it."""

from deploy.grafana.boards.board import board, choice
from deploy.grafana.boards.panels import ANY_IS_BAD, BAD, GOOD, MIDDLING, lines, number

_RATE = "[$__rate_interval]"
_ONE = 'instance=~"$instance"'
_FULL = ((None, GOOD), (0.6, MIDDLING), (0.8, BAD))

NOW = (
    number("Up", "Whether the exporter reaches Redis.", "none", f"min(redis_up{{{_ONE}}})", steps=((None, BAD), (1, GOOD))),
    number(
        "Memory used",
        "Share of maxmemory. At 100 % Redis refuses frames.",
        "percentunit",
        f"max(redis_memory_used_bytes{{{_ONE}}} / (redis_memory_max_bytes{{{_ONE}}} > 0))",
        steps=_FULL,
    ),
    number(
        "Evicted",
        "Keys thrown away for want of memory, ever. ferstream needs maxmemory-policy noeviction: one is one too many.",
        "none",
        f"sum(redis_evicted_keys_total{{{_ONE}}})",
        steps=ANY_IS_BAD,
    ),
    number(
        "Refused connections",
        "Clients turned away because of maxclients, ever.",
        "none",
        f"sum(redis_rejected_connections_total{{{_ONE}}})",
        steps=ANY_IS_BAD,
    ),
    number(
        "Running for",
        "The least of the servers. Without persistence a restart loses the frames that waited.",
        "s",
        f"min(redis_uptime_in_seconds{{{_ONE}}})",
        steps=((None, MIDDLING), (600, GOOD)),
    ),
    number("Clients", "Connections.", "none", f"sum(redis_connected_clients{{{_ONE}}})", steps=((None, GOOD),)),
)

MEMORY = (
    lines(
        "Memory",
        "Used, and the limit.",
        "bytes",
        (f"redis_memory_used_bytes{{{_ONE}}}", "{{instance}} used"),
        (f"redis_memory_max_bytes{{{_ONE}}}", "{{instance}} limit"),
    ),
    lines(
        "Frame streams",
        "Bytes of frames that wait, by shard: at most the sum of the cameras' byte budgets.",
        "bytes",
        ("max by (shard) (fer_stream_bytes)", "shard {{shard}}"),
        stacked=True,
    ),
    lines(
        "Frames in flight",
        "Frames that nobody has ended, by shard. Uneven shards mean uneven cameras.",
        "none",
        ("max by (shard) (fer_stream_entries)", "shard {{shard}}"),
        stacked=True,
    ),
)

WORK = (
    lines(
        "Commands",
        "A second, by server.",
        "ops",
        (f"rate(redis_commands_processed_total{{{_ONE}}}{_RATE})", "{{instance}}"),
    ),
    lines(
        "Network",
        "Pictures in from producers, out to workers. A node's network is what ends first.",
        "Bps",
        (f"rate(redis_net_input_bytes_total{{{_ONE}}}{_RATE})", "{{instance}} in"),
        (f"rate(redis_net_output_bytes_total{{{_ONE}}}{_RATE})", "{{instance}} out"),
    ),
    lines(
        "Processor time of Redis",
        "Cores. Redis runs commands on one: near one, use more shards on a Redis Cluster.",
        "none",
        (
            f"rate(redis_cpu_sys_seconds_total{{{_ONE}}}{_RATE}) + rate(redis_cpu_user_seconds_total{{{_ONE}}}{_RATE})",
            "{{instance}}",
        ),
        steps=((None, GOOD), (0.7, MIDDLING), (0.9, BAD)),
    ),
    lines(
        "Calls that ferstream tried again",
        "By worker and kind: unavailable, refused, full.",
        "cps",
        (f"sum by (instance, kind) (rate(fer_redis_errors_total{_RATE}))", "{{instance}} {{kind}}"),
    ),
    lines(
        "Frames that Redis did not take",
        "redis_down: no answer. redis_full: no room. redis_lost: it restarted and forgot them.",
        "cps",
        (f'sum by (reason) (rate(fer_frames_dropped_total{{reason=~"redis_.+"}}{_RATE}))', "{{reason}}"),
    ),
    lines(
        "Blocked clients",
        "Workers and subscribers that wait for entries: idle ones, so this falls under load.",
        "none",
        (f"redis_blocked_clients{{{_ONE}}}", "{{instance}}"),
    ),
)


def redis() -> str:
    return board(
        "fer-redis",
        "ferstream: Redis",
        "Redis's memory, its work, and what waits in it.",
        (choice("instance", "Redis", "label_values(redis_up, instance)"),),
        (("Now", NOW), ("Memory", MEMORY), ("Work", WORK)),
    )
