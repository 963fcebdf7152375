"""What is checked of access before the server listens: mistakes end the start, with what to do; dangers are warned of."""

import logging
import os
from pathlib import Path

import click

from ferstream.consumer.dashboard.access.access import Access
from ferstream.consumer.dashboard.access.addresses import hostname, is_loopback
from ferstream.consumer.dashboard.access.tls import check_tls
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.named_file import as_text

log = logging.getLogger(__name__)


def open_access(settings: DashboardSettings) -> Access:
    """Access as it is configured. Raises UsageError (exit status 2) where that is wrong, or lets everybody in from elsewhere."""
    _check_pairs(settings)
    try:
        if settings.tls_cert and settings.tls_key:
            check_tls(settings.tls_cert, settings.tls_key)
        access = Access(settings)
    except (FerstreamError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    _check_reach(settings)
    others = settings.token_file or settings.proxy_header
    if settings.users_file and access.users is not None and not len(access.users) and not others:
        raise click.UsageError(f"{as_text(settings.users_file)} names nobody: {_how_to_add(settings.users_file)}")
    _warn(settings)
    return access


def _check_pairs(settings: DashboardSettings) -> None:
    if settings.proxy_header and not settings.trusted_proxies:
        raise click.UsageError("--proxy-header needs --trust-proxy: the address from which the header is believed")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise click.UsageError("--tls-cert and --tls-key go together: give both or none")


def _check_reach(settings: DashboardSettings) -> None:
    said = {f"--host {settings.host}": settings.host} | {f"--origin {one}": hostname(one) or "" for one in settings.origins}
    elsewhere = [option for option, host in said.items() if not is_loopback(host)]
    if settings.is_open and elsewhere:
        raise click.UsageError(
            f"with {elsewhere[0]} everybody who reaches this machine could look: give --users FILE "
            f"({_how_to_add(Path('FILE'))}), --token-file FILE, or --proxy-header and --trust-proxy; "
            "or stay on 127.0.0.1 and come by `ssh -L`"
        )


def _warn(settings: DashboardSettings) -> None:
    if not is_loopback(settings.host) and settings.tls_cert is None and not settings.origins:
        log.warning(
            "without --tls-cert and --tls-key whoever is on the way reads passwords and pictures, and browsers give no camera "
            "to a page that is neither https:// nor on localhost; with a proxy that does TLS, give its address as --origin"
        )
    for path in (settings.users_file, settings.token_file, settings.secret_file, settings.tls_key):
        if path is not None and os.stat(path).st_mode & 0o077:  # noqa: PTH116
            log.warning("others on this machine may read %s: chmod 600", as_text(path))


def _how_to_add(path: Path) -> str:
    return f"fer-dashboard user add NAME --role viewer --users {as_text(path)}"
