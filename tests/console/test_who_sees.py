"""Every page, and who may open it or send its form."""

import pytest

from tests.console.browser import Browser
from tests.console.conftest import Doors

EVERYBODY = {"analyst", "lead", "auditor", "administrator", "release", "customer"}
READERS = {"analyst", "lead", "auditor", "administrator"}
DECIDERS = {"analyst", "lead"}
PAGES = {
    "/me": EVERYBODY,
    "/queue": READERS,
}
FORMS = {
    "/queue/take": DECIDERS,
    "/language": EVERYBODY,
}


@pytest.fixture
def browsers(doors: Doors) -> dict[str, Browser]:
    staff = {role: doors.enter(role) for role in sorted(EVERYBODY - {"customer"})}
    return {**staff, "customer": doors.enter("customer", doors.world.organisation())}


def test_each_page_is_for_its_roles(browsers: dict[str, Browser]) -> None:
    for path, roles in PAGES.items():
        for role, browser in browsers.items():
            page = browser.get(path)
            assert (page.status == 403) == (role not in roles), (path, role, page.status)
            assert page.path == path, "nobody was sent to sign in"


def test_each_form_is_for_its_roles(browsers: dict[str, Browser]) -> None:
    for role, browser in browsers.items():
        token = form_token(browser)
        for path, roles in FORMS.items():
            page = browser.post(path, {"form_token": token, "language": "en"})
            assert (page.status == 403) == (role not in roles), (path, role, page.status)


def test_without_signing_in_each_page_leads_to_the_form(doors: Doors) -> None:
    browser = doors.browser()
    assert {browser.get(path).path for path in PAGES} == {"/sign-in"}
    assert {browser.post(path, {}).path for path in FORMS} == {"/sign-in"}


def form_token(browser: Browser) -> str:
    """What a form of this session carries."""
    return browser.get("/me").form("/language").fields["form_token"]
