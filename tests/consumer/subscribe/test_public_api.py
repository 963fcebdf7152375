"""What the docstrings of the public classes promise: their examples run, and a crash repeats no more than they say."""

import doctest
from dataclasses import replace
from itertools import islice

import pytest

from ferstream import (
    EMOTIONS,
    AsyncEventSubscriber,
    AsyncResultSubscriber,
    EventSubscriber,
    Face,
    FaceTracker,
    ResultSubscriber,
)
from ferstream.streams.wire.codec import encode_event, encode_result
from ferstream.streams.wire.keys import Keys
from tests.consumer.subscribe.test_events import event
from tests.consumer.subscribe.test_subscriber import publish, result

KEYS = Keys()


@pytest.fixture
def happy_door(client, redis_url):
    """A Redis with one result of the camera "door", one face, 93 % happiness; and with the event that it left."""
    shares = tuple(0.93 if emotion == "happiness" else 0.01 for emotion in EMOTIONS)
    face = Face(box=(10.0, 20.0, 60.0, 80.0), score=0.99, quality=0.8, emotion="happiness", probabilities=shares)
    fields = encode_result(replace(result(1), faces=(face,)))
    client.xadd(KEYS.results(0), fields)
    client.xadd(KEYS.events(0), encode_event(event(1, kind="left", duration=12.5)))
    return redis_url


@pytest.mark.parametrize("public", [ResultSubscriber, AsyncResultSubscriber, EventSubscriber, AsyncEventSubscriber, FaceTracker])
def test_the_example_of_the_docstring_runs(happy_door, public):
    text = public.__doc__.replace("redis://localhost:6379", happy_door)
    example = doctest.DocTestParser().get_doctest(text, {}, public.__name__, None, None)
    outcome = doctest.DocTestRunner(verbose=False).run(example)
    assert outcome.attempted >= 2
    assert outcome.failed == 0


def test_a_crash_repeats_one_read_at_most(client, redis_url):
    publish(client, *range(1200))
    with ResultSubscriber(redis_url, from_="0", group="g", consumer="a") as crashed:
        before = [one.sequence for one in islice(crashed, 700)]
        # not closed yet: what follows is another process under the same name
        with ResultSubscriber(redis_url, group="g", consumer="a", idle_timeout_s=0.3) as subscriber:
            after = [one.sequence for one in subscriber]
    assert set(before) | set(after) == set(range(1200))
    assert len(set(before) & set(after)) <= 500
    assert min(after) == 500
