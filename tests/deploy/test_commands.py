"""Every command in deploy's pages is run by a test, or says what it needs; and what it names exists."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from tests.support.deploy.docs import DEPLOY, NEEDS, OUTER, PAGES, ROOT, Command, commands
from tests.support.patience import PROCESS_S

PROGRAMS = {"fer-producer": "producer", "fer-worker": "workers", "fer-consumer": "consumer"}

#: Commands that another test runs, and what shows it there.
ELSEWHERE = {
    "make demo": ("tests/plays/newcomers_walk.py", '"make", "demo"'),
    "make walk": ("tests/plays/test_newcomers_walk.py", "newcomers_walk.take("),
    "make scale-out": ("tests/deploy/test_scale_out.py", "Teller("),
}

RUN_HERE = [
    command for page in PAGES for command in commands(page) if not command.needs and not command.text.startswith(tuple(ELSEWHERE))
]
EVERY = [command for page in (*PAGES, *OUTER) for command in commands(page)]
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DEPLOY)))
by_every_page = pytest.mark.parametrize("page", [*PAGES, *OUTER], ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize("command", RUN_HERE, ids=str)
def test_a_command_without_needs_runs(command: Command, redis_url, tmp_path):
    """In a copy of deploy/, with the programs of this environment."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", "pictures"))
    folder = tmp_path / "deploy" if (DEPLOY / command.words[0]).exists() else tmp_path
    variables = {f"FER_{name}_REDIS": redis_url for name in ("PRODUCER", "WORKER", "CONSUMER")}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = ["sh", "-c", command.text]
    done = subprocess.run(
        shell, cwd=folder, env=os.environ | variables, capture_output=True, text=True, timeout=PROCESS_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_command_that_another_test_runs_is_in_it(name):
    file, sign = ELSEWHERE[name]
    assert sign in (ROOT / file).read_text("utf-8")


@by_page
def test_a_block_needs_what_it_says(page):
    """The comment names a reason that is known, and a program in the block has that reason."""
    by_need: dict[str, list[Command]] = {}
    for command in commands(page):
        if command.needs:
            by_need.setdefault(command.needs, []).append(command)
    assert set(by_need) <= set(NEEDS), "a reason that nobody can check"
    for need, found in by_need.items():
        assert any(NEEDS[need] & set(command.text.split()) for command in found), f"nothing here that {need} is for"


@by_every_page
def test_files_in_commands_exist(page):
    for command in commands(page):
        named = re.findall(r"(?<![\w/])deploy/(?!secrets)[\w./@*-]+", command.text)
        assert all(list(ROOT.glob(word)) for word in named), str(command)


def test_options_of_the_programs_exist():
    """Every `fer-...` command, those in a container too, is one that the program takes."""
    seen = 0
    for command in EVERY:
        for words in programs_in(command.words):
            group = importlib.import_module(f"ferstream.{PROGRAMS[words[0]]}.cli").main
            inner, rest = group.commands.get(words[1]), words[2:]
            if isinstance(inner, click.Group) and rest and rest[0][0] != "-":
                inner, rest = inner.commands.get(rest[0]), rest[1:]
            assert inner, f"{command}: no such command"
            known = {option for parameter in inner.params for option in (*parameter.opts, *parameter.secondary_opts)}
            given = {word.split("=")[0] for word in rest if word.startswith("--")}
            assert given <= known, f"{command}: {given - known}"
            seen += 1
    assert seen > 3


def programs_in(words: list[str]) -> list[list[str]]:
    """Command lines of our programs in one: `docker compose exec consumer fer-consumer tail`, or one by itself."""
    return [] if words[0] == "systemctl" else [words[at:] for at, word in enumerate(words) if word in PROGRAMS]


COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES = set(COMPOSE["services"])
PROFILES = {name for service in COMPOSE["services"].values() for name in service.get("profiles", ())}
#: What comes after it: names of services, or one and then its command; and the flags that take a word.
LISTS, ONE, WITH_WORD = {"up", "ps", "build", "kill", "logs", "stop", "restart", "pull"}, {"exec", "run"}, {"-s", "--scale"}


@pytest.mark.parametrize("command", [c for c in EVERY if "docker compose " in c.text], ids=str)
def test_services_and_profiles_of_compose_exist(command):
    words = shlex.split(command.text[command.text.index("docker compose ") :], comments=True)
    assert set(re.findall(r"--profile (\S+)", command.text)) <= PROFILES
    assert set(re.findall(r"--scale ([\w-]+)=\d+", command.text)) <= SERVICES
    assert all((DEPLOY / file).exists() for file in re.findall(r"-f (\S+)", command.text))
    at = next(at for at, word in enumerate(words) if word in LISTS | ONE)
    after = words[at + 1 :]
    named = [word for before, word in zip([words[at], *after], after, strict=False) if word[0] != "-" and before not in WITH_WORD]
    assert set(named[:1] if words[at] in ONE else named) <= SERVICES


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for page in (*PAGES, *OUTER) for name in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))}
    named |= {command.words[1] for command in EVERY if command.words[0] == "make"}
    assert named <= targets
