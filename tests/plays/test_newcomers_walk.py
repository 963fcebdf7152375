"""The newcomer's walk, with Redis away for five seconds instead of a minute."""

import pytest

from tests.plays import newcomers_walk


@pytest.mark.deploy
@pytest.mark.timeout(400)
def test_every_step_arrives_and_every_frame_is_accounted_for():
    walk = newcomers_walk.take(5, clone=True)
    assert len(walk.rows) == 6
    assert walk.account.balance == 0, walk.account
    assert walk.account.published > 0
    assert walk.account.dropped["redis_down"] > 0
