"""The runbook: an entry for each alert, and nothing in it that is not there."""

import re
from importlib import import_module

import click
import pytest

from tests.support.deploy.queries import dashboard, panels, rules
from tests.support.deploy.tools import DEPLOY

RUNBOOK = (DEPLOY / "runbook.md").read_text("utf-8")
BOARDS = ("fleet", "worker", "camera", "redis", "tracks", "sinks")
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
#: What every entry answers, in this order.
QUESTIONS = ["Means", "Users notice", "Look first", "Mend", "Afterwards"]
PROGRAMS = {
    "fer-producer": "ferstream.producer.cli",
    "fer-worker": "ferstream.workers.cli",
    "fer-consumer": "ferstream.consumer.cli",
}


def entries() -> dict[str, str]:
    parts = re.split(r"^### (Fer\w+)$", RUNBOOK, flags=re.MULTILINE)
    names = parts[1::2]
    assert len(names) == len(set(names))
    return dict(zip(names, parts[2::2], strict=True))


def options(program: str, command: str | None = None) -> set[str]:
    """The options of a program's command, or of all its commands."""
    group: click.Group = import_module(PROGRAMS[program]).main
    chosen = [group.commands[command]] if command else group.commands.values()
    return {name for one in chosen for option in one.params for name in (*option.opts, *option.secondary_opts)}


def test_there_is_an_entry_for_each_alert_and_no_other():
    assert set(entries()) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_entry_answers_every_question(name):
    assert re.findall(r"^\*\*([A-Z][a-z ]+):\*\* \S", entries()[name], re.MULTILINE) == QUESTIONS


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(name):
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"deploy/runbook.md#{name.lower()}"


def test_it_names_alerts_that_exist():
    assert set(re.findall(r"\bFer[A-Z]\w+", RUNBOOK)) == set(ALERTS)


def test_it_names_panels_that_exist():
    named = {re.sub(r"\s+", " ", name) for name in re.findall(r"(?<!\*)\*(\w+: [^*]+)\*(?!\*)", RUNBOOK)} - {"dashboard: panel"}
    there = {f"{name}: {panel['title']}" for name in BOARDS for panel in panels(dashboard(name))}
    assert len(named) > 15
    assert named - there == set()


def test_its_commands_and_options_exist():
    known = set.union(*(options(program) for program in PROGRAMS))
    for words in (code.split() for code in re.findall(r"`([^`\n]+)`", RUNBOOK)):
        if words[0] in PROGRAMS:
            assert {word for word in words if word.startswith("--")} <= options(words[0], words[1]), words
        elif words[0].startswith("--"):
            assert words[0] in known, words


def test_it_names_the_reasons_that_the_page_of_metrics_lists():
    page = (DEPLOY.parent / "docs" / "metrics.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `fer_frames_dropped_total`"))
    reasons = set(re.findall(r"`([a-z_]+)`", row)) - {"fer_frames_dropped_total", "rate"}
    assert {reason for reason in reasons if f"`{reason}`" not in entries()["FerFramesDropped"]} == set()
