"""What a dashboard is told on its command line."""

from dataclasses import dataclass
from pathlib import Path

from ferstream.consumer.dashboard.access.person import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSettings:
    """Redis, the address to listen on, and what the page may do.

    `shards` None asks Redis. `cameras_file` is what an admin may change on the page. `pictures` False shows none to anybody.
    Without users, token and proxy everybody who reaches the server may do everything.
    """

    redis_url: str
    prefix: str = "fer"
    shards: int | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    cameras_file: Path | None = None
    users_file: Path | None = None
    token_file: Path | None = None
    token_role: Role = "viewer"
    secret_file: Path | None = None
    session_s: float = 12 * 3600.0
    proxy_header: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    pictures: bool = True
    browser_camera: bool = True

    @property
    def scheme(self) -> str:
        return "https" if self.tls_cert else "http"

    @property
    def is_open(self) -> bool:
        """Whether nobody has to log in."""
        return self.users_file is None and self.token_file is None and self.proxy_header is None
