"""What a fit is made from, by digest: a run goes on only with the same files."""

import hashlib
from pathlib import Path

from ferstream.streams.errors import FerstreamError


class InputError(FerstreamError):
    """A file that a fit needs cannot be read."""


def digests(*files: Path) -> dict[str, str]:
    """SHA-256 of each file, by its name. Raises InputError."""
    found = {}
    for path in files:
        try:
            with path.open("rb") as stream:
                found[path.name] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
    return found


def digest_of(parts: dict[str, str]) -> str:
    """One short digest of several, to name a file by what it was made from."""
    return hashlib.sha256("".join(f"{name}={digest}\n" for name, digest in sorted(parts.items())).encode()).hexdigest()[:12]
