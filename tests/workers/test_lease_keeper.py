"""The thread beside a reader."""

from ferstream.streams.frames.reader import FrameReader
from ferstream.workers.intake.lease_keeper import LeaseKeeper
from tests.support.fleet import KEYS, add, frame, wait_until


def test_overdue_frames_are_ended_however_long_a_lease_is(client):
    add(client, frame(1, b"", captured_at=1.0))
    reader = FrameReader(client, KEYS, group="workers", consumer="w", claim_after_s=3600)
    keeper = LeaseKeeper(client, KEYS, "workers", reader, claim_after_s=3600)
    keeper.start()
    try:
        wait_until(lambda: client.xlen(KEYS.frames(0)) == 0)
    finally:
        keeper.stop()
