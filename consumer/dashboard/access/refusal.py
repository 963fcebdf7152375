"""A request that is not answered as it asks: why, in words and as a label of a metric."""

from typing import Literal, get_args

from prometheus_client import Counter

from ferstream.streams.errors import FerstreamError

#: All reasons there are. `nobody`: not logged in; `login`: wrong name or password; `rate`: too often.
Reason = Literal["nobody", "login", "token", "csrf", "origin", "host", "proxy", "role", "rate", "busy", "body"]

_REFUSED = Counter("fer_dashboard_refused_total", "Requests and WebSockets that were refused, by reason.", ["reason"])
for _reason in get_args(Reason):
    _REFUSED.labels(_reason)


class Refusal(FerstreamError):
    """It is refused with this HTTP status; its text is for whoever asked."""

    def __init__(self, status: int, reason: Reason, text: str, retry_after_s: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.reason: Reason = reason
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}


def count_refusal(reason: Reason) -> None:
    """One more of them."""
    _REFUSED.labels(reason).inc()
