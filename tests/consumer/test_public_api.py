"""What the docstrings of the public classes promise: their examples run, and a type checker knows what comes out."""

import doctest
import subprocess
import sys
from dataclasses import replace
from itertools import islice

import pytest

from ferstream import EMOTIONS, AsyncResultSubscriber, Face, ResultSubscriber, Smoother
from ferstream.streams.wire.codec import encode_result
from ferstream.streams.wire.keys import Keys
from tests.consumer.test_subscriber import publish, result
from tests.support.paths import ROOT

KEYS = Keys()
SCRIPT = """
from ferstream import AsyncResultSubscriber, Delivery, ResultSubscriber, Smoother, Tracker

tracker, smoother = Tracker(), Smoother(1.0)
for result in ResultSubscriber("redis://localhost:6379", cameras=["door"]):
    reveal_type(result.faces[0].emotion)
    reveal_type(smoother.update(result, tracker.update(result)).faces[0].box)


def latency(delivery: Delivery) -> float:
    return delivery.latency_s


async def main() -> None:
    async with AsyncResultSubscriber("redis://localhost:6379") as subscriber:
        async for delivery in subscriber.deliveries():
            reveal_type(delivery.result.faces[0].confidence)
"""


@pytest.fixture
def happy_door(client, redis_url):
    """A Redis with one result of the camera "door": one face, 93 % happiness."""
    shares = tuple(0.93 if emotion == "happiness" else 0.01 for emotion in EMOTIONS)
    face = Face(box=(10.0, 20.0, 60.0, 80.0), score=0.99, quality=0.8, emotion="happiness", probabilities=shares)
    fields = encode_result(replace(result(1), faces=(face,)))
    client.xadd(KEYS.results(0), fields)
    return redis_url


@pytest.mark.parametrize("public", [ResultSubscriber, AsyncResultSubscriber, Smoother])
def test_the_example_of_the_docstring_runs(happy_door, public):
    text = public.__doc__.replace("redis://localhost:6379", happy_door)
    example = doctest.DocTestParser().get_doctest(text, {}, public.__name__, None, None)
    outcome = doctest.DocTestRunner(verbose=False).run(example)
    assert outcome.attempted >= 2
    assert outcome.failed == 0


def test_a_type_checker_knows_the_types_of_a_users_script(tmp_path):
    """In a directory of its own; of this tree as of an installed package, mypy reports no errors but takes the types."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "cache", script],
        cwd=tmp_path,
        env={"PATH": "", "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    revealed = [line.rpartition("Revealed type is ")[2].replace("builtins.", "") for line in checked.stdout.splitlines()]
    assert revealed[:3] == ['"str"', '"tuple[float, float, float, float]"', '"float"']


def test_a_crash_repeats_one_read_at_most(client, redis_url):
    publish(client, *range(1200))
    crashed = ResultSubscriber(redis_url, from_="0", group="g", consumer="a")
    before = [one.sequence for one in islice(crashed, 700)]
    # nothing is closed: what follows is another process under the same name
    with ResultSubscriber(redis_url, group="g", consumer="a", idle_timeout_s=0.3) as subscriber:
        after = [one.sequence for one in subscriber]
    assert set(before) | set(after) == set(range(1200))
    assert len(set(before) & set(after)) <= 500
    assert min(after) == 500
