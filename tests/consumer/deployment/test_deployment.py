"""A look at a Redis in which somebody else writes, too: a line that says what is there, and no traceback."""

import pytest

from ferstream.consumer.deployment.deployment import DeploymentReader
from ferstream.streams.errors import StoreRefused
from ferstream.streams.redis_client.preflight import check_shards
from tests.support.fleet import KEYS


@pytest.mark.parametrize(("field", "value"), [("captured", "many"), (b"\xff", "1")])
def test_what_is_no_account_is_told(client, field, value):
    client.hset(KEYS.account(0), field, value)
    with pytest.raises(StoreRefused, match=r"fer:account:\{0\} holds what is no account"):
        DeploymentReader(client, "fer").read()


@pytest.mark.parametrize("told", ["many", "0", "-1", ""])
def test_what_is_no_number_of_shards_is_told(client, told):
    client.set(KEYS.shard_count, told)
    for look in (DeploymentReader(client, "fer").read, lambda: check_shards(client, KEYS)):
        with pytest.raises(StoreRefused, match="fer:shards holds no number of shards"):
            look()


def test_a_key_of_another_program_is_no_deployment(client):
    client.rpush("app:cameras", "front", "back")
    client.set("celery:workers", "4")
    seen = DeploymentReader(client, "fer").read()
    assert (seen.cameras, seen.workers) == ([], [])
