"""Figures as people read them."""

from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]

#: Keeps a number and its unit on one line.
NBSP = "\N{NO-BREAK SPACE}"


def percent(value: float) -> str:
    """A share as people read it."""
    return f"{100 * value:.2f}{NBSP}%"


def with_interval(row: Figures) -> str:
    """An accuracy with its 95 % interval."""
    return f"{percent(row['accuracy'])} ({100 * row['from']:.1f}{NBSP}to{NBSP}{100 * row['to']:.1f})"


def millions(parameters: float) -> str:
    """Parameters as people read them."""
    return f"{parameters / 1e6:.2f}{NBSP}M"


def billions(flops: float) -> str:
    """FLOPs as people read them."""
    return f"{flops / 1e9:.3g}{NBSP}G" if flops >= 1e8 else f"{flops / 1e6:.3g}{NBSP}M"


def speed(row: Figures) -> str:
    """A throughput and what it was measured with."""
    threads = f"{row['threads']} thread{'s' * (row['threads'] != 1)}" if row["device"] == "cpu" else "half precision"
    faces = f"{row['faces_per_s']:,.0f}" if row["faces_per_s"] >= 100 else f"{row['faces_per_s']:.3g}"
    return f"{faces} faces/s (batches of {row['batch_size']}, {row['runtime']} on {row['device']}, {threads})"
