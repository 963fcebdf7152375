"""The frames of one page that wait for their answers, and what the time up to these was spent on."""

from collections import OrderedDict
from dataclasses import dataclass

from ferstream.consumer.subscribe.sources import Delivery

#: Frames remembered; at the highest rate that is over three seconds, and a frame lives for one.
MOST = 100
#: Clocks agree if the fastest upload so far took no more, and not less than nothing.
LIKELY_UPLOAD_S = 0.05


@dataclass(slots=True)
class Sent:
    """A frame under way: the page's sequence, when it came, and when Redis had it; seconds since the epoch on Redis's clock."""

    page_sequence: int
    arrived_at: float
    upload_s: float | None
    written_at: float | None = None


class InFlight:
    """Frames by their own sequence, oldest first."""

    def __init__(self, freshness_s: float) -> None:
        self._freshness_s = freshness_s
        self._frames: OrderedDict[int, Sent] = OrderedDict()

    def add(self, sequence: int, sent: Sent) -> None:
        self._frames[sequence] = sent
        if len(self._frames) > MOST:
            self._frames.popitem(last=False)

    def written(self, sequence: int, at: float) -> None:
        if sent := self._frames.get(sequence):
            sent.written_at = at

    def take(self, sequence: int) -> Sent | None:
        """The frame whose answer came, or that was dropped; None where that was told before."""
        return self._frames.pop(sequence, None)

    def overdue(self, now: float) -> list[Sent]:
        """The frames that no answer can come for any more: they are forgotten here."""
        gone = []
        while self._frames:
            sequence, sent = next(iter(self._frames.items()))
            if now < sent.arrived_at + self._freshness_s:
                break
            gone.append(self._frames.pop(sequence))
        return gone


class UploadTime:
    """Tells what frames took from the page to here, where the page's clock goes as ours."""

    def __init__(self) -> None:
        self._fastest: float | None = None

    def of(self, page_time: float | None, now: float) -> float | None:
        """Seconds since `page_time`; None where the clocks differ: the fastest frame would have come too early, or late."""
        if page_time is None:
            return None
        seconds = now - page_time
        self._fastest = seconds if self._fastest is None else min(self._fastest, seconds)
        return seconds if 0 <= self._fastest <= LIKELY_UPLOAD_S else None


def shares(sent: Sent, delivery: Delivery, received_at: float, now: float) -> dict[str, float]:
    """Seconds by what they went to, from the page's capture (where that is known) to the answer's leaving.

    `detect` holds `crop`. `queue` is what a frame waited for: in Redis, in the worker, and for the publishing step. `publish` is
    the way from there to this server, and `server` what this server took before and after.
    """
    took = delivery.result.seconds
    stages = {
        "decode": took.get("decode", 0.0),
        "detect": took.get("detect", 0.0) + took.get("crop", 0.0),
        "classify": took.get("classify", 0.0),
    }
    written_at = sent.written_at if sent.written_at is not None else sent.arrived_at
    # An entry's id is in whole milliseconds.
    published_at = min(max(delivery.published_at + 0.0005, written_at), received_at)
    said = {
        "queue": max(0.0, published_at - written_at - sum(stages.values())),
        **stages,
        "publish": received_at - published_at,
        "server": written_at - sent.arrived_at + now - received_at,
    }
    upload = {} if sent.upload_s is None else {"upload": sent.upload_s}
    return {name: round(seconds, 4) for name, seconds in (upload | said).items()}
