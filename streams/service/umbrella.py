"""`fer`: lists the programs and runs them."""

import click
import cloup

from ferstream.streams.programs import PROGRAMS, load
from ferstream.streams.service.command import FerGroup


class Umbrella(FerGroup):
    """Lists what stands in PROGRAMS, and imports a program when a command line names it."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in PROGRAMS else command, rest


@cloup.group(
    cls=Umbrella,
    example="""\
fer demo
fer up --camera desk=webcam:0 --open
fer status --watch
fer producer run --camera desk=webcam:0
fer worker run --help""",
)
@click.version_option(package_name="ferstream", prog_name="fer")
def main() -> None:
    """Apparent facial expression on live video, from one webcam to a fleet of cameras.

    Each command is a program of its own too: `fer producer run` is `fer-producer run`.

    \b
    Completion of commands and options, for your shell's start-up file:
      bash  eval "$(_FER_COMPLETE=bash_source fer)"
      zsh   eval "$(_FER_COMPLETE=zsh_source fer)"
      fish  _FER_COMPLETE=fish_source fer | source
    For fer-producer itself it is _FER_PRODUCER_COMPLETE, and so on.
    """


for _name, (_, _line) in PROGRAMS.items():
    main.add_command(cloup.Command(_name, short_help=_line))  # in its place stands the program, once it is asked for
main.variables = {
    "FER_REDIS": "The Redis of all programs; FER_WORKER_REDIS wins for fer-worker, and so on.",
    "FER_REDIS_URL_FILE": "File that holds its URL (for passwords).",
    "FER_<PROGRAM>_<OPTION>": "Sets an option; a program's own --help has the names.",
}
