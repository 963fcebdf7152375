"""Certificate and key of the page, tried before the server starts."""

import ssl
from pathlib import Path

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import as_text, read_text


class TlsError(FerstreamError):
    """Certificate or key cannot be used; the text says which and why."""


def check_tls(cert: Path, key: Path) -> None:
    """Raises TlsError where a server cannot use them."""
    for path, what in ((cert, "certificate"), (key, "private key")):
        if "-----BEGIN " not in read_text(path):
            raise TlsError(f"{as_text(path)} holds no {what} in PEM form")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        raise TlsError(_in_words(error, cert, key)) from None
    except OSError as error:
        raise TlsError(f"cannot use {as_text(cert)} and {as_text(key)}: {error.strerror}") from None


class _Encrypted(OSError):
    """OpenSSL asks for the password of the key; by itself it would ask on the terminal."""


def _no_password() -> str:
    raise _Encrypted(0, "the key is protected by a password: take it off (openssl pkey), and keep the file for the server alone")


def _in_words(error: ssl.SSLError, cert: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {as_text(key)} does not belong to the certificate in {as_text(cert)}"
    return f"cannot use the certificate in {as_text(cert)} with the key in {as_text(key)}: {error.reason or error.strerror}"
