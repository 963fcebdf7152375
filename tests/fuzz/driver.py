"""What every target shares: its corpus in runs/fuzz/NAME, which the next run goes on from, begun with real examples."""

import sys
from collections.abc import Callable, Iterable
from hashlib import sha1
from pathlib import Path

import atheris

RUNS = Path("runs/fuzz")


def fuzz(name: str, target: Callable[[bytes], None], examples: Iterable[bytes]) -> None:
    """Feed the target until time is up; does not return. The command line's words go to libFuzzer, as -max_total_time=600.

    What makes the target raise is left in runs/fuzz/NAME/crash-*, and given as the last word it is tried again.
    """
    corpus = RUNS / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for example in examples:
        (corpus / sha1(example, usedforsecurity=False).hexdigest()).write_bytes(example)
    words = [f"-artifact_prefix={RUNS / name}/", "-max_len=65536", "-rss_limit_mb=4096", "-timeout=20", *sys.argv[1:]]
    if all(word.startswith("-") for word in sys.argv[1:]):
        words.append(str(corpus))
    atheris.Setup([sys.argv[0], *words], target)
    atheris.Fuzz()
