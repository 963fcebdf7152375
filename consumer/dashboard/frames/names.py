"""What cameras are called whose frames people send. No camera of a producer is called so, unless somebody wants to."""

import re
import secrets
import unicodedata

BROWSER, UPLOAD = "browser-", "upload-"
#: Characters of what a person typed that are kept.
LONGEST = 32


def browser_name(wanted: str) -> str:
    """From what a person typed: `browser-annas-laptop`; a random one where that is nothing."""
    text = unicodedata.normalize("NFKC", wanted).lower().replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    safe = re.sub(r"[^\w]+", "-", text)[:LONGEST].strip("-_")
    return BROWSER + (safe or secrets.token_hex(3))


def upload_name() -> str:
    return UPLOAD + secrets.token_hex(6)


def is_upload(camera_id: str) -> bool:
    """Whether it is nobody's camera: what an upload shows is for whoever sent it, and on no wall."""
    return camera_id.startswith(UPLOAD)
