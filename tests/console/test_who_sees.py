"""Every page, and who may open it or send its form."""

import pytest

from sigreq.api.console import case, change, portal
from sigreq.domain.people import Permission
from tests.console.browser import Browser
from tests.console.conftest import Doors

EVERYBODY = {"analyst", "lead", "auditor", "administrator", "release", "customer"}
READERS = {"analyst", "lead", "auditor", "administrator"}
DECIDERS = {"analyst", "lead"}
PAGES = {
    "/me": EVERYBODY,
    "/queue": READERS,
    "/queue/rules": READERS,
    "/queue/rules/cases?rule=Marker": READERS,
    "/cases": READERS,
    "/changes": READERS,
    "/texts": READERS,
    "/portal": {"customer"},
    "/portal/new": {"customer"},
    "/portal/new/database": {"customer"},
    "/portal/keys": {"customer"},
    "/portal/webhook": {"customer"},
}
NOBODYS = "SR-0000-0000-0000"
# Nothing of that name is there: those who may get so far are told so.
OF_ONE = {
    f"/cases/{NOBODYS}": READERS,
    f"/cases/{NOBODYS}/similar": READERS,
    f"/cases/{NOBODYS}/files/0": READERS,
    f"/cases/{NOBODYS}/change?kind=rule_add": DECIDERS,
    "/changes/CH-0000-0000-0000": READERS,
    f"/portal/{NOBODYS}": {"customer"},
    f"/portal/{NOBODYS}/evidence": {"customer"},
}
WRITES_OF_ONE = {
    **{f"/cases/{NOBODYS}/{action}": DECIDERS for action in (*case.ACTIONS, "made-up")},
    f"/cases/{NOBODYS}/insert?into=answer": DECIDERS,
    "/texts/CT-0000-0000-0000/change": {"lead"},
    "/texts/CT-0000-0000-0000/remove": {"lead"},
    **{f"/portal/{NOBODYS}/{action}": {"customer"} for action in (*portal.ACTIONS, "made-up")},
    "/portal/keys/x/revoke": {"customer"},
    "/portal/webhook/deliveries/x/again": {"customer"},
    **{
        f"/changes/CH-0000-0000-0000/{action}": DECIDERS if permission is Permission.DECIDE else {"lead"}
        for action, (permission, _) in change.ACTIONS.items()
    },
}
FORMS = {
    "/me/keys": EVERYBODY,
    "/queue/take": DECIDERS,
    "/queue/rules/cases?rule=Marker": DECIDERS,
    "/queue/views": READERS,
    "/queue/views/remove": READERS,
    "/texts": {"lead"},
    "/language": EVERYBODY,
    "/portal/keys": {"customer"},
    "/portal/webhook": {"customer"},
    "/portal/webhook/remove": {"customer"},
    "/portal/webhook/ping": {"customer"},
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
            assert page.path == path.partition("?")[0], "nobody was sent to sign in"


def test_each_form_is_for_its_roles(browsers: dict[str, Browser]) -> None:
    for role, browser in browsers.items():
        token = form_token(browser)
        for path, roles in FORMS.items():
            page = browser.post(path, {"form_token": token, "language": "en"})
            assert (page.status == 403) == (role not in roles), (path, role, page.status)


def test_each_page_of_one_case_or_change_is_for_its_roles(browsers: dict[str, Browser]) -> None:
    for path, roles in OF_ONE.items():
        found = {role for role, browser in browsers.items() if browser.get(path).status == 404}
        assert found == roles, path


def test_each_form_of_one_case_or_change_is_for_its_roles(browsers: dict[str, Browser]) -> None:
    tokens = {role: form_token(browser) for role, browser in browsers.items()}
    for path, roles in WRITES_OF_ONE.items():
        data = {"held": "1", "message": "x", "reason": "x", "severity": "1"}
        answers = {role: each.post(path, {**data, "form_token": tokens[role]}) for role, each in browsers.items()}
        assert {role for role, answer in answers.items() if answer.status != 403} == roles, path


def test_a_customers_pages_show_nothing_of_another_organisation(doors: Doors) -> None:
    world = doors.world
    case = world.queued(world.customer(), world.product())
    other = doors.enter("customer", world.organisation())
    assert other.get(f"/portal/{case['id']}").status == 404
    assert case["id"] not in other.get("/portal").html
    token = form_token(other)
    answer = other.post(f"/portal/{case['id']}/reply", {"form_token": token, "held": "1", "message": "x"})
    assert answer.status == 404


def test_the_link_of_a_mail_leads_to_the_page_that_the_reader_has(doors: Doors) -> None:
    world = doors.world
    organisation = world.organisation()
    case = world.queued(world.person("customer", organisation), world.product())["id"]
    assert doors.enter("customer", organisation).get(f"/submissions/{case}").path == f"/portal/{case}"
    assert doors.enter("analyst").get(f"/submissions/{case.lower()}").path == f"/cases/{case}"
    assert doors.browser().get(f"/submissions/{case}").path == "/sign-in"
    assert doors.enter("release").get(f"/submissions/{case}").status == 403


def test_without_signing_in_each_page_leads_to_the_form(doors: Doors) -> None:
    browser = doors.browser()
    assert {browser.get(path).path for path in (*PAGES, *OF_ONE)} == {"/sign-in"}
    assert {browser.post(path, {}).path for path in (*FORMS, *WRITES_OF_ONE, "/portal/new")} == {"/sign-in"}


def form_token(browser: Browser) -> str:
    """What a form of this session carries."""
    return browser.get("/me").form("/language").fields["form_token"]
