"""A person at Debian's Chromium, and everything that went wrong on the pages that they saw."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LEFT_BEHIND = "net::ERR_ABORTED"  # the person went on to another page before it came
FAILED_TO_LOAD = "Failed to load resource"  # the response itself is among the problems


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips the test where Chromium is not installed, unless everything is required."""
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is not installed (.ci/install-packages installs it)"
        if os.environ.get("SERVICES") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)


@dataclass
class Person:
    """One person's session. A refusal is a problem as well, unless it was foreseen."""

    page: Page
    site: str
    problems: list[str] = field(default_factory=list)
    foreseen: int = 0

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on(
            "requestfailed",
            lambda request: (
                request.failure != LEFT_BEHIND
                and self.problems.append(f"not loaded: {request.url} {request.failure}")
            ),
        )
        self.page.on(
            "console",
            lambda message: (
                message.type == "error"
                and not message.text.startswith(FAILED_TO_LOAD)
                and self.problems.append(f"console: {message.text}")
            ),
        )
        self.page.on("response", self._look_at)

    def _look_at(self, response: Response) -> None:
        if response.status >= 400 and response.status != self.foreseen:
            self.problems.append(f"{response.status} {response.url}")

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.site}{path}", wait_until="networkidle")
        return self.page

    def follow(self, text: str) -> Page:
        """Click the first link of the page's content that says so."""
        self.page.locator("#content, #main").first.get_by_role("link", name=text).first.click()
        self.page.wait_for_load_state("networkidle")
        return self.page

    @contextmanager
    def refused(self, status: int) -> Iterator[None]:
        """Within the block an answer with this status is what must come."""
        self.foreseen = status
        try:
            yield
        finally:
            self.foreseen = 0

    def take_picture(self, name: str, *, whole: bool = False) -> None:
        """Into the folder named by CREDENCE_SCREENSHOTS, where there is one."""
        if folder := os.environ.get("CREDENCE_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / name), full_page=whole)


def sign_in(browser: Browser, site: str, name: str, password: str) -> Person:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    person = Person(context.new_page(), site)
    page = person.open("/")
    page.fill("#id_username", name)
    page.fill("#id_password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/")
    page.wait_for_load_state("networkidle")
    return person
