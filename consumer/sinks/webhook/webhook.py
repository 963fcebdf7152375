"""Records by HTTPS to an address of yours: signed, tried again until they are taken, and in their order."""

import logging
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from ferstream.consumer.log.repeats import Repeats
from ferstream.consumer.records.lines import name_of, record_map
from ferstream.consumer.records.rows import Of, Record
from ferstream.consumer.sinks.sink import SinkError, SinkUnavailable
from ferstream.consumer.sinks.webhook.dead_letters import DeadLetters
from ferstream.consumer.sinks.webhook.http_receiver import Answer, HttpReceiver
from ferstream.consumer.sinks.webhook.signature import Signer, message_id

log = logging.getLogger(__name__)

#: Refusals that pass: the receiver did not get all of it in time, it is too early, or too much.
_PASSING: Final = frozenset({408, 425, 429})
#: One `write` sends for so long at most and leaves the rest to the next: a slow receiver must not look like a stuck program.
_TURN_S: Final = 20.0

_encode = msgspec.json.Encoder().encode


class Webhook:
    """Posts records as JSON, `{"type": "events", "data": [...]}`, one request after the other.

    2xx is done. 408, 425, 429, 5xx, time-outs and broken connections are tried again under the same id, not before Retry-After
    says so. Every other answer would come again: those records go to the dead letters, or, without these, `write` raises
    SinkError. A redirect is such an answer: people's records go to no address that nobody named.
    """

    def __init__(
        self,
        receiver: HttpReceiver,
        of: Of,
        signer: Signer | None = None,
        dead: DeadLetters | None = None,
        most_records: int = 100,
    ) -> None:
        self._receiver, self._of, self._signer, self._dead, self._most = receiver, of, signer, dead, most_records
        self._delivered = Repeats()
        self._not_before = 0.0

    def write(self, records: Sequence[Record]) -> int:
        """Send what was not taken yet; returns the bytes of the bodies."""
        begun, size = time.monotonic(), 0
        if begun < self._not_before:
            raise SinkUnavailable(f"{self._receiver.shown} asks to wait for {self._not_before - begun:.0f} s more")
        left = self._delivered.new(records)
        for start in range(0, len(left), self._most):
            if time.monotonic() - begun > _TURN_S:
                raise SinkUnavailable(f"{self._receiver.shown} is slow: it took {start} of {len(left)} records in {_TURN_S:g} s")
            size += self._send(left[start : start + self._most])
        return size

    def maintain(self) -> None:
        """Nothing is due."""

    def close(self) -> None:
        """End the connection."""
        self._receiver.close()
        if self._dead is not None:
            self._dead.close()

    def _send(self, records: Sequence[Record]) -> int:
        names = [name_of(record) for record in records]
        body, key = _encode({"type": self._of, "data": [record_map(record) for record in records]}), message_id(names)
        signed = self._signer.headers(key, body, time.time()) if self._signer is not None else {"webhook-id": key}
        answer = self._receiver.post(body, {"idempotency-key": key, **signed})
        if answer.status in _PASSING or answer.status >= 500:
            self._not_before = time.monotonic() + answer.retry_after_s
            raise SinkUnavailable(f"{self._receiver.shown} answered {answer.status}")
        if not 200 <= answer.status < 300:
            self._refused(records, answer)
        self._delivered.add(names)
        return len(body)

    def _refused(self, records: Sequence[Record], answer: Answer) -> None:
        said = f"{self._receiver.shown} answered {answer.status}, which trying again will not change"
        if self._dead is None:
            raise SinkError(f"{said}: look at its address and secret, or go on without these records by --dead-letters")
        self._dead.add(records, {"at": time.time(), "status": answer.status, "answer": answer.text})
        log.error("%s: %d records went to the dead letters", said, len(records))
