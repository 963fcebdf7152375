#!/usr/bin/env python3
"""Makes every secret that compose.yaml needs. Needs Python 3.9 or newer and, for --tls, openssl; nothing is installed.

    deploy/redis/make_secrets.py                            # deploy/secrets, Redis in compose
    deploy/redis/make_secrets.py --tls --name redis.site-a  # TLS, also for machines that know Redis under that name

Passwords that are there are kept, so that it may be run again to change anything else; --new makes new ones, of every role or
of those named. What reads them again, and when, is in README.md, "New passwords".
"""

import argparse
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
ROLES = ("producer", "worker", "consumer", "tracker", "dashboard", "metrics", "admin")
CA_IN_CONTAINERS = "/run/secrets/redis_ca"


def users_acl(template: str, passwords: dict[str, str], prefix: str, redis: tuple[int, ...]) -> str:
    """The ACL file: no comments (Redis takes none), hashes for names of roles, and only what this version of Redis knows."""
    text = "".join(f"{line}\n" for line in template.splitlines() if line and not line.startswith("#"))
    for role, password in passwords.items():
        text = text.replace(f"#{{{role}}}", f"#{hashlib.sha256(password.encode()).hexdigest()}")
    text = text.replace("~fer:", f"~{prefix}:")
    if redis < (7, 2):
        text = text.replace(" +client|setinfo", "")
    if redis < (7, 0):
        text = re.sub(r" \(.*?\)", "", text.replace(" %R~", " ~"))  # no selectors: no audit, as +xadd would be to results, too
    return text


def place(where: argparse.Namespace) -> str:
    return f"{where.host}:{where.port or (6380 if where.tls else 6379)}"


def redis_url(role: str, password: str, where: argparse.Namespace) -> str:
    scheme = ("rediss" if where.tls else "redis") + ("+cluster" if where.cluster else "")
    end = ("" if where.cluster else "/0") + (f"?ssl_ca_certs={where.ca}" if where.tls else "")
    return f"{scheme}://{role}:{password}@{place(where)}{end}"


def kept_password(file: Path) -> str | None:
    return urlsplit(file.read_text("utf-8").strip()).password if file.exists() else None


def write(file: Path, text: str) -> None:
    """Readable for all, in a folder that nobody else enters: containers run as other users, and see only what they are given.

    The file stays the same one: a container that runs would go on seeing the old one, ACL LOAD too.
    """
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text, "utf-8")
    file.chmod(0o444)


def make(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.dir
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    files = {role: folder / f"redis_url_{role}" for role in ROLES}
    new = ROLES if arguments.new == [] else arguments.new or ()
    kept = {role: kept_password(file) for role, file in files.items() if role not in new}
    passwords = {role: kept.get(role) or secrets.token_urlsafe(32) for role in ROLES}
    for role, file in files.items():
        write(file, redis_url(role, passwords[role], arguments))
    template = (HERE / "users.acl.template").read_text("utf-8")
    write(folder / "redis_users.acl", users_acl(template, passwords, arguments.prefix, arguments.redis))
    # redis_exporter looks for the address, older ones without its user: the same password for both.
    scheme = "rediss" if arguments.tls else "redis"
    names = (f"{scheme}://metrics@{place(arguments)}", f"{scheme}://{place(arguments)}")
    write(folder / "redis_exporter.json", json.dumps(dict.fromkeys(names, passwords["metrics"])))
    for file in (folder / "grafana_admin", folder / "page_token"):
        if arguments.new == [] or not file.exists():
            write(file, secrets.token_urlsafe(16))
    if arguments.tls:
        subprocess.run([HERE.parent / "tls" / "make_certificates.sh", folder / "tls", *arguments.name], check=True)


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, default=HERE.parent / "secrets", help="folder to write (default: deploy/secrets)")
    parser.add_argument("--host", default="redis", help="host name of Redis as the programs see it (default: redis)")
    parser.add_argument("--port", type=int, help="its port (default: 6379, with --tls 6380)")
    parser.add_argument("--prefix", default="fer", help="prefix of every key, as in --prefix of the programs (default: fer)")
    parser.add_argument("--redis", type=version, default=(7, 2), metavar="VERSION", help="version of Redis (default: 7.2)")
    parser.add_argument("--tls", action="store_true", help="URLs with TLS, and certificates where there are none")
    parser.add_argument("--name", action="append", default=[], help="another name or address of Redis for its certificate")
    parser.add_argument("--cluster", action="store_true", help="URLs of a Redis Cluster, of which HOST is one node")
    parser.add_argument("--ca", default=CA_IN_CONTAINERS, help="the authority's file where programs run (default: %(default)s)")
    parser.add_argument(
        "--new",
        nargs="*",
        choices=ROLES,
        metavar="ROLE",
        help="new passwords: of these roles, or of all, of Grafana and of the page",
    )
    arguments = parser.parse_args()
    os.umask(0o077)
    try:
        make(arguments)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"make_secrets: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"secrets are in {arguments.dir}: nobody else can enter it; keep it out of backups that others read")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
