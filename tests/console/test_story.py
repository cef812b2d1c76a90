"""The main job through the pages, without JavaScript, and what happens when people get in each other's way."""

import re

import pytest

from tests import promises
from tests.console.browser import Browser, Page
from tests.console.conftest import Doors
from tests.flows import HARMLESS, published, release_of
from tests.promises import group_with, plan
from tests.world import MARKER, World, rule, wait_for


def submitted(browser: Browser, product: str, *files: tuple[str, bytes], **said: str) -> Page:
    """A case that somebody has submitted by the form: its page."""
    filled = {
        "kind": "false_positive",
        "detection_name": "Marker",
        "expected_verdict": "clean",
        "severity": "3",
        "product": product,
        "product_version": "7.1",
        "database_version": "20261122.1",
        "contact": "it@example.org",
        **said,
    }
    sent = list(files) or [("tool.bin", MARKER + product.encode())]
    return browser.upload(browser.get("/portal/new"), "/portal/new", sent, **filled)


def until(browser: Browser, path: str, words: str) -> Page:
    """Look at a page until it says this."""
    found: Page = wait_for(lambda: browser.get(path), lambda page: words in page.text)
    return found


def claimed(analyst: Browser, world: World, **more: str) -> tuple[str, Page]:
    """A case that this analyst has claimed on its page."""
    case = world.queued(world.customer(), world.product(), **more)["id"]
    return case, analyst.send(analyst.get(f"/cases/{case}"), "/claim")


def test_the_main_job_from_the_customers_file_to_their_thanks(doors: Doors, world: World) -> None:
    product = world.product()
    customer = doors.enter("customer", world.organisation("msa_business"))
    analyst, lead = doors.enter("analyst"), doors.enter("lead")

    page = submitted(customer, product)
    case = page.path.rpartition("/")[2]
    assert page.path == f"/portal/{case}"
    assert "promised until" in page.text
    until(customer, page.path, "Waiting for an analyst")

    assert case in analyst.get("/queue").html
    page = analyst.send(analyst.get(f"/cases/{case}"), "/claim")
    assert "Answer the customer" in page.text
    page = analyst.send(page, "/answer", message="We see it too.", is_qualified="true")
    assert "qualified answer" in page.text
    assert "We see it too." in customer.get(f"/portal/{case}").text

    page = analyst.send(page, "/ask", message="Which version of the tool?")
    page = customer.send(customer.get(f"/portal/{case}"), "/reply", message="It is 4.2.")
    assert "It is 4.2." in analyst.get(f"/cases/{case}").text

    page = analyst.send(
        analyst.get(f"/cases/{case}"),
        "/determine",
        determination="false_positive_confirmed",
        final_verdict="clean",
        message="The tool is harmless.",
    )
    form = analyst.get(f"/cases/{case}/change", kind="rule_modify")
    assert MARKER.decode() in form.html, "the published source is there to be edited"
    page = analyst.send(form, "/change?kind=rule_modify", rule="Marker", source=HARMLESS)
    change = page.path.rpartition("/")[2]
    assert "never-in-any-file" in page.html
    analyst.send(page, "/test")
    page = until(analyst, f"/changes/{change}", "Passed the gate")
    assert not page.has_form("/approve"), "nobody approves what they wrote"
    page = lead.send(lead.get(f"/changes/{change}"), "/approve")
    assert "Approved by lead of pages" in page.text

    row = world.lead.change(change)
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [row]))
    page = until(customer, f"/portal/{case}", "Fixed in 20261122.2")
    page = customer.send(page, "/confirm")
    assert "Closed" in page.text
    assert "Closed" in analyst.get(f"/cases/{case}").text


def test_take_next_gives_the_first_case_and_says_when_nothing_waits(doors: Doors, world: World) -> None:
    group, _, _ = group_with(world)  # or all that other tests have left standing would have to be taken too
    product = world.product()
    analyst = doors.let_in(world.administrator.add_person("analyst of one group", "analyst", group=group)["id"])
    later = world.queued(promises.customer(world, plan(world, group=group))[1], product, severity=4)["id"]
    first = world.queued(promises.customer(world, plan(world, group=group))[1], product, severity=1)["id"]
    taken = [analyst.send(analyst.get("/queue"), "/queue/take").path for _ in range(2)]
    assert taken == [f"/cases/{first}", f"/cases/{later}"]
    page = analyst.send(analyst.get("/queue"), "/queue/take")
    assert page.path == "/queue"
    assert "Nothing waits that you can take" in page.text
    assert re.search(r'◆</abbr>\s+<span class="detection">', page.html), "the mark of a promise stands apart"
    assert [world.analyst.submission(case)["state"] for case in (first, later)] == ["in_analysis"] * 2
    assert first in page.text, "it is in the analyst's hands"
    assert later in page.text


def test_a_filter_stands_in_the_address(doors: Doors, world: World) -> None:
    analyst = doors.enter("analyst")
    # A name of their own, or what other tests have left standing fills the page.
    product = world.product({"Filtered": rule("Filtered", MARKER.decode())})
    urgent = world.queued(world.customer("msa_business"), product, severity=2, detection_name="Filtered")["id"]
    calm = world.queued(world.customer(), product, severity=4, detection_name="Filtered")["id"]
    for params, is_urgent_there in (
        ({"severity": "2"}, True),
        ({"track": "standard"}, False),
        ({"plan": "msa_business"}, True),
        ({"customer": world.analyst.submission(calm)["organisation"]}, False),
        ({"severity": "4", "kind": "false_positive", "finding": "supported"}, False),
    ):
        seen = analyst.get("/queue", detection="Filtered", **params).html
        assert (urgent in seen, calm in seen) == (is_urgent_there, not is_urgent_there), params
    for part in ("filtered", "ILTERE", "Filtered"):
        seen = analyst.get("/queue", detection=part, customer=world.analyst.submission(calm)["organisation"]).html
        assert (calm in seen, urgent in seen) == (True, False), part
    assert calm not in analyst.get("/queue", detection="F%d").html, "it is text, and no pattern"
    nothing = analyst.get("/queue", detection="No such detection")
    assert "Nothing waits here" in nothing.text
    assert analyst.get("/queue", severity="", track="", kind="", finding="", plan="").status == 200
    for wrong in ({"severity": "9"}, {"track": "fast"}, {"band": "x"}, {"kind": "<script>"}):
        assert analyst.get("/queue", **wrong).status == 400, wrong
    for page in ("/cases", "/changes"):
        assert (analyst.get(page, state="").status, analyst.get(page, state="odd").status) == (200, 400)


