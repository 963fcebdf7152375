"""The file of people: what stands in it, what is wrong with it, and the commands that write it."""

import os
import pty
import subprocess
import threading

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from ferstream.consumer.dashboard.access.people.users_file import (
    User,
    UsersError,
    put_user,
    read_users,
    remove_user,
    replace_hash,
)
from ferstream.consumer.dashboard.cli import main
from tests.consumer.dashboard.access.page import HASH, PASSWORD
from tests.support.patience import PROCESS_S
from tests.support.programs import command, environment

COMMENTED = f"""\
# the office
users:
  # works at the door
  ana:
    role: watcher
    password: {HASH}
  ben: {{role: viewer}}  # by the proxy
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "users.yaml"
    path.write_text(COMMENTED)
    path.chmod(0o600)
    return path


def test_what_stands_in_it(file):
    assert read_users(file) == {"ana": User("ana", "watcher", HASH), "ben": User("ben", "viewer", None)}


def test_a_change_keeps_comments_and_the_mode(file):
    put_user(file, User("cleo", "admin", HASH))
    put_user(file, User("ana", "viewer", None))
    assert remove_user(file, "ben")
    assert not remove_user(file, "ben")
    assert read_users(file) == {"ana": User("ana", "viewer", None), "cleo": User("cleo", "admin", HASH)}
    text = file.read_text()
    assert text.startswith("# the office\nusers:\n  # works at the door\n  ana:\n    role: viewer\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["users.yaml"]


def test_a_link_to_it_stays_one(file):
    link = file.parent / "elsewhere" / "link.yaml"
    link.parent.mkdir()
    link.symlink_to(file)
    put_user(link, User("cleo", "admin", None))
    assert link.is_symlink()
    assert "cleo" in read_users(file)


def test_a_new_file_is_its_owners_alone(tmp_path):
    before = os.umask(0)
    try:
        put_user(tmp_path / "new.yaml", User("ana", "admin", HASH))
    finally:
        os.umask(before)
    assert (tmp_path / "new.yaml").stat().st_mode & 0o777 == 0o600
    assert read_users(tmp_path / "new.yaml")["ana"].role == "admin"


def test_a_password_that_changed_meanwhile_is_not_undone(file):
    ana = read_users(file)["ana"]
    newer = PasswordHasher(time_cost=1, memory_cost=64).hash("another password")
    put_user(file, User("ana", "watcher", newer))
    assert replace_hash(file, ana, HASH) == ana
    assert read_users(file)["ana"].password_hash == newer


def test_two_that_write_at_once_undo_nothing_of_each_other(file):
    threads = [threading.Thread(target=put_user, args=(file, User(f"p{n}", "viewer", None))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_users(file)) == 22


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("users:\n  ana:\n    role: boss\n", "line 2: ana: role must be one of watcher, viewer, admin"),
        ("users:\n  ana:\n    rol: admin\n", "line 2: ana: unknown key rol"),
        ("users:\n  ana: admin\n", "line 2: ana needs a role"),
        (
            "users:\n  ben: {role: viewer}\n  ana:\n    role: viewer\n    password: hunter2 hunter2\n",
            "line 3: ana: password must be a hash",
        ),
        ("users:\n  7: {role: viewer}\n", "line 2: a name must be text"),
        ("users:\n  ' a': {role: viewer}\n", "line 2: a name must be text"),
        ("users:\n  ana: {role: [admin]}\n", "line 2: ana: role must be"),
        ("users:\n  ana: {role: viewer}\n  ana: {role: admin}\n", "line 3: this is no YAML, or a name stands there twice"),
        ("user:\n  ana: {role: viewer}\n", "line 1: unknown key user"),
        ("users: [ana]\n", "line 1: it must hold `users:`"),
        ("- ana\n", "line 1: it must hold `users:`"),
        ("users:\n  ana: {role: viewer\n", "line 3: this is no YAML"),
        ("users:\n  ana: &a {role: viewer}\n  hunter2: *b\n", "this is no YAML"),
        ("\x00", "is no YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_nothing_secret(tmp_path, text, said):
    path = tmp_path / "users.yaml"
    path.write_text(text)
    with pytest.raises(UsersError) as told:
        read_users(path)
    assert said in str(told.value)
    assert str(told.value).startswith(str(path))
    assert "hunter2" not in str(told.value)
    with pytest.raises(UsersError):
        put_user(path, User("dora", "admin", HASH))
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["", "# nobody\n", "users:\n"])
def test_a_file_without_people_is_one(tmp_path, text):
    path = tmp_path / "users.yaml"
    path.write_text(text)
    assert read_users(path) == {}
    put_user(path, User("ana", "admin", HASH))
    assert list(read_users(path)) == ["ana"]


def run(*words):
    return CliRunner().invoke(main, ["user", *map(str, words)])


def test_people_are_added_shown_and_removed(tmp_path):
    users, secret = tmp_path / "users.yaml", tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    added = run("add", "ana", "--role", "admin", "--users", users, "--password-file", secret)
    assert (added.exit_code, added.output) == (0, f"ana is admin in {users}\n")
    assert PasswordHasher().verify(read_users(users)["ana"].password_hash, PASSWORD)
    assert run("add", "ben", "--role", "viewer", "--users", users, "--no-password").exit_code == 0
    again = run("add", "ben", "--role", "watcher", "--users", users, "--no-password")
    assert (again.exit_code, "--replace" in again.output) == (2, True)
    assert run("add", "ben", "--role", "watcher", "--users", users, "--no-password", "--replace").exit_code == 0
    assert run("list", "--users", users).output == "admin    ana\nwatcher  ben  (by a proxy only)\n"
    assert run("remove", "ana", "--users", users).exit_code == 0
    gone = run("remove", "ana", "--users", users)
    assert (gone.exit_code, "nobody is called ana" in gone.output) == (3, True)


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("ana", "short", "8 to 1024 characters"),
        ("ana", "", "is empty"),
        (" ana", PASSWORD, "no space at its ends"),
        ("a\nb", PASSWORD, "shown"),
    ],
)
def test_what_makes_no_person(tmp_path, name, password, said):
    users, secret = tmp_path / "users.yaml", tmp_path / "secret"
    secret.write_text(password)
    told = run("add", name, "--role", "admin", "--users", users, "--password-file", secret)
    assert told.exit_code in (2, 3)
    assert said in told.output
    assert not users.exists()


def test_without_a_terminal_a_file_is_asked_for(tmp_path):
    told = run("add", "ana", "--role", "admin", "--users", tmp_path / "users.yaml")
    assert (told.exit_code, "--password-file" in told.output) == (2, True)


def test_on_a_terminal_the_password_is_asked_for_and_not_shown(tmp_path):
    users = tmp_path / "users.yaml"
    ours, its = pty.openpty()
    words = command("dashboard", "user", "add", "ana", "--role", "viewer", "--users", str(users))
    process = subprocess.Popen(words, stdin=its, stdout=its, stderr=its, env=environment())
    os.close(its)
    shown = b""
    for asked in (b"Password: ", b"Again: "):
        while asked not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, PASSWORD.encode() + b"\n")
    assert process.wait(PROCESS_S) == 0
    shown += os.read(ours, 1000)
    os.close(ours)
    assert PASSWORD.encode() not in shown
    assert PasswordHasher().verify(read_users(users)["ana"].password_hash, PASSWORD)
