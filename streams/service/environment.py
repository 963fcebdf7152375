"""Variables in the environment: what each option's is called, when it holds, and which of those that are set no program knows."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import click
from click.core import ParameterSource

from ferstream.streams.programs import PROGRAMS

#: Options whose variable is also there for all programs at once.
SHARED = {"--redis": "FER_REDIS", "--redis-url-file": "FER_REDIS_URL_FILE"}
#: Variables that are no option's: the folder of packs and models, which server the embedded Redis and the tests start, and how
#: long tests wait.
_OTHERS = {"FER_DATA_DIR", "FER_EMBEDDED_SERVER", "FER_TEST_SERVER", "FER_TEST_PATIENCE"}
#: Kubernetes sets these in every pod for a Service that is named fer-...
_OF_KUBERNETES = re.compile(r"FER_(\w+_)?(SERVICE_(HOST|PORT\w*)|PORT_\d+_(TCP|UDP|SCTP)\w*)")

#: How `preferred` ranks an option that the command line gives.
_BY_HAND = 3


def long_name(option: click.Parameter) -> str:
    """`--verbose` of -v and --verbose."""
    return next((name for name in option.opts if name.startswith("--")), option.opts[0])


def variables_of(option: click.Parameter) -> tuple[str, ...]:
    """The variables that set an option, the first that is set wins."""
    return (option.envvar,) if isinstance(option.envvar, str) else tuple(option.envvar or ())


def name_options(command: click.Command, prefix: str, *, by_parameter: bool) -> frozenset[str]:
    """Give each option of a command its variable, PREFIX_OPTION; returns the names of all variables that set one.

    `by_parameter` says that click's `auto_envvar_prefix` is set: then PREFIX_PARAMETER sets the option too.
    """
    known = set()
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in {"version", "help"}:
            name = long_name(option)
            names = [f"{prefix}_{name.lstrip('-').replace('-', '_').upper()}"]
            if name in SHARED:
                names.append(SHARED[name])
            option.envvar = names
            known |= {*names}
            if by_parameter:
                known.add(f"{prefix}_{option.name}".upper())
    return frozenset(known)


def preferred(ctx: click.Context, *names: str) -> str:
    """Which of several parameters, two ways to say one thing, holds: the command line over the environment, that over a default.

    In the environment the program's own variable goes before one that all programs share. Raises UsageError where two are said
    in the same place.
    """
    ranks = {name: _rank(ctx, name) for name in names}
    best = max(ranks.values())
    said = [name for name in names if ranks[name] == best]
    if best and len(said) > 1:
        options = {param.name: param for param in ctx.command.params}
        words = [long_name(options[name]) if best == _BY_HAND else _variable(options[name]) for name in said]
        raise click.UsageError(f"{words[0]} and {words[1]} say the same thing in two ways: give one of them", ctx)
    return said[0]


def _rank(ctx: click.Context, name: str) -> int:
    source = ctx.get_parameter_source(name)
    if source is ParameterSource.COMMANDLINE:
        return _BY_HAND
    if source is not ParameterSource.ENVIRONMENT:
        return 0
    option = next(param for param in ctx.command.params if param.name == name)
    return 1 if _variable(option) in SHARED.values() else 2


def _variable(option: click.Parameter) -> str:
    """The variable that sets the option now."""
    return next((name for name in variables_of(option) if os.environ.get(name)), "")


def unknown_variables(variables: Mapping[str, str], prefix: str, known: frozenset[str]) -> Iterator[str]:
    """A line about each variable that begins with FER_ and sets nothing, in the program whose variables begin with `prefix`."""
    others = tuple(f"FER_{program.upper()}_" for program in PROGRAMS if f"FER_{program.upper()}" != prefix)
    whole = known | _OTHERS | set(SHARED.values())
    for name in sorted(variables):
        # What begins like another program's is that program's to judge: a file of variables may serve them all.
        if not name.startswith("FER_") or name in whole or name.startswith(others) or _of_kubernetes(name, variables):
            continue
        near = get_close_matches(name, sorted(whole), n=1, cutoff=0.75)
        yield f"{name} is set and no program reads it" + (f": did you mean {near[0]}?" if near else "")


def _of_kubernetes(name: str, variables: Mapping[str, str]) -> bool:
    """Whether Kubernetes set it. NAME_PORT may as well be an option's, so it needs an address or NAME_SERVICE_HOST beside it."""
    if not name.endswith("_PORT") or _OF_KUBERNETES.fullmatch(name):
        return _OF_KUBERNETES.fullmatch(name) is not None
    service = name.removesuffix("_PORT")
    return f"{service}_SERVICE_HOST" in variables or variables[name].startswith(("tcp://", "udp://", "sctp://"))