def test_who_is_too_late_sees_what_changed_and_keeps_what_they_wrote(doors: Doors, world: World) -> None:
    analyst = doors.enter("analyst")
    customer = doors.enter("customer", world.organisation())
    page = submitted(customer, world.product())
    case = page.path.rpartition("/")[2]
    until(customer, page.path, "Waiting for an analyst")
    page = analyst.send(analyst.get(f"/cases/{case}"), "/claim")
    customer.send(customer.get(f"/portal/{case}"), "/reply", message="It got worse.")
    late = analyst.send(page, "/answer", message="All is well, I think.", is_qualified="true")
    assert late.status == 412
    assert "has changed since" in late.text
    fresh = late.html[late.html.index('class="said fresh"') :]
    assert "It got worse." in fresh
    form = late.form("/answer")
    assert form.fields["message"] == "All is well, I think."
    assert form.fields["is_qualified"] == "true"
    assert "All is well" not in customer.get(f"/portal/{case}").text
    again = analyst.send(late, "/answer", message="I see, it got worse.")
    assert (again.status, "I see, it got worse." in customer.get(f"/portal/{case}").text) == (200, True)


def test_cases_that_are_alike_are_shown_by_what_they_have_in_common(doors: Doors, world: World) -> None:
    product = world.product()
    content = MARKER + product.encode()
    first = world.queued(world.customer(), product, content=content)["id"]
    second = world.queued(world.customer(), product, content=content)["id"]
    page = doors.enter("analyst").get(f"/cases/{first}/similar")
    assert (second in page.html, "With the same file" in page.text) == (True, True)


def test_another_analyst_cannot_write_on_a_held_case(doors: Doors, world: World) -> None:
    first, second = doors.enter("analyst"), doors.enter("analyst")
    case, page = claimed(first, world)
    assert not second.get(f"/cases/{case}").has_form("/answer")
    refused = second.send(second.get(f"/cases/{case}"), "/claim")
    assert (refused.status, "is claimed by analyst of pages" in refused.text) == (409, True)
    assert page.has_form("/answer")


@pytest.mark.parametrize("missing", ["message", "determination", "final_verdict"])
def test_a_form_that_lacks_something_says_so_and_changes_nothing(doors: Doors, world: World, missing: str) -> None:
    analyst = doors.enter("analyst")
    case, page = claimed(analyst, world)
    said = {"determination": "false_positive_confirmed", "final_verdict": "clean", "message": "Harmless."}
    refused = analyst.send(page, "/determine", **{**said, missing: None})
    assert (refused.status, "it is missing; fill it in" in refused.text) == (422, True)
    assert world.analyst.submission(case)["state"] == "in_analysis"


def test_a_verdict_that_contradicts_the_determination_is_explained(doors: Doors, world: World) -> None:
    analyst = doors.enter("analyst")
    _, page = claimed(analyst, world)
    refused = analyst.send(
        page, "/determine", determination="false_positive_confirmed", final_verdict="malware", message="Hm."
    )
    assert (refused.status, "contradicts the determination" in refused.text) == (422, True)
    assert refused.form("/determine").fields["message"] == "Hm."


def test_an_older_database_is_refused_before_the_files_with_what_to_do(doors: Doors, world: World) -> None:
    product = world.product()
    customer = doors.enter("customer", world.organisation())
    world.publish(product, "20261122.2")
    checked = customer.get("/portal/new", product=product, database_version="20261122.2")
    assert "It is accepted" in checked.text
    unknown = customer.get("/portal/new", product=product, database_version="20251122.1")
    assert "never published here" in unknown.text
    refused = submitted(customer, product, database_version="20251122.1", purpose="Pays the wages.")
    assert (refused.status, "never published here" in refused.text) == (422, True)
    form = refused.form("/portal/new")
    assert "Pays the wages." in refused.html
    assert form.method == "get", "the first form is the check"
    assert 'value="20251122.1"' in refused.html


def test_a_form_sent_twice_makes_one_case(doors: Doors, world: World) -> None:
    customer = doors.enter("customer", world.organisation())
    page = customer.get("/portal/new")
    key = page.tags("input")
    value = next(each["value"] for each in key if each.get("name") == "key")
    product = world.product()
    first = submitted(customer, product, ("a.bin", MARKER + b"once"), key=value)
    second = submitted(customer, product, ("a.bin", MARKER + b"once"), key=value)
    assert first.path == second.path


def test_without_a_file_or_with_a_foreign_form_nothing_is_taken(doors: Doors, world: World) -> None:
    customer = doors.enter("customer", world.organisation())
    product = world.product()
    nothing = submitted(customer, product, ("", b""))
    assert (nothing.status, "No file came" in nothing.text) == (422, True)
    foreign = submitted(customer, product, form_token="made up")
    assert (foreign.status, "not sent from a page of ours" in foreign.text) == (403, True)
    assert "There is none yet" in customer.get("/portal").text
