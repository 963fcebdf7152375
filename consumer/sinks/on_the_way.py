"""Who may read what is sent on its way: nobody with TLS, and nobody on this machine."""

import logging
from ipaddress import ip_address

log = logging.getLogger(__name__)


def warn_of_readers(address: str, host: str, instead: str) -> None:
    """Say that what goes to the host is readable on the way, unless that is this machine; `instead` is the scheme with TLS."""
    if host != "localhost" and not _is_loopback(host):
        log.warning("%s is not %s: whoever is on the way can read what people look like", address, instead)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
