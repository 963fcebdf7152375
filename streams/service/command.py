"""What every command of every program has: an example in its help, its exit statuses and variables, the log, and a clean end."""

import logging
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click
import cloup
from cloup.formatting import HelpFormatter, HelpSection

from ferstream.streams.errors import FerstreamError
from ferstream.streams.programs import EXIT_UNUSABLE, EXIT_WRONG_USAGE, INTERRUPTED
from ferstream.streams.service.environment import SHARED, long_name, name_options, preferred, unknown_variables, variables_of
from ferstream.streams.service.logs import LEVELS, configure_logging, logs_json
from ferstream.streams.service.named_file import as_text
from ferstream.streams.service.threads import THREAD_DIED

log = logging.getLogger(__name__)

#: Exit statuses, the same in all programs.
EXIT_STATUSES = {
    0: "done",
    1: "failed while running",
    EXIT_WRONG_USAGE: "wrong usage or configuration",
    EXIT_UNUSABLE: "a server, model, camera or file cannot be used",
    INTERRUPTED: "ended by Ctrl-C",
}
#: What a service adds to them: it ends in order, and may be told to leave before it is done with that.
SERVICE_EXITS = {
    0: "done, or ended in order by SIGTERM or Ctrl-C",
    THREAD_DIED: "one of its threads died: its last log line says of what",
    INTERRUPTED: "ended by Ctrl-C while it started",
    143: "left at once, by a second signal",
}

_THEME = cloup.HelpTheme(heading=cloup.Style(bold=True), invoked_command=cloup.Style(bold=True), col1=cloup.Style(fg="cyan"))
CONTEXT = cloup.Context.settings(
    show_default=True,
    help_option_names=["-h", "--help"],
    formatter_settings=HelpFormatter.settings(max_width=100, col1_max_width=28, theme=_THEME),
)
LOGS = "Logs and metrics"


class Failure(click.ClickException):
    """One clear line: on the terminal as click writes it, or as a log line where the log is JSON."""

    exit_code = EXIT_UNUSABLE

    def show(self, file: IO[Any] | None = None) -> None:
        if logs_json():
            log.error("%s", self.message)
        else:
            super().show(file)


class WrongUsage(Failure):
    """Wrong usage or configuration of a program that we start: its words, and its exit status."""

    exit_code = EXIT_WRONG_USAGE


