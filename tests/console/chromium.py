"""Debian's Chromium, watched: whatever a page does that it must not do is written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # the tests run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = ViewportSize(width=390, height=844)
Scheme = Literal["light", "dark"]
PATIENCE_MILLISECONDS = 60_000  # five seconds, as is usual, are too few where five browsers share two cores
AXE = Path(__file__).parents[2] / "build/web/node_modules/axe-core/axe.min.js"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the block."""
    assert Path(CHROMIUM).exists(), "Chromium is missing: run `sh tools/for-tests`"
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


class Window:
    """A page in the browser, signed in as somebody. `faults` is what it did that it must not do."""

    def __init__(self, browser: Browser, url: str, **more: Any) -> None:
        self.url = url
        self.faults: list[str] = []
        self._context = browser.new_context(base_url=url, **more)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", lambda request: self._ask(request.url))

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.faults.append(f"{said.type}: {said.text}")

    def _ask(self, url: str) -> None:
        if not url.startswith((self.url, "data:")):
            self.faults.append(f"request off the host: {url}")

    def go(self, path: str) -> Page:
        """Open a page of ours."""
        self.page.goto(path)
        return self.page

    def set_password(self, link: str, password: str) -> None:
        """Follow a link and set the password."""
        self.go(link)
        self.page.fill("[name=password]", password)
        self.page.fill("[name=again]", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/password/" not in url)

    def violations(self, scheme: Scheme = "light", rule: str | None = None) -> list[str]:
        """What axe finds on the page as it is in these colours (WCAG 2.2 AA), or by one of its rules alone."""
        # Without motion colours change at once; else axe sees them half way.
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        # Evaluated from outside the page, where the page's own policy does not hold.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        only = {"type": "rule", "values": [rule]} if rule else {"type": "tag", "values": STANDARDS}
        # Of what is in order it would describe each element.
        found = self.page.evaluate(
            "async (only) => (await axe.run({runOnly: only, resultTypes: ['violations']})).violations", only
        )
        return [
            f"{scheme}: {each['id']}: {node['target']} {node['failureSummary']}"
            for each in found
            for node in each["nodes"]
        ]

    def width_on_a_phone(self) -> int:
        """How wide the page is there, in pixels; it is as it was afterwards."""
        usual = self.page.viewport_size
        self.page.set_viewport_size(PHONE)
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        assert usual is not None
        self.page.set_viewport_size(usual)
        return width

    def close(self) -> None:
        """Close it."""
        self._context.close()
