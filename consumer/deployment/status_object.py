"""How a deployment is, and what is wrong with it, as one object of JSON: for `fer status --json`, and for the page."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ferstream.consumer.deployment.deployment import Deployment
from ferstream.consumer.deployment.problem import Problem
from ferstream.consumer.deployment.topics import TOPICS


def status_object(deployment: Deployment, problems: Sequence[Problem]) -> dict[str, Any]:
    """The deployment, with each status's `silent_since` and the account's `balance`; `problems`, and the `topics` of these."""
    message = asdict(deployment) | {"hidden": sorted(deployment.hidden)}
    for name, statuses in (
        ("cameras", deployment.cameras),
        ("workers", deployment.workers),
        ("trackers", deployment.trackers),
    ):
        for one, status in zip(message[name], statuses, strict=True):
            one["silent_since"] = status.silent_since(deployment.at)
    if deployment.account:
        message["account"]["balance"] = deployment.account.balance
    return message | problems_object(problems) | {"well": not problems}


def problems_object(problems: Sequence[Problem]) -> dict[str, Any]:
    """`problems`, and the `topics` of these by name."""
    topics = {problem.topic: asdict(TOPICS[problem.topic]) for problem in problems}
    return {"problems": [asdict(problem) for problem in problems], "topics": topics}