class _Helpful(cloup.Command):
    """Help that begins with an example, and ends with exit statuses and variables."""

    def __init__(self, *args: Any, example: str = "", exits: dict[int, str] | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        kwargs["context_settings"] = {**CONTEXT, **(kwargs.get("context_settings") or {})}
        _shape(kwargs.get("params") or [])
        super().__init__(*args, **kwargs)
        self.example = example
        self.exits = dict(sorted({**EXIT_STATUSES, **(exits or {})}.items()))
        self.variables: dict[str, str] = {}  # for the help: a variable, and what it is for
        self.program = ""  # how the variables of its program begin
        self.known: frozenset[str] = frozenset()  # all of them

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's
    ) -> click.Context:
        if os.environ.get("NO_COLOR"):
            extra.setdefault("color", False)
        with _clean_end():  # --help and --version print here
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        with _clean_end():
            return super().invoke(ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.example:
            lines = self.example.splitlines()
            formatter.write(f"\n{'Examples' if len(lines) > 1 else 'Example'}:\n" + "".join(f"  {line}\n" for line in lines))
        super().format_help_text(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        assert isinstance(formatter, HelpFormatter)
        statuses = [(str(status), meaning) for status, meaning in self.exits.items()]
        variables = [*self.variables.items(), ("NO_COLOR", "Set to anything, there are no colours.")]
        formatter.write_many_sections(
            [HelpSection("Exit status", statuses), HelpSection("Environment", variables)], aligned=False
        )


class FerCommand(_Helpful):
    """A command with -v, -q, --log-level and --log-format, which sets the log up before it runs."""

    def __init__(self, *args: Any, log_level: str = "info", **kwargs: Any) -> None:  # noqa: ANN401
        kwargs["params"] = [*(kwargs.get("params") or []), *_log_params(log_level)]
        super().__init__(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        steps = ctx.params.pop("quiet") - ctx.params.pop("verbose")
        level, format_ = ctx.params.pop("log_level"), ctx.params.pop("log_format")
        if preferred(ctx, "log_level", "verbose", "quiet") != "log_level":
            start = next(param.default for param in self.params if param.name == "log_level")
            level = ("all", *LEVELS)[max(0, min(len(LEVELS), LEVELS.index(start) + 1 + steps))]
        ctx.meta["log_level"], ctx.meta["log_format"] = level, format_
        configure_logging(level, format_)
        for problem in unknown_variables(os.environ, self.program, self.known):
            log.warning("%s", problem)
        return super().invoke(ctx)


class FerGroup(_Helpful, cloup.Group):
    """A group of FerCommands. FerstreamErrors end as one clear line and exit status 3, never as a traceback."""

    def handle_bad_command_name(
        self,
        bad_name: str,
        valid_names: list[str],
        error: click.UsageError,
    ) -> click.UsageError:
        """Names the commands that the wrong name is close to, or all commands where it is close to none."""
        told = super().handle_bad_command_name(bad_name, valid_names, error)
        known = f"{error.message} There are {', '.join(sorted(valid_names))}."
        return told if told is not error else click.UsageError(known, error.ctx)


def name_variables(main: click.Command, prefix: str, *, by_command: bool = False) -> None:
    """Give every option of a program its variable: PREFIX_OPTION, the same for all its commands.

    With `by_command` it is PREFIX_COMMAND_OPTION, as click's `auto_envvar_prefix` has it. Call it when all commands are there.
    """
    known: frozenset[str] = frozenset()
    by_parameter = bool(main.context_settings.get("auto_envvar_prefix"))
    commands = list(_below(main, prefix, by_command=by_command))
    for command, begin in commands:
        known |= name_options(command, begin, by_parameter=by_parameter)
    for command, begin in commands:
        command.program, command.known = prefix, known
        shared = [option for option in command.params if long_name(option) in SHARED]
        example = next((option for option in command.params if isinstance(option, click.Option) and option.envvar), None)
        say = f": {variables_of(example)[0]} is {long_name(example)}" if example else ""
        middle = "_<COMMAND>" * (by_command and isinstance(command, click.Group))
        command.variables = {f"{begin}{middle}_<OPTION>": f"Sets an option{say}. The command line wins."}
        for option in shared:
            command.variables[SHARED[long_name(option)]] = f"{long_name(option)} of all programs; {variables_of(option)[0]} wins."


def _below(command: click.Command, prefix: str, *, by_command: bool) -> "Iterator[tuple[_Helpful, str]]":
    """The command and all under it, with how their variables begin."""
    assert isinstance(command, _Helpful)
    yield command, prefix
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            begin = f"{prefix}_{name}".upper().replace("-", "_") if by_command else prefix
            yield from _below(child, begin, by_command=by_command)


def log_arguments() -> tuple[str, ...]:
    """The options with which a command of any program logs as the running command does."""
    meta = click.get_current_context().meta
    # "all" has no name in --log-level: it is what -v comes to in the end, wherever a command starts.
    level = ("-" + "v" * len(LEVELS),) if meta["log_level"] == "all" else ("--log-level", meta["log_level"])
    return (*level, "--log-format", meta["log_format"])


@contextmanager
def _clean_end() -> Iterator[None]:
    """A reader of our output that left (`| head`) is a good end, Ctrl-C a quiet one, and an error of ours one clear line."""
    try:
        yield
    except BrokenPipeError:
        if not _reader_left():
            raise
        # What is still in the buffer has nowhere to go; the interpreter flushes it once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(0) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except FerstreamError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        # A file that nobody expected to be trouble: the traceback is for those who want to know where.
        if not isinstance(error.filename, str | bytes | os.PathLike):
            raise
        log.debug("where it happened", exc_info=True)
        raise Failure(f"cannot use {as_text(os.fsdecode(error.filename))}: {error.strerror}") from error


def _reader_left() -> bool:
    """Whether it is our standard output whose other end is closed, and not some other pipe."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _shape(params: list[click.Parameter]) -> None:
    """Give options of one group one title (cloup would show a section for each decorator), and numbers a short word."""
    groups: dict[str, cloup.OptionGroup] = {}
    for param in params:
        group = getattr(param, "group", None)
        if group is not None:
            param.group = groups.setdefault(group.title, cloup.OptionGroup(group.title))  # type: ignore[attr-defined]
        if isinstance(param.type, click.IntRange | click.FloatRange) and param.metavar is None:
            number = "N" if isinstance(param.type, click.IntRange) else "NUMBER"
            param.metavar = "SECONDS" if str(param.name).endswith("_s") else " ".join([number] * param.nargs)


def _log_params(level: str) -> list[click.Parameter]:
    group = cloup.OptionGroup(LOGS)
    all_ = "v" * (LEVELS.index(level) + 1)
    return [
        cloup.Option(
            ["-v", "--verbose"],
            count=True,
            group=group,
            help=f"Log more, -{all_} also what libraries say.",
            show_default=False,
        ),
        cloup.Option(["-q", "--quiet"], count=True, group=group, help="Log less.", show_default=False),
        cloup.Option(["--log-level"], type=click.Choice(LEVELS), default=level, group=group, help="Least level that is logged."),
        cloup.Option(
            ["--log-format"],
            type=click.Choice(["auto", "text", "json"]),
            default="auto",
            group=group,
            help="Log lines as text (coloured on a terminal) or JSON.",
        ),
    ]
