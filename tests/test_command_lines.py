"""What holds for every program: its help, how it begins and ends, what it says of its environment."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module

import click
import pytest

from ferstream.streams.errors import how_to_install
from ferstream.streams.programs import PROGRAMS
from ferstream.streams.service.command import FerCommand
from ferstream.streams.service.logs import LEVELS
from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S
from tests.support.programs import NAMES, command, environment, run

HEAVY = ("numpy", "cv2", "av", "torch", "timm", "openvino")


def commands(program: str) -> Iterator[tuple[str, click.Command]]:
    """Every command of a program with the words that call it."""
    todo: list[tuple[str, click.Command]] = [(f"fer-{program}", import_module(PROGRAMS[program][0]).main)]
    while todo:
        words, found = todo.pop()
        yield words, found
        if isinstance(found, click.Group):
            todo += [(f"{words} {name}", child) for name, child in found.commands.items()]


ALL = [(words, found) for program in PROGRAMS for words, found in commands(program)]


def on_terminal(*words: str, **variables: str) -> str:
    """What a program writes on a terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen(command(*words), stdin=its, stdout=its, stderr=its, env=environment(TERM="xterm", **variables))
    os.close(its)
    text = b""
    with suppress(OSError):  # a terminal ends with an error
        while part := os.read(ours, 4096):
            text += part
    os.close(ours)
    process.wait(timeout=PROCESS_S)
    return text.decode()


def test_fer_lists_the_programs_and_loads_none():
    names = [module for module, _ in PROGRAMS.values()] + [*HEAVY, "redis"]
    script = f"""
import sys
from ferstream.streams.programs import fer
try:
    fer()
except SystemExit:
    print(set({names}) & set(sys.modules))
"""
    told = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True, timeout=PROCESS_S, env=environment()
    ).stdout
    assert told.endswith("set()\n")
    for name, (_, line) in PROGRAMS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", told, re.MULTILINE)
    assert "_FER_COMPLETE=bash_source fer" in told


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_line_about_a_program_is_how_its_own_help_begins(program):
    module, line = PROGRAMS[program]
    assert import_module(module).main.help.startswith(line.rstrip("."))


@pytest.mark.parametrize(
    ("word", "told"), [("prodcer", "Did you mean 'producer'?"), ("nonsense", "There are analyze, consumer, dashboard, demo, ")]
)
def test_fer_names_the_nearest_program(word, told):
    ended = run("fer", word)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert told in ended.stderr


def test_fer_runs_a_program_as_the_program_itself():
    ended, own = run("fer", "worker", "plan", "--cameras", "20"), run("worker", "plan", "--cameras", "20")
    assert (ended.returncode, ended.stdout) == (0, own.stdout)
    wrong = run("fer", "producer", "check")
    assert (wrong.returncode, wrong.stderr) == (2, "Error: no camera: give --camera NAME=URL or --cameras cameras.yaml\n")
    assert run("fer", "producer", "check", "--help").stdout.startswith("Usage: fer producer check [OPTIONS]\n")


@pytest.mark.parametrize("name", NAMES)
def test_every_program_tells_its_version(name):
    program = "fer" if name == "fer" else f"fer-{name}"
    assert re.fullmatch(rf"{program}, version \d\S+\n", run(name, "--version").stdout)


@pytest.mark.parametrize(("words", "told"), [("fer pro", "producer"), ("fer producer check --js", "--json")])
def test_the_shell_completes(words, told):
    typed = len(words.split()) - 1
    ended = run("fer", _FER_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(typed))
    assert ended.stdout.split() == [f"plain,{told}"]


def test_console_scripts_are_the_programs():
    text = (ROOT / "pyproject.toml").read_text()
    scripts = dict(re.findall(r'^(fer\S*) = "ferstream\.streams\.programs:(\w+)"$', text, re.MULTILINE))
    assert scripts == {"fer": "fer", **{f"fer-{name}": name for name in PROGRAMS}}


