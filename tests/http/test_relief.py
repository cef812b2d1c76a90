"""Interim relief: one file of a case is allowed, or detected, until the fix is out."""

from functools import partial
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from sigreq.embedded.receiver import Receiver
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.database import write
from tests.flows import HARMLESS, after_test, approved, call, names, published, refused, release_of
from tests.world import MARKER, World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")

ARCHIVE_MEMBER = MARKER + b" in an archive"


def sha256_of(world: World, case: dict[str, Any]) -> str:
    """Of the first file that was sent."""
    found: str = world.analyst.submission(case["id"])["samples"][0]["sha256"]
    return found


def proposed(world: World, case: dict[str, Any], analyst: Client | None = None, **wish: Any) -> dict[str, Any]:
    """Relief that waits for a lead."""
    by = analyst or world.analyst
    revision = by.submission(case["id"])["revision"]
    found: dict[str, Any] = by.propose_relief(case["id"], revision, "Their build stands still.", **wish)
    return found


def given(world: World, case: dict[str, Any], **wish: Any) -> dict[str, Any]:
    """Relief that is in force."""
    found: dict[str, Any] = world.lead.approve_relief(proposed(world, case, **wish)["id"])
    return found


def in_force(client: Client, product: str) -> list[str]:
    """What an update client of this customer would lay over the newest version."""
    return [each["id"] for each in client.extras(product)["items"]]


def test_a_false_positive_is_relieved_once_a_lead_approves_and_the_customer_is_told_what_to_do(world: World) -> None:
    client, product = world.customer(), world.product()
    with Receiver() as receiver:
        receiver.secret = client.set_webhook(receiver.url)["secret"]
        case = world.determined(world.analyst, client, product)
        sha256 = sha256_of(world, case)
        waiting = proposed(world, case)
        assert (waiting["state"], waiting["kind"], waiting["expires_at"]) == ("proposed", "hash_allow", None)
        assert in_force(client, product) == []
        assert client.relief(case["id"])["items"] == [], "what is only proposed is ours to know"
        world.lead.approve_relief(waiting["id"])
        (listed,) = client.extras(product)["items"]
        assert (listed["id"], listed["base_version"], listed["state"]) == (waiting["id"], "20261122.1", "live")
        assert listed["additions"] == {"rules": {}, "allowed": [sha256], "hashes": {}}
        told = client.timeline(case["id"])["items"][-1]
        assert (told["name"], told["state"]) == ("relief_given", "determined")
        assert (told["data"]["sha256"], told["data"]["relief"]) == (sha256, "hash_allow")
        assert told["data"]["expires_at"] is not None
        assert [step.split(" ")[0] for step in told["data"]["steps"]] == ["Have", "If", "This"]
        called = wait_for(partial(receiver.of, case["id"]), lambda seen: "relief_given" in {e["name"] for e in seen})
        assert called[-1]["data"] == told["data"]


def test_a_missed_file_is_detected_by_its_hash_while_the_analysis_goes_on(world: World) -> None:
    client, product = world.customer(), world.product({})
    case = world.claimed(world.analyst, client, product, kind="false_negative")
    live = given(world, case, name="Acme_Quick_Hash", hours=12)
    assert live["additions"] == {"rules": {}, "allowed": [], "hashes": {sha256_of(world, case): "Acme_Quick_Hash"}}
    assert (live["hours"], live["approved_by"] != live["proposed_by"]) == (12, True)
    names = {each["id"]: each["name"] for each in world.administrator.people()["items"]}
    assert live["proposed_by_name"] == names[live["proposed_by"]]
    assert (live["approved_by_name"], live["ended_by_name"]) == (names[live["approved_by"]], None)
    assert client.submission(case["id"])["state"] == "in_analysis"


def test_relief_is_for_the_customer_of_the_case_alone(world: World) -> None:
    client, other, product = world.customer(), world.customer(), world.product()
    live = given(world, world.determined(world.analyst, client, product))
    assert in_force(client, product) == [live["id"]]
    with refused(404, "not_found"):
        other.extras(product)  # nobody tells us that it is theirs
    world.submit(other, product)
    assert in_force(other, product) == []
    assert in_force(world.release, product) == [live["id"]]
    (own,) = client.extras(product)["items"]
    assert set(own).isdisjoint({"proposed_by", "proposed_by_name", "approved_by", "organisation", "change_id"})
    with refused(404, "not_found"):
        other.relief(live["submission_id"])


