"""What the blocking and the async subscriber share: everything but their I/O."""

from collections import Counter
from collections.abc import Iterable

from ferstream.consumer.subscribe.result_buffer import Intake
from ferstream.consumer.subscribe.session import Dialogue, Terms
from ferstream.streams.errors import FerstreamError
from ferstream.streams.redis_client.connect import MAX_BLOCK_S, is_cluster


class Subscription:
    """Results of all shards, from a position or through a group. See ResultSubscriber for the arguments."""

    def __init__(
        self,
        url: str,
        *,
        from_: str = "$",
        cameras: Iterable[str] | None = None,
        order_window_s: float = 0.0,
        prefix: str = "fer",
        shards: int | None = None,
        group: str | None = None,
        consumer: str | None = None,
        acknowledge_each: bool = True,
        claim_after_s: float = 60.0,
        repeats: bool = False,
        idle_timeout_s: float | None = None,
        block_s: float = MAX_BLOCK_S,
    ) -> None:
        if isinstance(cameras, str):
            raise FerstreamError("cameras must be a list of names, not one name")
        if consumer and not group:
            raise FerstreamError("a consumer name needs a group")
        self._url = url
        self._acknowledge_each = acknowledge_each
        wanted = None if cameras is None else frozenset(cameras)
        self._intake = Intake(cameras=wanted, order_window_s=order_window_s, repeats=repeats, acknowledging=group is not None)
        self._dialogue = Dialogue(
            Terms(
                from_=from_,
                prefix=prefix,
                shards=shards,
                group=group,
                consumer=consumer,
                claim_after_s=claim_after_s,
                idle_timeout_s=idle_timeout_s,
                block_s=block_s,
                cluster=is_cluster(url),
            ),
            self._intake,
        )

    @property
    def position(self) -> str:
        """Where to go on: what `from_` takes back. Everything up to here was yielded (a few results beyond may have been)."""
        return self._dialogue.position()

    @property
    def connected(self) -> bool:
        """Whether Redis answered last."""
        return self._dialogue.connected

    @property
    def undecodable(self) -> int:
        """Entries passed over because they are not what the wire says."""
        return self._intake.undecodable.total()

    @property
    def undecodable_reasons(self) -> Counter[str]:
        """Those, by reason."""
        return Counter(self._intake.undecodable)

    @property
    def late(self) -> int:
        """Results left out because newer ones of their camera were yielded before they came (raise `order_window_s`)."""
        return self._intake.late

    @property
    def repeated(self) -> int:
        """Results left out because they were known."""
        return self._intake.repeated

    @property
    def lost(self) -> int:
        """Results of the group that Redis trimmed before they were done with."""
        return self._intake.lost

    def acknowledge(self) -> None:
        """Done with everything yielded so far: acknowledged with the next read or on closing.

        For a group with `acknowledge_each=False`, as a program needs it whose work is safe only now and then.
        """
        self._intake.finish_yielded()

    def _asked_for_more(self) -> None:
        if self._acknowledge_each:
            self._intake.finish_yielded()
