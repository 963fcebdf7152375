from ferstream.workers.models.runtimes.runtime import PROBE_AFTER, OomRetry, OutOfMemory

BATCH = list(range(32))


class Device:
    """Holds `room` items; `tried` are the sizes that it was asked for."""

    def __init__(self, room: int) -> None:
        self.room, self.tried = room, []

    def __call__(self, batch: list[int]) -> list[int]:
        self.tried.append(len(batch))
        if len(batch) > self.room:
            raise OutOfMemory("full")
        return batch


def full_batches_until(retry, device, happens) -> int:
    for number in range(10 * PROBE_AFTER):
        if happens():
            return number
        full = BATCH[: retry.limit]
        assert retry(device, full) == full
    raise AssertionError("never")


def test_the_limit_grows_again_and_a_size_that_failed_again_is_tried_more_rarely():
    device, retry = Device(room=8), OomRetry("classifier", 32)
    assert retry(device, BATCH) == BATCH
    assert (retry.limit, device.tried) == (8, [32, 16, 8, 8, 8, 8])
    first = full_batches_until(retry, device, lambda: device.tried.count(16) == 2)
    assert retry.limit == 8
    second = full_batches_until(retry, device, lambda: device.tried.count(16) == 3)
    assert second > 1.5 * first
    device.room = 100
    full_batches_until(retry, device, lambda: retry.limit == 32)


def test_batches_that_are_not_full_say_nothing_of_larger_ones():
    device, retry = Device(room=8), OomRetry("classifier", 32)
    retry(device, BATCH)
    device.room = 100
    for _ in range(10 * PROBE_AFTER):
        retry(device, BATCH[:7])
    assert retry.limit == 8
