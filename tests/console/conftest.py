"""Browsers for tests of the pages."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page as ShownPage

from tests.console.browser import Browser, Page
from tests.console.chromium import Window, chromium
from tests.world import World

PASSWORD = "correct horse battery 4711"
_numbers = count(1)


class Doors:
    """Opens browsers, and lets people in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._open: list[Browser] = []

    def browser(self, address: str = "127.0.0.1") -> Browser:
        """One that nobody has signed in with."""
        made = Browser(self.world.url, address)
        self._open.append(made)
        return made

    def person(self, role: str, organisation: str | None = None) -> str:
        """Somebody new, by their identifier."""
        name = f"{role} of pages {next(_numbers)}"
        made: str = self.world.administrator.add_person(name, role, organisation)["id"]
        return made

    def link(self, person_id: str) -> str:
        """The path of a link by which they set their password."""
        path: str = self.world.administrator.add_password_link(person_id)["path"]
        return path

    def enter(self, role: str, organisation: str | None = None) -> Browser:
        """The browser of somebody new who has just set their password."""
        return self.let_in(self.person(role, organisation))

    def let_in(self, person_id: str) -> Browser:
        """The browser of somebody who has just set their password."""
        browser = self.browser()
        set_password(browser, self.link(person_id))
        return browser

    def close(self) -> None:
        """Close them all."""
        for each in self._open:
            each.close()


class People:
    """Opens windows of a real browser, each with somebody signed in."""

    def __init__(self, doors: Doors, browser: Chromium) -> None:
        self._doors = doors
        self._browser = browser
        self.windows: list[Window] = []

    def enter(self, role: str, organisation: str | None = None, **more: Any) -> ShownPage:
        """Somebody new at their first page."""
        window = Window(self._browser, self._doors.world.url, **more)
        self.windows.append(window)
        window.set_password(self._doors.link(self._doors.person(role, organisation)), PASSWORD)
        return window.page

    @property
    def faults(self) -> list[str]:
        """What any page did that it must not do."""
        return [fault for window in self.windows for fault in window.faults]

    def close(self) -> None:
        """Close them all."""
        for each in self.windows:
            each.close()


def set_password(browser: Browser, link: str, password: str = PASSWORD) -> Page:
    """Follow a link and set the password."""
    return browser.send(browser.get(link), "", password=password, again=password)


def sign_in(browser: Browser, login: str, password: str = PASSWORD) -> Page:
    """Fill in the form."""
    return browser.send(browser.get("/sign-in"), "/sign-in", login=login, password=password)


@pytest.fixture
def doors(world: World) -> Iterator[Doors]:
    """Doors of the running service."""
    made = Doors(world)
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """A real browser for the tests of a file, none of which may use asyncio: each window is apart from every other."""
    with chromium() as running:
        yield running


@pytest.fixture
def people(doors: Doors, browser: Chromium) -> Iterator[People]:
    """Windows of that browser."""
    made = People(doors, browser)
    yield made
    made.close()
