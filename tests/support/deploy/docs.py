"""What deploy's pages say: the commands in their fenced blocks, the files they name, and their tables.

A block of commands that no test can run begins with a comment that says why: `# needs a Docker engine`, say. Everything else is
run by a test.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"
PAGES = [DEPLOY / name for name in ("README.md", "kubernetes/README.md", "systemd/README.md", "runbook.md", "upgrading.md")]

#: Pages beside deploy's, whose commands are not run here: what they name is held to the same.
OUTER = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

#: What a block may need, and the programs that then are its own: a comment is no way around a test.
NEEDS = {
    "a Docker engine": {"docker", "redis/admin.sh"},
    "a cluster": {"kubectl", "helm"},
    "systemd and root": {"systemctl"},
    "root on a host with systemd 250 or newer": {"systemctl", "systemd-sysusers"},
    "the units of deploy/systemd": {"systemctl"},
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command line of a page, without comment; `needs` is empty where a test can run it."""

    page: Path
    line: int
    text: str
    needs: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.text}"


def commands(page: Path) -> list[Command]:
    """Every command in the page's sh blocks. A line that ends in a backslash goes on."""
    found: list[Command] = []
    needs, inside, text, first = "", False, "", 0
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if line.strip().startswith("```"):
            inside, needs = line.strip() in ("```sh", "```bash", "```shell"), ""
        elif inside and (said := re.fullmatch(r"\s*# needs (.+?)(?:[:;,].*)?", line)):
            needs = said[1]
        elif inside and line.strip() and not line.lstrip().startswith("#"):
            first = first if text else number
            text = f"{text} {line.strip()}".strip()
            if text.endswith("\\"):
                text = text[:-1].rstrip()
            else:
                found.append(Command(page, first, text, needs))
                text = ""
    return found


def links(page: Path) -> set[str]:
    """Targets of the page's links and pictures inside the repository, and the anchors in them."""
    text = page.read_text("utf-8")
    return {target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not target.startswith(("http:", "https:", "mailto:"))}


def anchors(page: Path) -> set[str]:
    """Anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    _, _, after = page.read_text("utf-8").partition(f"# {heading}\n")
    rows: list[list[str]] = []
    for line in after.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))])
        elif rows or line.startswith("#"):
            break
    return rows[2:]


def names(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)
