"""Where messages go: `ferstream/<camera>/people` and so on."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from ferstream.consumer.records.rows import Of
from ferstream.streams.errors import FerstreamError

What = Literal["people", "emotion", "available", "event", "result", "minute"]

#: A topic has 65,535 bytes at most, and brokers allow less. A camera's name that needs more than this is cut.
_LONGEST = 400


class TopicError(FerstreamError):
    """What topics should begin with is no topic."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics under `base`, which must be a topic without wildcards."""

    base: str

    def __post_init__(self) -> None:
        check_beginning(self.base)

    def of_camera(self, camera_id: str, what: What) -> str:
        return f"{self.base}/{topic_level(camera_id)}/{what}"

    def status(self, of: Of) -> str:
        """Whether the program that writes records of this kind is there: `online` or `offline`."""
        return f"{self.base}/status-{of}"

    def object_id(self, camera_id: str) -> str:
        """A name of the camera, for Home Assistant, of letters and digits."""
        return f"ferstream_{_digest(f'{self.base}/{camera_id}')}"


def check_beginning(base: str) -> None:
    """Raises TopicError where topics cannot begin so."""
    if base.startswith("$") or not all(level and level == topic_level(level) for level in base.split("/")):
        raise TopicError(f"{base!r} cannot begin topics: give names with / between them, without + # $ and %")


def topic_level(name: str) -> str:
    """The name as one level of a topic, different for different names.

    What has a meaning in topics (/ + #), control characters and what no topic may hold become %XX, as in a URL; the rest stays as
    it is.
    """
    level = "".join(letter if _stays(letter) else _escaped(letter) for letter in name) or "%"
    if len(level.encode()) <= _LONGEST:
        return level
    return f"{level.encode()[: _LONGEST // 2].decode(errors='ignore')}%{_digest(name)}"


def _stays(letter: str) -> bool:
    code = ord(letter)
    # Controls, halves of surrogate pairs and codes that are no characters, as the specification of MQTT has them (1.5.4).
    bad = code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or 0xFDD0 <= code < 0xFDF0 or code & 0xFFFE == 0xFFFE
    return not bad and letter not in "/+#%"


def _escaped(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