def test_the_same_file_sent_again_joins_the_case_that_has_relief_and_anybody_elses_is_a_case_of_its_own(
    world: World,
) -> None:
    client, other, product = world.customer(), world.customer(), world.product()
    content = MARKER + b" relieved " + product.encode()
    case = world.determined(world.analyst, client, product, content=content)
    relief = given(world, case)
    again = world.submit(client, product, content=content)
    assert (again["id"], again["state"]) == (case["id"], "determined")
    assert names(client.timeline(case["id"]))[-1] == "duplicate_joined"
    assert [each["id"] for each in client.relief(again["id"])["items"]] == in_force(client, product) == [relief["id"]]
    theirs = world.queued(other, product, content=content)
    assert theirs["id"] != case["id"]
    assert other.relief(theirs["id"])["items"] == in_force(other, product) == []


def test_who_proposed_relief_cannot_approve_it_and_an_analyst_cannot_either(world: World) -> None:
    lead, product = world.person("lead"), world.product()
    case = world.determined(lead, world.customer(), product)
    waiting = proposed(world, case, lead)
    with refused(403, "own_proposal"):
        lead.approve_relief(waiting["id"])
    with refused(403, "wrong_role"):
        world.analyst.approve_relief(waiting["id"])
    assert world.lead.approve_relief(waiting["id"])["state"] == "live"
    with refused(409, "state_forbids") as told:
        world.lead.approve_relief(waiting["id"])
    assert (told["state"], told["allowed"]) == ("live", "proposed")


@pytest.mark.parametrize("role", ["customer", "release", "auditor"])
def test_only_analysts_and_leads_propose_relief_or_take_it_back(world: World, role: str) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    live = given(world, case)
    someone = world.person(role, world.organisation() if role == "customer" else None)
    with refused(403, "wrong_role"):
        someone.propose_relief(case["id"], 1, "Please.")
    with refused(403, "wrong_role"):
        someone.end_extra(live["id"])


