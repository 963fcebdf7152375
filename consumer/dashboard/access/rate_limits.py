"""How often one address may try something, and how many WebSockets it may hold."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from time import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from ferstream.consumer.dashboard.access.refusal import Refusal

#: Of one address for one name, of one address, and for one name from everywhere.
_LOGINS = RateLimitItemPerMinute(10, namespace="login")
_LOGINS_OF_ADDRESS = RateLimitItemPerMinute(60, namespace="logins")
_LOGINS_OF_NAME = RateLimitItemPerMinute(100, namespace="name")
_TOKENS = RateLimitItemPerMinute(10, namespace="token")
_UPLOADS = RateLimitItemPerMinute(30, namespace="upload")
_WEBSOCKETS = RateLimitItemPerMinute(300, namespace="websocket")
#: WebSockets of one address that are open at once: an office behind one address has that many viewers.
MOST_OPEN = 256
#: Addresses and names that are counted at once; while there are more, all share what one of them may.
MOST_KEYS = 20_000
_OTHERS = "others"


class RateLimits:
    """Counts by the minute, in memory; a restart forgets. All methods raise Refusal 429, which says when to come again."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._open: Counter[str] = Counter()

    async def login(self, network: str, name: str) -> None:
        """Before a password is looked at."""
        await self._hit(_LOGINS_OF_ADDRESS, network)
        await self._hit(_LOGINS, network, name)
        await self._hit(_LOGINS_OF_NAME, name)

    async def wrong_token(self, network: str) -> None:
        """After a token was wrong: a right one is never refused, whoever else is behind that address."""
        await self._hit(_TOKENS, network)

    async def upload(self, network: str) -> None:
        """Before a body is read."""
        await self._hit(_UPLOADS, network)

    async def websocket(self, network: str) -> None:
        """Before a WebSocket is opened."""
        await self._hit(_WEBSOCKETS, network)
        if self._open[network] >= MOST_OPEN:
            raise Refusal(429, "rate", f"there are {MOST_OPEN} connections from your address: close some", retry_after_s=10)

    @contextmanager
    def open_websocket(self, network: str) -> Iterator[None]:
        """Counts it while it is open."""
        self._open[network] += 1
        try:
            yield
        finally:
            self._open[network] -= 1
            if not self._open[network]:
                del self._open[network]

    async def _hit(self, limit: RateLimitItem, *who: str) -> None:
        if len(self._storage.storage) >= MOST_KEYS:
            who = (_OTHERS,)
        if not await self._limiter.hit(limit, *who):
            stats = await self._limiter.get_window_stats(limit, *who)
            wait_s = min(60, max(1, ceil(stats.reset_time - time())))
            raise Refusal(429, "rate", f"too often: try again in {wait_s} s", retry_after_s=wait_s)
