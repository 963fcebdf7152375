"""`fer-dashboard user`: who may look, in a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import FerCommand, FerGroup
from ferstream.streams.service.named_file import as_text, read_secret

if TYPE_CHECKING:
    from ferstream.consumer.dashboard.access.person import Role

_users = cloup.option_group(
    "File",
    option(
        "--users",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        help="File of people; made where it is missing, with mode 0600.",
    ),
)


@cloup.group(cls=FerGroup, example="fer-dashboard user add ana --role viewer --users users.yaml")
def user() -> None:
    """Say who may look at the page.

    A watcher sees results without pictures, a viewer pictures too, an admin changes cameras. A running server takes changes up
    at once; who is removed, or gets another password, is out within seconds.
    """


@user.command(
    cls=FerCommand,
    example="""\
fer-dashboard user add ana --role viewer --users users.yaml
fer-dashboard user add ben --role admin --users users.yaml --password-file /run/secrets/ben""",
)
@cloup.argument("name", help="How they log in.")
@_users
@cloup.option_group(
    "Person",
    option("--role", type=click.Choice(["watcher", "viewer", "admin"]), required=True, help="What they may do."),
    option(
        "--password-file",
        type=click.Path(path_type=Path, dir_okay=False),
        show_default="asked for on the terminal",
        help="File whose first line is the password.",
    ),
    option("--no-password", is_flag=True, help="They come by a trusted proxy only, which asks who they are."),
    option("--replace", is_flag=True, help="Give somebody who is there another role and password."),
)
def add(name: str, path: Path, role: "Role", password_file: Path | None, no_password: bool, replace: bool) -> None:
    """Add a person, with a password that is asked for and kept as a hash.

    It is no option, since every user of the machine can read a command line.
    """
    with _library():
        from ferstream.consumer.dashboard.access.people.names import is_name
        from ferstream.consumer.dashboard.access.people.passwords import hash_password
        from ferstream.consumer.dashboard.access.people.users_file import User, put_user, read_users

    if no_password and password_file:
        raise click.UsageError("--no-password and --password-file say different things: give one of them")
    if not is_name(name):
        raise click.BadParameter("a name has 1 to 100 letters that can be shown, and no space at its ends", param_hint="NAME")
    if path.exists() and name in read_users(path) and not replace:
        raise click.UsageError(f"{name} is in {as_text(path)} already: --replace gives them another role and password")
    password_hash = None if no_password else hash_password(_password(password_file))
    put_user(path, User(name, role, password_hash))
    click.echo(f"{name} is {role} in {as_text(path)}")


@user.command(cls=FerCommand, example="fer-dashboard user remove ana --users users.yaml")
@cloup.argument("name", help="Who may look no longer.")
@_users
def remove(name: str, path: Path) -> None:
    """Take a person out. Their sessions end within seconds."""
    with _library():
        from ferstream.consumer.dashboard.access.people.users_file import remove_user

    if not remove_user(path, name):
        raise FerstreamError(f"nobody is called {name} in {as_text(path)}")
    click.echo(f"{name} is no longer in {as_text(path)}")


@user.command("list", cls=FerCommand, example="fer-dashboard user list --users users.yaml")
@_users
def list_(path: Path) -> None:
    """Show who may look: names and roles, no hashes."""
    with _library():
        from ferstream.consumer.dashboard.access.people.users_file import read_users

    for one in read_users(path).values():
        click.echo(f"{one.role:8} {one.name}{'' if one.password_hash else '  (by a proxy only)'}")


@contextmanager
def _library() -> Iterator[None]:
    """What hashes and writes is in an extra."""
    try:
        with QuietInterrupts():
            yield
    except ModuleNotFoundError as error:
        raise FerstreamError(f"people of the page need {error.name}: {how_to_install('dashboard')}") from error


def _password(path: Path | None) -> str:
    from ferstream.consumer.dashboard.access.people.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD

    if path is not None:
        password = read_secret(path, "the password")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt="Again", err=True)
    else:
        raise click.UsageError("there is no terminal to ask for the password on: give --password-file")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise click.UsageError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return password
