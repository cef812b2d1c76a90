"""What customers do in the portal beside the main job, without JavaScript."""

import re
from typing import Any

import pytest

from sigreq.embedded.receiver import Receiver
from tests.console.browser import Browser, Page
from tests.console.conftest import Doors
from tests.console.test_hostile_text import STRINGS, _is_text
from tests.console.test_story import submitted
from tests.flows import fixed
from tests.http.test_own_access import newest
from tests.promises import closed_for_days, phone_plan
from tests.promises import customer as customer_of
from tests.world import MARKER, World, wait_for


def secret(page: Page) -> str:
    """What is shown this once."""
    (field,) = [each for each in page.tags("input") if each.get("class") == "secret"]
    return field["value"]


def test_a_key_is_shown_once_works_and_is_revoked(doors: Doors, world: World) -> None:
    organisation = world.organisation()
    customer, colleague = doors.enter("customer", organisation), doors.enter("customer", organisation)
    made = customer.send(customer.get("/portal/keys"), "/portal/keys", title="build server")
    assert made.status == 201
    key = secret(made)
    assert world.client(key).account()["organisation"]["id"] == organisation
    page = colleague.get("/portal/keys")
    assert ("build server" in page.text, key in page.html, key[:14] in page.html) == (True, False, True)
    (row,) = re.findall(r'id="key-(\w+)"><th scope="row" class="name">build server', page.html)
    after = colleague.send(page, f"/portal/keys/{row}/revoke")
    assert (after.path, "revoked" in after.text) == ("/portal/keys", True)
    assert world.plain(key).get("/v1/account").status_code == 401
    other = doors.enter("customer", world.organisation())
    assert "build server" not in other.get("/portal/keys").text
    token = other.get("/portal/keys").form("/portal/keys").fields["form_token"]
    assert other.post(f"/portal/keys/{row}/revoke", {"form_token": token}).status == 404
    nameless = customer.send(customer.get("/portal/keys"), "/portal/keys", title=None)
    assert (nameless.status, "Title: it is missing; fill it in" in nameless.text) == (422, True)


def test_a_webhook_is_set_tried_looked_at_and_removed(doors: Doors, world: World) -> None:
    organisation = world.organisation()
    customer, program = doors.enter("customer", organisation), world.person("customer", organisation)
    page = customer.get("/portal/webhook")
    assert ("Nothing was sent yet" in page.text, page.has_form("/ping")) == (True, False)
    token = page.form("/portal/webhook").fields["form_token"]
    missing = customer.post("/portal/webhook/ping", {"form_token": token})
    assert (missing.status, "has no webhook that is in use" in missing.text) == (409, True)
    wrong = customer.send(page, "/portal/webhook", url="not an address")
    assert (wrong.status, wrong.form("/portal/webhook").fields["url"]) == (422, "not an address")
    with Receiver(refuse_first=1) as receiver:
        page = customer.send(page, "/portal/webhook", url=receiver.url)
        receiver.secret = secret(page)
        assert receiver.secret not in customer.get("/portal/webhook").html
        customer.send(page, "/ping")
        newest(program, "retrying")
        page = customer.get("/portal/webhook")
        assert ("Not taken yet" in page.text, "HTTP 503" in page.text) == (True, True)
        page = customer.send(page, "/again")
        assert page.path == "/portal/webhook"
        newest(program, "delivered")
        page = customer.get("/portal/webhook")
        assert ("Delivered" in page.text, "HTTP 204" in page.text, "webhook.ping" in page.text) == (True, True, True)
        assert receiver.forged == 0
    page = customer.send(page, "/portal/webhook/remove")
    assert (page.has_form("/ping"), page.has_form("/again"), "webhook.ping" in page.text) == (False, False, True)
    assert program.account()["webhook"] is None
    other = doors.enter("customer", world.organisation())
    assert "webhook.ping" not in other.get("/portal/webhook").text