def test_relief_ends_by_itself_when_the_fix_is_proved(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    live = given(world, case)
    change = approved(world, case)
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    world.until(case["id"], "fixed")
    assert in_force(client, product) == []
    (over,) = client.relief(case["id"])["items"]
    assert (over["id"], over["state"], over["ending"]) == (live["id"], "ended", "fixed")
    told = client.timeline(case["id"])["items"]
    assert [each["name"] for each in told][-2:] == ["fixed", "relief_ended"]
    assert told[-1]["data"]["steps"][0].startswith("Update to the version that has the fix")


def test_relief_stays_through_a_version_without_the_fix_and_ends_with_one_that_does_the_same(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    live = given(world, case)
    world.publish(product, "20261122.2")
    (kept,) = client.extras(product)["items"]
    assert (kept["id"], kept["base_version"]) == (live["id"], "20261122.2")
    sha256 = sha256_of(world, case)
    tested = after_test(world.analyst, world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": sha256}))
    change = world.lead.approve_change(tested["id"], tested["revision"])
    rules = world.release.ruleset(product, "20261122.2")["rules"]
    published(world, product, "20261122.3", release_of(3, rules, [change], allowed=[sha256]))
    world.until(case["id"], "fixed")
    assert world.analyst.relief(case["id"])["items"][0]["ending"] == "shipped"
    assert names(client.timeline(case["id"])).count("relief_ended") == 1


@pytest.mark.parametrize("way", ["withdrawn", "concluded"])
def test_relief_ends_when_its_case_closes_otherwise(world: World, way: str) -> None:
    client, product = world.customer(), world.product()
    case = world.claimed(world.analyst, client, product)
    given(world, case)
    waiting = world.analyst.submission(case["id"])
    if way == "withdrawn":
        client.withdraw(case["id"])
    else:
        said = ("correct_detection", "malware", "It is malware after all.")
        world.analyst.determine(case["id"], waiting["revision"], *said)
    assert world.analyst.submission(case["id"])["state"] == "closed"
    assert in_force(client, product) == []
    assert world.analyst.relief(case["id"])["items"][0]["ending"] == "closed"
    assert names(client.timeline(case["id"]))[-2:] == [way, "relief_ended"]


def test_a_proposal_that_nobody_approved_goes_with_its_case_and_the_customer_hears_nothing_of_it(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.claimed(world.analyst, client, product)
    waiting = proposed(world, case)
    client.withdraw(case["id"])
    assert names(world.analyst.timeline(case["id"]))[-1] == "relief_dropped"
    assert "relief_ended" not in names(client.timeline(case["id"]))
    with refused(409, "state_forbids"):
        world.lead.approve_relief(waiting["id"])


def test_relief_can_be_taken_back_once_and_given_again(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    live = given(world, case)
    with refused(409, "already_exists") as told:
        proposed(world, case)
    assert told["id"] == live["id"]
    over = world.analyst.end_extra(live["id"])
    assert (over["state"], over["ending"]) == ("ended", "taken_back")
    assert world.analyst.end_extra(live["id"]) == over
    assert names(client.timeline(case["id"])).count("relief_ended") == 1
    assert in_force(client, product) == []
    assert in_force(client, product) != [given(world, case)["id"]] == in_force(client, product)


def test_relief_ends_by_the_clock_and_its_case_is_flagged(world: World, service: Service) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    live = given(world, case)
    write(service, "UPDATE extra SET expires_at = now() WHERE id = :id", id=live["id"])
    assert in_force(client, product) == []
    seen = wait_for(lambda: world.analyst.submission(case["id"]), lambda found: found["needs_attention"] is not None)
    assert seen["needs_attention"] == "relief_expired"
    assert world.analyst.relief(case["id"])["items"][0]["ending"] == "expired"
    told = client.timeline(case["id"])["items"][-1]
    assert (told["name"], told["data"]["ending"]) == ("relief_ended", "expired")
    assert "may show again" in told["data"]["steps"][0]


def test_what_is_known_as_malware_is_never_allowed(world: World) -> None:
    product = world.product()
    content = MARKER + b" known as malware, " + product.encode()
    bad = world.claimed(world.analyst, world.customer(), product, content=content)
    case = world.determined(world.analyst, world.customer(), product, content=content)
    waiting = proposed(world, case)
    said = ("correct_detection", "malware", "It is detected rightly.")
    world.analyst.determine(bad["id"], world.analyst.submission(bad["id"])["revision"], *said)
    with refused(422, "known_malware") as told:
        world.lead.approve_relief(waiting["id"])
    assert (told["sha256"], told["why"]["code"]) == (sha256_of(world, case), "found_malware")
    world.analyst.end_extra(waiting["id"])
    with refused(422, "known_malware"):
        proposed(world, case)
    with refused(422, "known_malware"):
        world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": sha256_of(world, case)})


def test_a_change_that_allows_a_file_is_not_approved_once_that_is_known_as_malware(world: World) -> None:
    product = world.product()
    content = MARKER + b" turns out to be malware, " + product.encode()
    case = world.determined(world.analyst, world.customer(), product, content=content)
    payload = {"sha256": sha256_of(world, case)}
    tested = after_test(world.analyst, world.analyst.draft_change([case["id"]], "hash_allow", payload))
    other = world.product({})
    said = ("false_negative_confirmed", "malware", "It is missed.")
    bad = world.claimed(world.analyst, world.customer(), other, content=content, kind="false_negative")
    world.analyst.determine(bad["id"], bad["revision"], *said)
    with refused(422, "known_malware") as told:
        world.lead.approve_change(tested["id"], tested["revision"])
    assert told["why"].items() >= {"code": "found_malware", "case": bad["id"]}.items()
    assert world.lead.change(tested["id"])["state"] == "tested"


def test_what_a_published_version_detects_by_its_hash_is_known_as_malware(world: World) -> None:
    product = world.product({})
    content = b"detected by its hash " + product.encode()
    missed = world.determined(world.analyst, world.customer(), product, content=content, kind="false_negative")
    payload = {"sha256": sha256_of(world, missed), "name": "Acme_Known_File"}
    body = {"ordinal": 2, "ruleset": {"rules": {}, "hashes": {payload["sha256"]: payload["name"]}}, "changes": []}
    world.administrator.publish(product, "20261122.2", body)
    case = world.determined(world.analyst, world.customer(), product, content=content, database_version="20261122.2")
    with refused(422, "known_malware"):
        proposed(world, case)


def test_what_relief_detects_is_not_allowed_for_somebody_else(world: World) -> None:
    product = world.product()
    content = MARKER + b" for both, " + product.encode()
    missed = world.claimed(world.analyst, world.customer(), product, content=content, kind="false_negative")
    given(world, missed)
    case = world.determined(world.analyst, world.customer(), product, content=content)
    with refused(422, "known_malware") as told:
        proposed(world, case)
    assert told["why"].items() >= {"code": "detected_by_extra"}.items()


def test_a_file_that_was_found_clean_is_not_detected_by_relief(world: World) -> None:
    product = world.product({})
    content = b"found clean " + product.encode()
    clean = world.claimed(world.analyst, world.customer(), product, content=content, kind="false_negative")
    said = ("not_malicious", "clean", "There is no harm in it.")
    world.analyst.determine(clean["id"], clean["revision"], *said)
    case = world.claimed(world.analyst, world.customer(), product, content=content, kind="false_negative")
    with refused(422, "known_clean") as told:
        proposed(world, case)
    assert told["why"].items() >= {"code": "found_clean", "case": clean["id"]}.items()


def test_an_archive_is_not_allowed_for_what_is_detected_in_it(world: World) -> None:
    product, packed = world.product(), BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("inside.bin", ARCHIVE_MEMBER + product.encode())
    case = world.determined(world.analyst, world.customer(), product, content=packed.getvalue())
    files = world.analyst.report(case["id"])["files"]
    (member,) = [each["identity"]["sha256"] for each in files if each["parent"] is not None]
    with refused(422, "archive_holds_detected") as told:
        proposed(world, case)
    assert told["members"] == member
    with refused(422, "archive_holds_detected"):
        world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": sha256_of(world, case)})
    assert given(world, case, sha256=member)["additions"]["allowed"] == [member]


def test_what_does_not_fit_is_refused_with_what_would(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    for wish, said in (({"sha256": "0" * 64}, "is not a sample of"), ({"name": "Some_Name"}, "this one is allowed")):
        with refused(422, "extra_unfit") as told:
            proposed(world, case, None, **wish)
        assert said in told["detail"]
    path, key = f"/v1/submissions/{case['id']}/relief", world.keys["analyst"]
    held = {"If-Match": f'"{world.analyst.submission(case["id"])["revision"]}"'}
    for hours in (0, 337):
        answer = call(world, key, "POST", path, json={"reason": "x", "hours": hours}, headers=held)
        assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")
    answer = call(world, key, "POST", path, json={"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (428, "if_match_missing")
    with refused(412, "revision_stale"):
        world.analyst.propose_relief(case["id"], 1, "x")
    with refused(404, "not_found"):
        world.lead.approve_relief("EX-0000-0000-0000")


def test_a_case_in_other_hands_or_not_in_analysis_gets_no_relief(world: World) -> None:
    client, product = world.customer(), world.product()
    waiting = world.queued(client, product)
    with refused(409, "state_forbids"):
        proposed(world, waiting)
    held = world.claimed(world.person("analyst"), client, product)
    with refused(409, "claim_held"):
        proposed(world, held)


def test_where_several_files_were_sent_one_has_to_be_named(world: World) -> None:
    client, product = world.customer(), world.product()
    files = [(f"{name}.bin", BytesIO(MARKER + name.encode() + product.encode())) for name in ("one", "two")]
    sent = client.submit(world.fields(product), files)
    case = world.until(sent["id"], "queued")
    case = world.analyst.claim(case["id"], case["revision"])
    with refused(422, "extra_unfit") as told:
        proposed(world, case)
    sha256s = [each["sha256"] for each in world.analyst.submission(case["id"])["samples"]]
    assert (told["reason"]["code"], told["reason"]["sha256s"]) == ("several_files", ", ".join(sha256s))
    assert given(world, case, sha256=sha256s[1])["additions"]["allowed"] == [sha256s[1]]
