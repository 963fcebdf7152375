"""How somebody may look at the page: what the options of `fer-dashboard run` say of it."""

from dataclasses import dataclass
from pathlib import Path

from ferstream.consumer.dashboard.access.person import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Without users, token and proxy everybody who reaches the server may do everything: on loopback only."""

    host: str = "127.0.0.1"
    port: int = 0
    users_file: Path | None = None
    token_file: Path | None = None
    token_role: Role = "viewer"
    secret_file: Path | None = None
    proxy_header: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has to log in."""
        return self.users_file is None and self.token_file is None and self.proxy_header is None
