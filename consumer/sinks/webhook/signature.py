"""The signature of a webhook: whoever has the secret can tell that a request is ours, whole, and of now.

It is that of Standard Webhooks (standardwebhooks.com), for which there are libraries in many languages: HMAC-SHA256 over
`{webhook-id}.{webhook-timestamp}.{body}`, as base64.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from ferstream.streams.errors import FerstreamError

PREFIX = "whsec_"
_LEAST, _MOST = 24, 64  # bytes, as the specification has it


class SecretError(FerstreamError):
    """What should be a secret is none."""


class Signer:
    """Signs with the secret, and with the older one too while receivers change over."""

    def __init__(self, secrets: str) -> None:
        """`secrets` are one or two, with a blank between them. Raises SecretError."""
        self._keys = [_key(secret) for secret in secrets.split()]
        if not self._keys:
            raise SecretError(f"a secret is missing: {_HOW}")

    def headers(self, message_id: str, body: bytes, now: float) -> dict[str, str]:
        """The three headers of a request that is sent at `now`, seconds since the epoch."""
        stamp = str(int(now))
        signed = b".".join((message_id.encode(), stamp.encode(), body))
        return {
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(f"v1,{_hmac(key, signed)}" for key in self._keys),
        }


_HOW = f'make one with: echo "{PREFIX}$(openssl rand -base64 32)"'


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _LEAST <= len(key) <= _MOST:
        raise SecretError(f"a secret is {PREFIX} and base64 of {_LEAST} to {_MOST} bytes; {_HOW}")
    return key


def _hmac(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def message_id(names: Sequence[object]) -> str:
    """The same for the same records, and no others': a receiver that knows it has them."""
    return f"msg_{hashlib.blake2b(repr(names).encode(), digest_size=16).hexdigest()}"