def test_the_list_is_filtered_and_read_page_by_page(doors: Doors, world: World) -> None:
    organisation = world.organisation()
    program, customer = world.person("customer", organisation), doors.enter("customer", organisation)
    first, second = world.product(), world.product()
    cases = [world.submit(program, first)["id"] for _ in range(52)]
    other = world.queued(program, second)["id"]
    world.until(cases[0], "queued")
    program.withdraw(cases[0])
    page = customer.get("/portal")
    (older,) = [each["href"] for each in page.tags("a") if each.get("rel") == "next"]
    rest = customer.get(older)
    seen = [each["id"] for found in (page, rest) for each in found.tags("tr") if "id" in each]
    assert seen == [other, *reversed(cases)]
    assert "To the newest" in rest.text
    only = customer.get("/portal", product=second, state="queued")
    assert [each["id"] for each in only.tags("tr") if "id" in each] == [other]
    assert [each["id"] for each in customer.get("/portal", state="closed").tags("tr") if "id" in each] == cases[:1]
    assert "No case is like that" in customer.get("/portal", product=second, state="closed").text
    (older,) = [each["href"] for each in customer.get("/portal", product=first).tags("a") if each.get("rel") == "next"]
    assert f"product={first}" in older
    for wrong in ({"state": "odd"}, {"after": "odd"}):
        assert customer.get("/portal", **wrong).status in {400, 422}


def test_a_case_tells_its_clock_its_plan_its_relief_and_when_its_change_is_due(doors: Doors, world: World) -> None:
    organisation = world.organisation("msa_business")
    program, customer = world.person("customer", organisation), doors.enter("customer", organisation)
    product = world.product()
    case = world.claimed(world.analyst, program, product, severity=2)
    before, page = customer.get("/portal"), customer.get(f"/portal/{case['id']}")
    for words in ("promised until", "for severity L2", "does not pause it", "Premium incidents this year", "left"):
        assert words in page.text, words
    proposed = world.analyst.propose_relief(case["id"], case["revision"], "They cannot work.")
    assert "Relief until" not in customer.get(f"/portal/{case['id']}").text, "a lead has not approved it"
    world.lead.approve_relief(proposed["id"])
    page = customer.get(f"/portal/{case['id']}")
    for words in ("Relief until the fix is out", "This file is not detected", "at the latest", "look for updates"):
        assert words in page.text, words
    seen = world.analyst.submission(case["id"])
    world.analyst.determine(case["id"], seen["revision"], "false_positive_confirmed", "clean", "As you say.")
    assert "given in time" in customer.get(f"/portal/{case['id']}").text
    after = customer.get("/portal")
    assert [each["data-label"] for each in before.tags("td") if "data-label" in each] == ["Answer promised until"]
    assert [each for each in after.tags("td") if "data-label" in each] == [], "it is answered, and not until a time"


def test_what_a_file_should_be_follows_from_the_claim_unless_it_is_said(doors: Doors, world: World) -> None:
    customer, product = doors.enter("customer", world.organisation()), world.product()
    missed = {"kind": "false_negative", "detection_name": ""}
    page = submitted(customer, product, ("missed.bin", product.encode()), expected_verdict="", **missed)
    assert world.analyst.submission(page.path.rpartition("/")[2])["expected_verdict"] == "malware"
    page = submitted(customer, product, ("again.bin", b"again" + product.encode()), expected_verdict="clean", **missed)
    assert "cannot be clean for a false negative" in page.text


def test_nobody_is_asked_to_call_once_an_analyst_has_the_case(doors: Doors, world: World) -> None:
    organisation, client = customer_of(world, phone_plan(world, closed_for_days()))
    case = world.queued(client, world.product(), severity=1)
    browser = doors.enter("customer", organisation)
    assert "please also call us" in browser.get(f"/portal/{case['id']}").text
    world.analyst.claim(case["id"], case["revision"])
    assert "please also call us" not in browser.get(f"/portal/{case['id']}").text


def test_a_case_without_a_promise_says_so_and_when_its_change_is_expected(doors: Doors, world: World) -> None:
    organisation, product = world.organisation(), world.product()
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    world.administrator.set_schedule(product, days, ["06:00"], "UTC")
    case = world.determined(world.analyst, world.person("customer", organisation), product)["id"]
    page = doors.enter("customer", organisation).get(f"/portal/{case}")
    for words in ("no time is promised", "is expected at", "Release expected", "06:00 UTC"):
        assert words in page.text, words


