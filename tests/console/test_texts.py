"""Texts to answer with: kept by leads, put into an answer without JavaScript; views of the queue under a name."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from sigreq.cli.main import main
from tests.console.browser import Browser, Page
from tests.console.conftest import Doors
from tests.console.test_story import claimed
from tests.flows import refused
from tests.world import World

BODY = "We looked at your file.\nIt is harmless; the rule was wrong."


def kept(lead: Browser, title: str) -> str:
    """A text that a lead has added on the page; its identifier."""
    page = lead.send(lead.get("/texts"), "/texts", title=title, language="en", body=BODY)
    assert title in page.text
    heads = [each["aria-labelledby"] for each in page.tags("section") if each.get("class") == "canned-text"]
    return next(each.removeprefix("text-") for each in heads if f'id="{each}" lang="en">{title}<' in page.html)


def inserted(browser: Browser, page: Page, into: str, **said: str) -> Page:
    """What comes back from the button that puts a text into a form."""
    form = page.form(f"/{into}")
    button = next(each for each in page.tags("button") if each.get("formaction", "").endswith(f"into={into}"))
    return browser.post(button["formaction"], {**form.fields, **said})


def test_a_text_is_put_into_the_answer_behind_what_was_written(doors: Doors, world: World) -> None:
    text = kept(doors.enter("lead"), "Wrong rule")
    analyst = doors.enter("analyst")
    case, page = claimed(analyst, world)
    filled = inserted(analyst, page, "answer", message="Dear Ann,", canned=text, is_qualified="true")
    form = filled.form("/answer")
    assert form.fields["message"] == f"Dear Ann,\n\n{BODY}"
    assert form.fields["is_qualified"] == "true"
    assert filled.form("/ask").fields["message"] == "", "the other forms are as they were"
    assert world.analyst.submission(case)["revision"] == int(form.fields["held"]), "nothing was sent"
    told = analyst.send(filled, "/answer")
    assert ("It is harmless; the rule was wrong." in told.text, told.status) == (True, 200)


def test_what_changed_while_a_text_was_put_in_is_marked_and_not_passed_over(doors: Doors, world: World) -> None:
    text = kept(doors.enter("lead"), "For a conflict")
    analyst = doors.enter("analyst")
    case, page = claimed(analyst, world)
    world.lead.change_severity(case, world.lead.submission(case)["revision"], 1)
    filled = inserted(analyst, page, "ask", canned=text)
    assert "has changed since you opened it" in filled.text
    assert ' fresh"' in filled.html
    assert analyst.send(filled, "/ask").status == 412


def test_a_lead_keeps_the_texts_of_their_groups_and_an_analyst_reads_them(doors: Doors, world: World) -> None:
    lead, analyst = doors.enter("lead"), doors.enter("analyst")
    text = kept(lead, "Old words")
    again = lead.send(lead.get("/texts"), "/texts", title="Old words", body="Others.")
    assert (again.status, "exists already" in again.text, "Others." in again.html) == (409, True, True)
    page = lead.send(again, f"{text}/change", title="New words", body="Better.", language="ru")
    assert ("New words" in page.text, "Old words" in page.text) == (True, False)
    page = analyst.get("/texts")
    assert ("Better." in page.text, page.has_form("/texts"), page.has_form("/change")) == (True, False, False)
    world.administrator.set_group("elsewhere", "Elsewhere")
    foreign = lead.send(lead.get("/texts"), "/texts", title="x", body="x", group="elsewhere")
    assert foreign.status == 404
    page = lead.send(lead.get("/texts"), f"{text}/remove")
    assert "New words" not in page.text


def test_a_case_offers_the_texts_of_its_own_group_alone(doors: Doors, world: World) -> None:
    person, group = doors.person("lead"), f"group-{world.organisation()}"
    world.administrator.set_group(group, "Another")
    world.administrator.join_group(group, person)
    lead = doors.let_in(person)
    own = kept(lead, "Of its own group")
    lead.send(lead.get("/texts"), "/texts", title="Of another group", body="x", group=group, language="en")
    _, page = claimed(lead, world)
    assert "Of another group" in lead.get("/texts").text
    assert own in {each["value"] for each in page.tags("option")}
    assert ("Of its own group" in page.text, "Of another group" in page.text) == (True, False)


def test_texts_are_kept_by_commands_too(world: World) -> None:
    key = world.key("lead")

    def run(*args: str) -> Any:
        done = CliRunner().invoke(main, ["decide", "texts", *args, "--url", world.url, "--key", key, "--json"])
        return json.loads(done.stdout)

    made = run("add", "By command", BODY, "--language", "ru")
    assert (made["group"], made["language"]) == ("analysts", "ru")
    assert run("change", made["id"], "By command", "Others.")["body"] == "Others."
    assert made["id"] in {each["id"] for each in run("list")["items"]}
    run("remove", made["id"])
    assert made["id"] not in {each["id"] for each in world.analyst.canned_texts()["items"]}
    with refused(404, "not_found"):
        world.lead.remove_canned_text(made["id"])


@pytest.mark.parametrize("name", ["Urgent <b>FP</b>", "Срочные"])
def test_a_view_is_saved_opened_changed_and_removed_by_its_owner_alone(doors: Doors, name: str) -> None:
    analyst, other = doors.enter("analyst"), doors.enter("analyst")
    page = analyst.get("/queue", severity="2", kind="false_positive", plan="")
    page = analyst.send(page, "/queue/views", name=name)
    assert page.url.endswith("/queue?severity=2&kind=false_positive")
    assert (name in page.raw_text, name in other.get("/queue").raw_text) == (True, False)
    links = [each for each in analyst.get("/queue").tags("a") if each.get("class") == "tag"]
    assert [each["href"] for each in links] == ["/queue?severity=2&kind=false_positive"]
    current = [each for each in analyst.get(links[0]["href"]).tags("a") if each.get("aria-current") == "true"]
    assert len(current) == 1
    page = analyst.send(analyst.get("/queue", track="standard"), "/queue/views", name=name)
    assert [each["href"] for each in page.tags("a") if each.get("class") == "tag"] == ["/queue?track=standard"]
    token = other.get("/queue").form("/queue/views").fields["form_token"]
    other.post("/queue/views/remove", {"form_token": token, "name": name})
    assert name in analyst.get("/queue").raw_text
    assert name not in analyst.send(page, "/queue/views/remove", name=name).raw_text


def test_a_view_of_what_nobody_can_choose_is_not_saved(doors: Doors) -> None:
    analyst = doors.enter("analyst")
    for query in ("severity=9", "kind=odd"):
        assert analyst.send(analyst.get("/queue"), "/queue/views", name="Odd", query=query).status == 400
    kept_query = analyst.send(analyst.get("/queue"), "/queue/views", name="Even", query="x=1&severity=2")
    assert kept_query.url.endswith("/queue?severity=2"), "only filters are kept"
