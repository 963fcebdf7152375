"""Arithmetic that a person can check by hand: each step in words, in numbers, and what came out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One figure: `words` say how it comes about, `numbers` say the same with what was put in."""

    name: str
    words: str
    numbers: str
    value: float
    unit: str


class Steps:
    """Steps in their order."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, name: str, words: str, numbers: str, value: float, unit: str) -> None:
        """Append one."""
        self._steps.append(Step(name, words, numbers, value, unit))

    def all(self) -> tuple[Step, ...]:
        """Every step so far."""
        return tuple(self._steps)


def number(value: float) -> str:
    """Four digits, whole numbers whole: enough to check a sum by hand."""
    if value == int(value) or abs(value) >= 10_000:
        return f"{value:.0f}"
    return f"{value:.4g}"
