"""The one error root: everything that ferstream raises on purpose is a FerstreamError."""

from typing import Literal

#: What an entry can be refused for: a metric or a dead letter can hold each, since there are no others.
DecodeReason = Literal["missing-field", "not-msgpack", "too-large", "wrong-type", "wrong-version"]


class FerstreamError(Exception):
    """Something a user can act on; its text says what happened and what to do, in one line."""


class DecodeError(FerstreamError):
    """An entry of a stream is not what the wire says; carries the entry's id, and the reason in a word."""

    def __init__(self, entry_id: str, reason: DecodeReason, detail: str) -> None:
        super().__init__(f"entry {entry_id}: {detail}")
        self.entry_id = entry_id
        self.reason = reason


class StoreError(FerstreamError):
    """Redis could not do it. Which of the classes below it is says whether trying again may help.

    `code` is the first word of Redis's error reply, as BUSYGROUP; empty where no reply is the cause.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class StoreRefused(StoreError):
    """Redis refused for good: rights, version, URL, number of shards. Trying again will not mend it."""


class StoreUnavailable(StoreError):
    """Redis cannot answer now: it is down, starting, or out of reach. Trying again may help."""


class StoreFull(StoreError):
    """Redis is there and takes no data: it is at its memory limit, or cannot keep it safe. Trying again may help."""


class GroupGone(StoreError):
    """The stream or its consumer group was deleted under a running reader."""


def how_to_install(extra: str) -> str:
    """The command that brings an extra of ferstream's, as README gives it, for an error about what is missing."""
    return f"pip install '.[{extra}]' in the clone of ferstream"
