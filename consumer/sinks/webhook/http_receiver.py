"""An address that takes requests: one POST and its answer, within a time, and nothing secret in what is said of it."""

import asyncio
import logging
import os
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from ferstream.consumer.sinks.on_the_way import warn_of_readers
from ferstream.consumer.sinks.sink import SinkError, SinkUnavailable

#: A receiver that asks to be left alone for longer is asked again after this.
LONGEST_WAIT_S: Final = 3600.0
#: Bytes of an answer that are read, to tell what was wrong.
_ANSWER: Final = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, seconds until the receiver wants to be asked again (0 where it does not say), and how its text begins."""

    status: int
    retry_after_s: float
    text: str


class HttpReceiver:
    """Sends to one URL. Used by one thread. `ca` is a file of certificates to trust in place of the system's."""

    def __init__(self, url: str, ca: Path | None = None, timeout_s: float = 10.0) -> None:
        """Raises SinkError where the URL is none, or the certificates cannot be read."""
        self._url, self._timeout_s = url, timeout_s
        self.shown = shown_address(url)
        if urlsplit(url).scheme == "http":
            warn_of_readers(self.shown, urlsplit(url).hostname or "", "https")
        # It logs every URL that it asks for, and a webhook's URL is a secret.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        self._client = httpx2.AsyncClient(
            verify=_trusted(ca), timeout=timeout_s, headers={"user-agent": "ferstream", "content-type": "application/json"}
        )
        self._runner = asyncio.Runner()

    def post(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Send the body. Raises SinkUnavailable where no answer comes; the receiver may have it nevertheless."""
        try:
            return self._runner.run(self._post(body, headers))
        except (TimeoutError, httpx2.TimeoutException):
            raise SinkUnavailable(f"{self.shown} did not answer within {self._timeout_s:g} s") from None
        except httpx2.TransportError as error:
            raise SinkUnavailable(f"{self.shown} cannot be reached: {_reason(error)}") from None

    def close(self) -> None:
        """End the connection."""
        self._runner.run(self._client.aclose())
        self._runner.close()

    async def _post(self, body: bytes, headers: dict[str, str]) -> Answer:
        # The library's time-outs are of one read each: who sends a byte now and then would hold us for ever.
        async with (
            asyncio.timeout(self._timeout_s),
            self._client.stream("POST", self._url, content=body, headers=headers) as response,
        ):
            text = b""
            if not response.is_success:
                async for part in response.aiter_raw(_ANSWER):
                    text = part
                    break
            return Answer(response.status_code, _retry_after_s(response.headers), text.decode("utf-8", "replace"))


def shown_address(url: str) -> str:
    """The address without user, password, path and query, each of which may be what lets one in. Raises SinkError."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        httpx2.URL(url)  # knows more of names and of signs that no URL has
    except (ValueError, httpx2.InvalidURL):
        parts, port = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname or any(letter.isspace() for letter in url):
        raise SinkError("the receiver's address must be an https:// URL, for instance https://example.org/hooks/1")
    return f"{parts.scheme}://{parts.hostname}{port}"


def _trusted(ca: Path | None) -> ssl.SSLContext | bool:
    if ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # ssl.SSLError is one
        raise SinkError(f"cannot read certificates from {ca}: {error.strerror or error}") from None


def _retry_after_s(headers: httpx2.Headers) -> float:
    """Of Retry-After: seconds, or a date, which is by the receiver's clock."""
    said = headers.get("retry-after", "")
    if said.isascii() and said.isdigit():
        return min(LONGEST_WAIT_S, float(said))
    until = _date(said)
    now = _date(headers.get("date", "")) or time.time()
    return 0.0 if until is None else min(LONGEST_WAIT_S, max(0.0, until - now))


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _reason(error: BaseException) -> str:
    """What the system said, which a library wraps a few times."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not to be trusted: {cause.verify_message}"
        if isinstance(cause, OSError) and cause.strerror:
            return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror  # asyncio's names the address
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
