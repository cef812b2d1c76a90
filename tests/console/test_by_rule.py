"""The queue by rule, and one answer for the cases of a rule, without JavaScript."""

from sigreq.embedded.service import Service
from tests.console.conftest import Doors
from tests.database import one
from tests.http.test_together import bad_rule
from tests.world import MARKER, World, rule


def test_one_bad_rule_is_answered_once(doors: Doors, world: World, service: Service) -> None:
    name, (first, second, third) = bad_rule(world, 3)
    analyst = doors.enter("analyst")
    page = analyst.get("/queue/rules")
    assert f'href="/queue/rules/cases?rule={name}"' in page.html
    page = analyst.get("/queue/rules/cases", rule=name)
    assert all(each["id"] in page.html for each in (first, second, third))
    nobody = analyst.send(page, name, message="The rule was wrong.")
    assert (nobody.status, "choose at least one" in nobody.text) == (422, True)
    assert nobody.form(name).fields["message"] == "The rule was wrong."
    world.lead.claim(second["id"], second["revision"])
    page = analyst.send(nobody, name, everything="true", is_qualified="true")
    lead = one(service, "SELECT name FROM person WHERE id = :id", id=world.lead.submission(second["id"])["analyst"])
    told = page.text[page.text.index("What became of each") : page.text.index("One answer for all")]
    assert (told.count("Done"), told.count("Held by somebody else"), f"is claimed by {lead} until" in told) == (
        2,
        1,
        True,
    )
    assert page.form(name).fields["message"] == "The rule was wrong.", "what did not move can be sent again"
    seen = [world.analyst.submission(each["id"]) for each in (first, second, third)]
    assert [each["answered_at"] is not None for each in seen] == [True, False, True]
    assert [each["state"] for each in seen] == ["in_analysis"] * 3


def test_who_is_too_late_moves_the_others_only(doors: Doors, world: World) -> None:
    name, (stale, fine) = bad_rule(world, 2)
    analyst = doors.enter("analyst")
    page = analyst.get("/queue/rules/cases", rule=name)
    world.lead.change_severity(stale["id"], stale["revision"], 1)
    chosen = {f"case-{each['id']}": str(each["revision"]) for each in (stale, fine)}
    said = {"determination": "false_positive_confirmed", "final_verdict": "clean", "message": "You are right."}
    page = analyst.send(page, name, **chosen, **said)
    assert ("Changed meanwhile" in page.text, "Change on its way" in page.text) == (True, True)
    assert [world.analyst.submission(each["id"])["state"] for each in (stale, fine)] == ["queued", "determined"]
    assert f'name="case-{fine["id"]}"' not in page.html, "it is answered, and no longer to be"


def test_no_case_is_answered_that_nobody_read_again(doors: Doors, world: World) -> None:
    name, (stale, fine) = bad_rule(world, 2)
    analyst = doors.enter("analyst")
    page = analyst.get("/queue/rules/cases", rule=name)
    ticks = {f"case-{each['id']}": str(each["revision"]) for each in (stale, fine)}
    world.lead.change_severity(stale["id"], stale["revision"], 1)
    refused = analyst.send(page, name, **ticks, everything="true", message=" ")
    sent = refused.form(name).fields
    stood = ticks | {each.replace("case-", "shown-"): said for each, said in ticks.items()} | {"everything": "true"}
    assert (refused.status, {each: sent.get(each) for each in stood}) == (422, stood)
    told = analyst.send(refused, name, message="The rule was wrong.", **{f"case-{fine['id']}": None}, everything=None)
    assert "Changed meanwhile" in told.text, "the refusal did not renew what the page stood on"
    after = told.form(name).fields
    assert after["message"] == "The rule was wrong."
    assert [each for each in after if each.startswith("case-") or each == "everything"] == [], "nothing is ticked"
    assert analyst.send(told, name).status == 422, "pressed again it answers nothing"
    assert [world.analyst.submission(each["id"])["answered_at"] for each in (stale, fine)] == [None, None]
    late = world.queued(world.customer(), fine["product"], detection_name=name)
    held = analyst.send(page, name, everything="true", message=" ")
    assert (late["id"] in held.html, "everything" in held.form(name).fields) == (True, False), "it was not shown before"


def test_an_auditor_sees_the_cases_of_a_rule_and_no_form(doors: Doors, world: World) -> None:
    name, (case,) = bad_rule(world, 1)
    page = doors.enter("auditor").get("/queue/rules/cases", rule=name)
    assert (case["id"] in page.html, page.has_form(name)) == (True, False)


def test_a_change_helps_the_cases_that_were_answered_together(doors: Doors, world: World) -> None:
    name, (first, second, apart, open_still) = bad_rule(world, 4)
    analyst = doors.enter("analyst")
    said = {"determination": "false_positive_confirmed", "final_verdict": "clean"}
    together = {f"case-{each['id']}": str(each["revision"]) for each in (first, second)}
    page = analyst.send(
        analyst.get("/queue/rules/cases", rule=name), name, **together, **said, message="We were wrong."
    )
    analyst.send(page, name, **{f"case-{apart['id']}": str(apart["revision"])}, **said, message="So were we here.")
    path = f"/cases/{first['id']}/change"
    page = analyst.get(path, kind="rule_modify")
    form = page.form(path + "?kind=rule_modify").fields
    offered = {each["name"] for each in page.tags("input") if each.get("type") == "checkbox"}
    assert offered == {f"also-{second['id']}", f"also-{apart['id']}"}
    assert [each for each in form if each.startswith("also-")] == [f"also-{second['id']}"], (
        "answered with the same words"
    )
    assert "Cases that it shall help as well" not in analyst.get(path, kind="hash_allow").text, "their files are others"
    both = {f"also-{second['id']}": None, f"also-{apart['id']}": "true"}
    refused = analyst.send(page, "?kind=rule_modify", source=" ", **both)
    kept = [each for each in refused.form("?kind=rule_modify").fields if each.startswith("also-")]
    assert (refused.status, kept) == (422, [f"also-{apart['id']}"])
    gone = {f"also-{open_still['id']}": "true"}
    assert "draft a change" in analyst.send(page, "?kind=rule_modify", source=rule(name, "narrow"), **gone).text
    page = analyst.send(page, "?kind=rule_modify", rule=name, source=rule(name, "narrow"))
    assert all(each["id"] in page.html for each in (first, second))
    helped = world.analyst.change(page.path.rpartition("/")[2])["submission_ids"]
    assert helped == sorted([first["id"], second["id"]])
    after = analyst.get(f"/cases/{apart['id']}/change", kind="rule_modify")
    assert "Cases that it shall help as well" not in after.text, "the others have a change"


def test_only_conclusions_are_offered_that_fit_a_case_on_the_page(doors: Doors, world: World) -> None:
    name, (case,) = bad_rule(world, 1)
    analyst = doors.enter("analyst")

    def offered() -> set[str]:
        page = analyst.get("/queue/rules/cases", rule=name)
        found = {each["label"] for each in page.tags("optgroup")}
        return found | {each["value"] for each in page.tags("option")} & {"not_malicious", "correct_detection"}

    assert offered() == {"correct_detection"}
    world.queued(world.customer(), case["product"], kind="false_negative", content=MARKER + b"missed")
    assert offered() == {"correct_detection", "not_malicious", "False positive", "False negative"}
