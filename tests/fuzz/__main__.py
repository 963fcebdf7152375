"""`make fuzz`: every target for ten minutes, one after the other; exit status 1 where one found something."""

import subprocess
import sys

import click

from tests.fuzz.driver import RUNS

TARGETS = ("codec", "picture", "cameras_file", "results_file")


@click.command(context_settings={"show_default": True})
@click.option("--seconds", type=click.IntRange(1), default=600, help="For each target.")
@click.argument("targets", nargs=-1, type=click.Choice(TARGETS))
def main(seconds: int, targets: tuple[str, ...]) -> None:
    """Feed what reads foreign bytes with bytes that nobody thought of."""
    found = []
    for name in targets or TARGETS:
        click.echo(f"{name}: {seconds} s ...", err=True)
        words = [sys.executable, "-m", f"tests.fuzz.{name}", f"-max_total_time={seconds}", "-print_final_stats=1", "-verbosity=0"]
        done = subprocess.run(words, check=False)
        if done.returncode:
            found.append(name)
    for name in found:
        click.echo(f"{name}: see {RUNS / name}/crash-*; `python -m tests.fuzz.{name} FILE` shows it again")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