def test_a_fixed_case_says_in_which_version_what_to_do_and_hands_out_the_evidence(doors: Doors, world: World) -> None:
    organisation = world.organisation()
    customer = doors.enter("customer", organisation)
    case = fixed(world, world.person("customer", organisation), world.product())["id"]
    page = customer.get(f"/portal/{case}")
    for words in ("The fix: 20261122.2", "Update now.", "restore it from the quarantine", "Please confirm"):
        assert words in page.text, words
    answer = customer.http.get(f"/portal/{case}/evidence")
    assert answer.json()["payloadType"] == "application/vnd.in-toto+json"
    assert f'filename="{case}.evidence.json"' in answer.headers["content-disposition"]
    assert doors.enter("customer", world.organisation()).get(f"/portal/{case}/evidence").status == 404


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1/hook", "no connection could be made"),
        ("http://no-such-host.invalid/hook", "the name of the host was not found"),
    ],
)
def test_the_log_says_why_nobody_took_a_message(doors: Doors, world: World, url: str, told: str) -> None:
    browser = doors.enter("customer", world.organisation())
    browser.send(browser.get("/portal/webhook"), "/portal/webhook", url=url)
    browser.send(browser.get("/portal/webhook"), "/portal/webhook/ping")
    page = wait_for(lambda: browser.get("/portal/webhook"), lambda seen: "Not taken yet" in seen.text)
    assert told in page.text


def test_a_version_is_judged_before_anything_is_sent(doors: Doors, world: World) -> None:
    customer, product = doors.enter("customer", world.organisation()), world.product()
    for version in ("20261122.2", "20261122.3"):
        world.publish(product, version)
    world.administrator.withdraw_release(product, "20261122.2")
    checked = _checks(
        customer, product, "20261122.3", "20261122.1", "20261122.2", "20251122.1", "nonsense", "99990101.1"
    )
    found = {version: page.tags("div")[0].get("data-verdict") for version, page in checked.items()}
    assert found == {
        "20261122.3": "current",
        "20261122.1": "in_rollout_window",
        "20261122.2": "withdrawn",
        "20251122.1": "unknown_older",
        "nonsense": "unparseable",
        "99990101.1": "unknown_newer",
    }
    for refused in ("20261122.2", "20251122.1", "nonsense"):
        assert ("20261122.3" in checked[refused].text, "Update now." in checked[refused].text) == (True, True)
    assert "no product" in customer.get("/portal/new/database", product="none", database_version="1").text
    assert customer.get("/portal/new/database", product=product).text.strip() == ""


def _checks(customer: Browser, product: str, *versions: str) -> dict[str, Page]:
    pages: dict[str, Any] = {}
    for version in versions:
        pages[version] = customer.get("/portal/new/database", product=product, database_version=version)
    return pages


def test_what_customers_call_their_keys_and_addresses_is_text(doors: Doors, world: World) -> None:
    organisation = world.organisation()
    program, customer = world.person("customer", organisation), doors.enter("customer", organisation)
    titles = [each for each in STRINGS if each.isprintable()][:40]
    programs = [program, *(world.person("customer", organisation) for _ in range(2))]
    for number, title in enumerate(titles):
        programs[number % 3].add_own_key(title)
    _is_text(customer.get("/portal/keys"), titles)
    with Receiver() as receiver:
        program.set_webhook(f"{receiver.url}?a=<script>hit()</script>")
        program.ping_webhook()
        wait_for(lambda: program.deliveries()["items"], lambda seen: len(seen) == 1)
        _is_text(customer.get("/portal/webhook"), ["webhook.ping"])
    case = world.submit(program, world.product(), content=MARKER + organisation.encode())["id"]
    assert case in customer.get("/portal").html
    for body in STRINGS[:20]:
        for page in (
            customer.get("/portal", product=body),
            customer.get("/portal/new/database", product=body, database_version=body),
            customer.send(customer.get("/portal/webhook"), "/portal/webhook", url=body),
        ):
            assert [each for each in page.tags("script") if not each.get("src", "").startswith("/assets/")] == []
            assert not page.tags("img")