@pytest.mark.parametrize(("words", "found"), ALL, ids=[words for words, _ in ALL])
def test_help_is_whole_and_readable(words, found, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = click.unstyle(found.get_help(found.context_class(found, info_name=words, **found.context_settings)))
    assert text.startswith(f"Usage: {words} ")
    _, example = re.split(r"\n\nExamples?:\n", text)
    assert all(line.startswith("  fer-") for line in example.partition("\n\n")[0].splitlines())
    wide = [line for line in text.splitlines() if len(line) > 80 and line.strip() not in found.example]
    assert not wide
    for part in ("Exit status:", "Environment:", "NO_COLOR", "FER_"):
        assert part in text
    for option in found.params:
        if isinstance(option, click.Option) and isinstance(found, FerCommand) and not option.hidden:
            assert option.help, f"{option.opts} says nothing"
            assert getattr(option, "group", None) or option.name == "version", f"{option.opts} stands in no group"


@pytest.mark.parametrize(("words", "found"), ALL, ids=[words for words, _ in ALL])
def test_examples_use_options_that_exist(words, found):
    programs = dict(ALL)
    for line in found.example.splitlines():
        called = line.split(" | ")[0].split()
        name = called[0]
        while len(called) > 1 and f"{name} {called[1]}" in programs:
            name = f"{name} {called.pop(1)}"
        assert name == words or isinstance(found, click.Group)
        known = {opt for option in programs[name].params for opt in option.opts}
        assert {word.partition("=")[0] for word in called if word.startswith("--")} <= known


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_loads_no_heavy_library(program):
    script = f"import sys; from {PROGRAMS[program][0]} import main; print(sorted(set({HEAVY}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PROCESS_S)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_is_quiet_while_a_program_is_imported(name):
    script = f"""
import sys
class Told:  # a line when the imports have begun
    def find_spec(name, *_):
        if name == "click":
            print(flush=True)
sys.meta_path.insert(0, Told)
from ferstream.streams.programs import {name}
{name}()
"""
    for delay_s in (0.0, 0.05, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", script, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        assert process.stdout
        process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PROCESS_S)
        assert errors == ""
        # 0: it was done before. Killed by the signal: it was done, and Python was leaving; a shell shows 130 for that too.
        assert process.returncode in {130, 0, -signal.SIGINT}


@pytest.mark.parametrize("arguments", [("--help",), ("worker", "--help"), ("train", "summary"), ("worker", "plan", "--table")])
def test_a_reader_that_left_is_a_good_end(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        command("fer", *arguments),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PROCESS_S,
        check=False,
        env=environment(),
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_colour_is_for_terminals_that_want_it():
    words = ("producer", "check", "--camera", "a=/none.mp4")
    assert "\x1b[33m" in (coloured := on_terminal(*words, FER_NONSENSE="1"))  # the log's warning
    assert "\x1b[31m" in coloured  # the table's failure
    assert "\x1b" not in on_terminal(*words, FER_NONSENSE="1", NO_COLOR="1")
    assert "\x1b[" in on_terminal("fer", "--help")
    assert "\x1b[" not in on_terminal("fer", "--help", NO_COLOR="1")
    assert "\x1b" not in run("fer", "--help").stdout


@pytest.mark.parametrize("program", ["producer", "worker", "consumer", "train"])
def test_a_program_without_a_command_shows_what_there_is(program):
    ended = run(program)
    assert ended.returncode == 2
    assert f"Example:\n  fer-{program} " in ended.stderr
    assert "Commands:" in ended.stderr


_ROOMS = ("streams", "producer", "workers", "consumer", "training")


def test_one_place_says_how_to_install_an_extra():
    found = [path for room in _ROOMS for path in (ROOT / room).rglob("*.py") if "pip install '" in path.read_text()]
    assert found == [ROOT / "streams" / "errors.py"]


def test_errors_name_an_extra_as_the_readme_does():
    (line,) = re.findall(r"^pip install .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert how_to_install("cpu").startswith(line)
    table = (ROOT / "docs" / "getting-started.md").read_text()
    code = "".join(path.read_text() for room in _ROOMS for path in (ROOT / room).rglob("*.py"))
    extras = set(re.findall(r"how_to_install\(['\"](\w+)", code))
    kinds = {"parquet", "postgresql", "report", "mqtt", "rules", "webhook"}
    assert extras == kinds | {"cpu", "dashboard", "gpu", "tracing", "demo", "train"}
    for extra in extras:
        assert f"| `{line.replace('cpu', extra)}` |" in table


_LEVELS_OF_PROGRAMS = """
import click
from ferstream.streams.service.command import FerCommand, log_arguments
def level(words, start):
    command = FerCommand("a", log_level=start, callback=lambda: log_arguments())
    return command.main(list(words), standalone_mode=False)
"""


@pytest.mark.parametrize(("start", "most"), [("debug", "-v"), ("info", "-vv"), ("warning", "-vvv"), ("error", "-vvvv")])
def test_a_part_logs_as_its_program_wherever_it_starts(start, most):
    script = f"""{_LEVELS_OF_PROGRAMS}
for words in ([], ["-q"], {[most[:-1]] if most != "-v" else []}, [{most!r}], ["--log-level=error", "--log-format=json"]):
    told = level(words, {start!r})
    assert all(level(told, other) == told for other in ("debug", "info", "warning", "error")), told
    print(*told)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert ended.returncode == 0, ended.stderr
    _, _, less, all_, said = ended.stdout.splitlines()
    assert less == "--log-level debug --log-format auto"
    assert all_ == "-vvvv --log-format auto"
    assert said == "--log-level error --log-format json"


@pytest.mark.parametrize(("words", "found"), ALL, ids=[words for words, _ in ALL])
def test_help_says_how_many_v_show_what_libraries_say(words, found):
    options = {option.name: option for option in found.params}
    if "verbose" in options:
        start = LEVELS.index(options["log_level"].default)
        assert options["verbose"].help == f"Log more, -{'v' * (start + 1)} also what libraries say."
