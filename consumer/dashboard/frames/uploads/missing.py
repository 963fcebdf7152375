"""Why no answer comes, in words."""

from ferstream.consumer.dashboard.frames.sources import FrameSources
from ferstream.consumer.deployment.deployment import DeploymentReader
from ferstream.consumer.deployment.diagnosis import diagnose
from ferstream.streams.errors import StoreError
from ferstream.streams.frames.status_board import read_statuses
from ferstream.streams.frames.worker_status import WorkerStatus
from ferstream.streams.wire.keys import Keys

#: Of all that is wrong, the first problems may be the cause of the others.
TOLD = 2


def nobody_works(sources: FrameSources) -> bool:
    """Whether it is known that no worker is there."""
    tie = sources.tie
    try:
        workers = read_statuses(tie.client, Keys(sources.settings.prefix).workers, WorkerStatus)
    except StoreError:
        return False
    return all(worker.silent_since(tie.clock.now()) is not None for worker in workers)


def what_is_missing(sources: FrameSources) -> str:
    """What is wrong with the deployment and what to do, as `fer-status` says it."""
    try:
        problems = diagnose(DeploymentReader(sources.tie.client, sources.settings.prefix).read())
    except StoreError as error:
        return str(error)
    return "; ".join(map(str, problems[:TOLD])) or "workers are there and busy with other frames: try again later"
