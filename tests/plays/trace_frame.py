"""The files that a frame passes, from camera to line: `python -m tests.plays.trace_frame [TREE]`.

A producer, a worker and a subscriber of a tree run as processes; each counts by file the calls of the tree's own functions. A
file that was called for every second frame at least (several may share a call) lies on its way; what is called at the start,
or once a second, does not. The main threads of producer and worker, and those that look after Redis and the gauges, see no
frame: theirs are not counted.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.paths import ROOT

FRAMES = 120
#: Runs a program with every call counted; writes the counts when it ends.
_COUNTING = """
import atexit, json, os, signal, sys, threading
from collections import Counter
tree, out = os.environ["FER_TRACED_TREE"], os.environ["FER_TRACED_OUT"]
calls = Counter()
def seen(frame, event, _argument):
    if event == "call" and not threading.current_thread().name.startswith(("redis-link", "gauges-", "watch-")):
        calls[frame.f_code.co_filename] += 1
def write():
    sys.setprofile(None)
    counted = Counter()
    for name, count in list(calls.items()):
        path = os.path.realpath(name)
        if path.startswith(tree + os.sep) and ".venv" not in path and os.path.exists(path):
            counted[os.path.relpath(path, tree)] += count
    with open(out, "w") as file:
        json.dump(counted, file)
atexit.register(write)
leave = os._exit
os._exit = lambda status: (write(), leave(status))
signal.signal(signal.SIGUSR1, lambda *_: calls.clear())  # the first result is out: forget the start
threading.setprofile(seen)
if "tail" in sys.argv:
    sys.setprofile(seen)
from {module} import main
main()
"""


def files_of_a_frame(tree: Path = ROOT, frames: int = FRAMES) -> dict[str, list[str]]:
    """By program, the files whose functions `frames` frames called, in order of their names."""
    prefix = "ferstream." if (tree / "ferstream").exists() else ""
    commands = {
        "worker": ("workers.cli", "run", "--name", "traced", "--device", "cpu", "--threads", "1", "--metrics-port", "0"),
        "consumer": ("consumer.cli", "tail", "--from", "0", "--count", str(frames + 10), "--all"),
        "producer": (
            "producer.cli",
            "run",
            "--camera",
            "door=portraits:",
            "--fps",
            "10",
            "--freshness",
            "60",
            "--metrics-port",
            "0",
        ),
    }
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis() as server, ExitStack() as stack:
        processes = {}
        for name, (module, command, *arguments) in commands.items():
            variables = {"FER_TRACED_TREE": str(tree.resolve()), "FER_TRACED_OUT": f"{folder}/{name}", "PYTHONPATH": str(tree)}
            code = _COUNTING.replace("{module}", prefix + module)
            processes[name] = subprocess.Popen(
                [sys.executable, "-c", code, command, "--redis", server.url, *arguments],
                cwd=tree,
                env=os.environ | variables,
                stdout=subprocess.PIPE if name == "consumer" else subprocess.DEVNULL,
            )
            stack.callback(processes[name].kill)
        lines = processes["consumer"].stdout
        assert lines is not None
        lines.readline()
        for process in processes.values():
            process.send_signal(signal.SIGUSR1)
        lines.read()
        processes["consumer"].wait(60)
        for name in ("producer", "worker"):
            processes[name].terminate()
            processes[name].wait(60)
        counts = {name: json.loads(Path(folder, name).read_text("utf-8")) for name in commands}
    return {name: sorted(file for file, calls in counted.items() if 2 * calls >= frames) for name, counted in counts.items()}


@click.command()
@click.argument("tree", type=click.Path(exists=True, file_okay=False, path_type=Path), default=ROOT)
def main(tree: Path) -> None:
    """Print the files on a frame's way in TREE (this one unless named)."""
    found = files_of_a_frame(tree)
    for program in ("producer", "worker", "consumer"):
        click.echo(f"{program}: {len(found[program])}")
        for file in found[program]:
            click.echo(f"    {file}")
    click.echo(f"different files: {len(set().union(*found.values()))}")


if __name__ == "__main__":
    main()
