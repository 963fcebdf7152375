"""A hook of MkDocs: pages and files outside docs/ that the documentation links to become part of the site.

deploy/'s pages, CONTRIBUTING.md and CHANGELOG.md stay where a reader of the repository expects them. In the site each has the
path that it has in the repository, and links between docs/ and them are turned accordingly. A link to a folder becomes its text.
A link that leads nowhere stays as it is, and fails the build.
"""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s#:]+)(#[^)\s]*)?(\))")
#: Pages that are in the site whether something links to them or not.
OUTER = ("CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md", "deploy/kubernetes/README.md", "deploy/systemd/README.md")
OUTER_MORE = ("deploy/runbook.md", "deploy/upgrading.md")
#: What a reader of the repository sees first is, in the site, the page that it opens with.
FRONT_DOOR = "README.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the outer pages, and every file outside docs/ that a page links to."""
    root = Path(config.config_file_path).parent
    texts = {_in_repository(file): _text(file) for file in files.documentation_pages()}
    waiting = [*OUTER, *OUTER_MORE]
    for path, text in texts.items():
        waiting += [target for target, _ in _targets(path, text, root)]
    while waiting:
        path = waiting.pop()
        if path.startswith("docs/") or path == FRONT_DOOR or files.get_file_from_path(path):
            continue
        file = File.generated(config, path, abs_src_path=str(root / path))
        files.append(file)
        if path.endswith(".md"):
            waiting += [target for target, _ in _targets(path, _text(file), root)]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links across the edge of docs/ into links of the site."""
    root, here = Path(config.config_file_path).parent, _in_repository(page.file)

    def turned(found: re.Match[str]) -> str:
        target = _resolved(here, found[2], root)
        if target is None:
            return found[1][1 : found[1].index("]")] if (root / posixpath.dirname(here) / found[2]).is_dir() else found[0]
        in_site = "index.md" if target == FRONT_DOOR else target.removeprefix("docs/")
        if not files.get_file_from_path(in_site):
            return found[0]
        anchor = "" if target == FRONT_DOOR else found[3] or ""
        return f"{found[1]}{posixpath.relpath(in_site, posixpath.dirname(page.file.src_uri) or '.')}{anchor}{found[4]}"

    return LINK.sub(turned, markdown)


def _in_repository(file: File) -> str:
    """A page's path from the repository's root."""
    return file.src_uri if file.generated_by else f"docs/{file.src_uri}"


def _text(file: File) -> str:
    return Path(str(file.abs_src_path)).read_text("utf-8")


def _targets(path: str, text: str, root: Path) -> list[tuple[str, str]]:
    found = [(_resolved(path, link[2], root), link[2]) for link in LINK.finditer(text)]
    return [(target, link) for target, link in found if target is not None]


def _resolved(path: str, link: str, root: Path) -> str | None:
    """A link's target from the repository's root, or None where that is no file in it. A folder is its README."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    if target.startswith(".."):
        return None
    if (root / target).is_dir() and (root / target / "README.md").is_file():
        target = posixpath.join(target, "README.md")
    return target if os.path.isfile(root / target) else None  # noqa: PTH113 - a string stays a string
