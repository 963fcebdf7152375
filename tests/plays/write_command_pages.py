"""Writes docs/commands from what every program says with --help: `python -m tests.plays.write_command_pages`, or `--check`."""

import argparse
import os
import re
import sys
import tomllib
from collections.abc import Iterator

import click
from click.testing import CliRunner

from ferstream.streams import programs
from tests.support.paths import ROOT

PAGES = ROOT / "docs" / "commands"
PROGRAMS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
#: As wide as it is on every machine, without colour, and with nothing of the caller's own settings.
ENVIRONMENT = {"COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb", "TERMINAL_WIDTH": "110"}

NOTE = "<!-- Written by `python -m tests.plays.write_command_pages`; change the program's help instead. -->\n"
INTRODUCTION = """
# Commands

What follows is what the programs say themselves with `--help`. Every option of a program is also a variable in the
environment, which its help names; an option on the command line wins over the variable.

**Completion.** A shell completes commands and options when it has been told how, here for one program; the others are the same
with their own names:

```sh
eval "$(_FER_WORKER_COMPLETE=bash_source fer-worker)"    # in ~/.bashrc
eval "$(_FER_WORKER_COMPLETE=zsh_source fer-worker)"     # in ~/.zshrc
```

For fish it is `_FER_WORKER_COMPLETE=fish_source fer-worker | source`, in `~/.config/fish/config.fish`.

"""


def main() -> int:
    """Write the pages; with --check write none, and name those that are not as the programs say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a page is out of date")
    check = parser.parse_args().check
    stale = []
    for name, text in pages().items():
        page = PAGES / name
        if page.exists() and page.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            PAGES.mkdir(exist_ok=True)
            page.write_text(text, "utf-8")
    gone = {page.name for page in PAGES.glob("*.md")} - set(pages())
    for name in () if check else gone:
        (PAGES / name).unlink()
    for name in sorted({*stale, *gone}):
        print(f"docs/commands/{name}", "is out of date" if check else "written" if name in stale else "removed")  # noqa: T201
    return int(check and bool(stale or gone))


def pages() -> dict[str, str]:
    """Every page by its file name."""
    made = {f"{program}.md": page(program) for program in PROGRAMS}
    rows = [f"| [`{program}`]({program}.md) | {summary(load(program))} |" for program in PROGRAMS]
    made["index.md"] = NOTE + INTRODUCTION + "\n".join(["| program | what it does |", "|---|---|", *rows]) + "\n"
    return made


def page(program: str) -> str:
    """One program: its own help, then that of each of its commands."""
    parts = [f"{NOTE}\n# {program}\n\n{block(said(program, []))}"]
    for words, _ in commands(load(program)) if program != "fer" else ():  # `fer` runs the others, each of which has its page
        parts.append(f"## {program} {' '.join(words)}\n\n{block(said(program, words))}")
    return "\n".join(parts)


def load(program: str) -> click.Command:
    return programs.load(PROGRAMS[program].partition(":")[2])


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[list[str], click.Command]]:
    """The commands under a command, in the order of its help, with the words that lead to each."""
    context = click.Context(command, info_name=" ".join(words))
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        inner = command.get_command(context, name)
        if inner is not None and not inner.hidden:
            yield [*words, name], inner
            yield from commands(inner, (*words, name))


def said(program: str, words: list[str]) -> str:
    """What `PROGRAM WORDS... --help` prints."""
    ours = {name: None for name in os.environ if name.startswith("FER_")}
    done = CliRunner().invoke(load(program), [*words, "--help"], prog_name=program, env=ours | ENVIRONMENT, terminal_width=100)
    if done.exit_code:
        raise RuntimeError(f"{program} {' '.join(words)} --help ended with {done.exit_code}: {done.output}")
    return re.sub(r"[ \t]+$", "", done.output, flags=re.MULTILINE).strip("\n")


def block(text: str) -> str:
    return f"```text\n{text}\n```\n"


def summary(command: click.Command) -> str:
    return command.get_short_help_str(200).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
