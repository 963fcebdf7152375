"""A real browser for tests of the page: Debian's Chromium, driven by Playwright, and what it complains about."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.patience import PATIENCE
from tests.support.video_files import skip_or_fail

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType, Page

#: Where Debian has it; elsewhere it is on the PATH.
CHROMIUM = "/usr/bin/chromium"
#: Milliseconds that Playwright waits for what a test expects.
PATIENCE_MS = 10_000 * PATIENCE


@contextmanager
def chromium(*arguments: str) -> Iterator["Browser"]:
    """A headless Chromium. Skips the test where there is none, or no Playwright; on CI it fails."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        skip_or_fail("no playwright here: `pip install -e .[dev]` brings it")
    with sync_playwright() as playwright, _launched(playwright.chromium, arguments) as browser:
        yield browser


@contextmanager
def another(browser: "Browser", *arguments: str) -> Iterator["Browser"]:
    """One more beside `browser`, started with other arguments."""
    with _launched(browser.browser_type, arguments) as started:
        yield started


@contextmanager
def _launched(kind: "BrowserType", arguments: tuple[str, ...]) -> Iterator["Browser"]:
    executable = CHROMIUM if os.access(CHROMIUM, os.X_OK) else shutil.which("chromium")
    if executable is None:
        skip_or_fail("no Chromium: `make test-tools` as root installs it")
    # Chromium's sandbox does not work as root, nor in a container with little shared memory.
    given = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else []), *arguments]
    browser = kind.launch(executable_path=executable, args=given)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def visit(
    browser: "Browser", url: str, *, size: tuple[int, int] = (1440, 900), dark: bool = False, may_fail: tuple[str, ...] = ()
) -> Iterator["Page"]:
    """A page of its own at `url`. At its end fails where it complained, or asked another host for something.

    `may_fail`: what a complaint may hold, where the test breaks something on purpose.
    """
    width, height = size
    phone = width < 500
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=phone,
        is_mobile=phone,
        locale="en-GB",
    ) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        complaints: list[str] = []
        home = urlsplit(url).netloc
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(f"asked {asked.url}") if _abroad(asked.url, home) else None)
        page.goto(url)
        yield page
        unexpected = [said for said in complaints if not any(word in said for word in may_fail)]
        assert not unexpected, unexpected


def _abroad(url: str, home: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.netloc != home


def violations(page: "Page") -> list[str]:
    """What axe-core finds that keeps people out: rule and elements."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes']][:3]}" for one in found]
