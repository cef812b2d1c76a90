"""A version that is taken back, a release that forgets an earlier fix, and a change that nothing shows to help."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.commands import key_to, sigreq
from tests.database import one, write
from tests.flows import (
    HARMLESS,
    after_test,
    approved,
    drafted,
    fixed,
    hit_by,
    marked,
    names,
    published,
    refused,
    release_of,
)
from tests.world import World, rule, wait_for

pytestmark = pytest.mark.usefixtures("balanced")

FIXED_IN = "20261122.2"
NEWER = rule("Marker", "another-text-that-is-in-no-file")


def released_by_tool(world: World, product: str, state: Path) -> list[dict[str, Any]]:
    """What the reference release tool says that it published in one look."""
    command = ["release", "run", "--product", product, "--state", str(state), "--once", "--json"]
    done = sigreq(*command, env=key_to(world.url, world.keys["release"]))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def change_of(world: World, product: str) -> dict[str, Any]:
    """The only change that the feed of a product is about."""
    (change_id,) = {item["change"]["id"] for item in world.release.feed(product)["items"]}
    found: dict[str, Any] = world.analyst.change(change_id)
    return found


def actions(world: World, product: str) -> list[str]:
    """What the feed says, in order."""
    return [item["action"] for item in world.release.feed(product)["items"]]


def told(client: Client, case: Mapping[str, Any]) -> list[str]:
    """What a customer was told, in order."""
    return names(client.timeline(case["id"]))


def test_a_withdrawn_version_sends_its_change_back_to_the_feed_and_its_fix_back_to_waiting(world: World) -> None:
    client, product = world.customer(), world.product()
    case = fixed(world, client, product)
    world.administrator.withdraw_release(product, FIXED_IN)
    change = change_of(world, product)
    assert (change["state"], change["rev"], change["published_in"]) == ("approved", 1, None)
    assert actions(world, product) == ["approved", "published", "approved"]
    waiting = client.submission(case["id"])
    assert (waiting["state"], waiting["fixed_in"], waiting["resolution"]) == ("determined", None, None)
    assert told(client, case)[-2:] == ["fixed", "fix_withdrawn"]


def test_what_a_withdrawn_version_fixed_is_fixed_again_by_the_next_run_of_the_release_tool(
    world: World, tmp_path: Path
) -> None:
    client, product, state = world.customer(), world.product(), tmp_path / "state.json"
    case = world.determined(world.analyst, client, product)
    approved(world, case)
    (first,) = released_by_tool(world, product, state)
    assert world.until(case["id"], "fixed")["fixed_in"] == first["version"]
    world.administrator.withdraw_release(product, first["version"])
    (second,) = released_by_tool(world, product, state)
    assert second["version"] != first["version"]
    again = world.until(case["id"], "fixed")
    assert (again["fixed_in"], again["resolution"]) == (second["version"], "signature_modified")
    assert change_of(world, product)["published_in"] == second["version"]
    assert told(client, case)[-3:] == ["fixed", "fix_withdrawn", "fixed"]


def test_a_proof_that_ends_when_a_change_of_its_case_is_not_out_says_nothing(world: World, service: Service) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    # That it is not out yet is as if it was taken back.
    world.analyst.draft_change([case["id"]], "sig_retire", {"signature": "Marker"})
    published(world, product, FIXED_IN, release_of(2, {"Marker": HARMLESS}, [approved(world, case)]))
    write(
        service,
        "INSERT INTO job (id, name, queue, args, created_at, due_at, attempts) VALUES"
        " (:id, 'submission.prove', 'standard', CAST(:args AS jsonb), now(), now(), 0)",
        id=case["id"],
        args=json.dumps({"submission_id": case["id"], "version": FIXED_IN}),
    )
    done = "SELECT done_at IS NOT NULL FROM job WHERE id = :id"
    wait_for(lambda: one(service, done, id=case["id"]), lambda is_done: is_done)
    assert client.submission(case["id"])["state"] == "determined"


def test_a_confirmed_case_stays_closed_and_is_flagged_when_its_fix_is_withdrawn(world: World) -> None:
    client, product = world.customer(), world.product()
    case = fixed(world, client, product)
    client.confirm(case["id"])
    world.administrator.withdraw_release(product, FIXED_IN)
    flagged = world.analyst.submission(case["id"])
    assert (flagged["state"], flagged["needs_attention"]) == ("closed", "fix_withdrawn")
    assert told(client, case)[-1] == "confirmed"
    assert change_of(world, product)["state"] == "approved"


def test_withdrawing_a_version_twice_is_no_error_and_changes_nothing_more(world: World) -> None:
    client, product = world.customer(), world.product()
    case = fixed(world, client, product)
    first = world.administrator.withdraw_release(product, FIXED_IN)
    before = (world.analyst.submission(case["id"]), change_of(world, product), actions(world, product))
    assert world.administrator.withdraw_release(product, FIXED_IN) == first
    assert (world.analyst.submission(case["id"]), change_of(world, product), actions(world, product)) == before


def test_a_withdrawn_version_leaves_the_fixes_of_other_versions_alone(world: World) -> None:
    client, product = world.customer(), world.product()
    case = fixed(world, client, product)
    published(world, product, "20261122.3", release_of(3, {"Marker": HARMLESS}))
    world.administrator.withdraw_release(product, "20261122.3")
    assert client.submission(case["id"])["state"] == "fixed"
    assert change_of(world, product)["published_in"] == FIXED_IN


@pytest.mark.parametrize("rules", [{"Marker": marked("Marker")}, {}])
def test_a_release_that_drops_an_earlier_fix_is_refused_and_changes_nothing(
    world: World, rules: dict[str, str]
) -> None:
    client, product = world.customer(), world.product()
    fixed(world, client, product)
    dropped = change_of(world, product)
    new = approved(world, world.determined(world.analyst, client, product, kind="false_negative"), "New", hit_by("New"))
    register, feed = world.release.releases(product), world.release.feed(product)
    with refused(422, "fix_dropped") as data:
        world.release.publish(product, "20261122.3", release_of(3, {**rules, "New": hit_by("New")}, [new]))
    assert (data["version"], data["changes"]) == ("20261122.3", dropped["id"])
    assert (world.release.releases(product), world.release.feed(product)) == (register, feed)
    assert world.analyst.change(new["id"])["state"] == "approved"
    kept = release_of(3, {"Marker": HARMLESS, "New": hit_by("New")}, [new])
    published(world, product, "20261122.3", kept)


def test_a_release_that_forgets_an_allowed_file_is_refused(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    sha256 = world.analyst.submission(case["id"])["samples"][0]["sha256"]
    allowed = after_test(world.analyst, world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": sha256}))
    allowed = world.lead.approve_change(allowed["id"], allowed["revision"])
    rules = {"Marker": marked("Marker")}
    published(world, product, FIXED_IN, release_of(2, rules, [allowed], allowed=[sha256]))
    world.until(case["id"], "fixed")  # a case that is solved later makes a pass stale
    with refused(422, "fix_dropped"):
        world.release.publish(product, "20261122.3", release_of(3, rules))
    published(world, product, "20261122.3", release_of(3, rules, allowed=[sha256]))


def test_a_newer_change_of_the_same_rule_replaces_the_earlier_one(world: World) -> None:
    client, product = world.customer(), world.product()
    case = fixed(world, client, product)
    older = change_of(world, product)
    client.still_happens(case["id"], "It is still detected.")
    world.administrator.withdraw_release(product, FIXED_IN)
    published(world, product, "20261122.3", release_of(3, {"Marker": HARMLESS}, [older]))
    other = world.determined(world.analyst, client, product, kind="false_negative")
    newer = approved(world, other, "Marker", rule("Marker", "inert"))
    published(world, product, "20261122.4", release_of(4, {"Marker": rule("Marker", "inert")}, [newer]))
    assert world.until(other["id"], "fixed")["fixed_in"] == "20261122.4"
    with refused(422, "fix_dropped") as data:
        world.release.publish(product, "20261122.5", release_of(5, {"Marker": HARMLESS}))
    assert data["changes"] == newer["id"]
    published(world, product, "20261122.5", release_of(5, {"Marker": rule("Marker", "inert")}))


def test_the_gate_fails_when_the_published_rules_do_not_show_the_fault(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product, content=b"nothing hits this: " + product.encode())
    failed = after_test(world.analyst, drafted(world.analyst, case))
    assert (failed["state"], failed["report"]["is_passed"]) == ("gate_failed", False)
    (problem,) = failed["report"]["problems"]
    assert (problem["code"], problem["submission_id"]) == ("fault_not_shown", case["id"])
    assert "do not show this fault" in problem["message"]


def test_the_gate_fails_for_a_miss_that_the_published_rules_detect_by_now(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product, kind="false_negative")
    world.publish(product, FIXED_IN, {"Marker": marked("Marker"), "Early": hit_by("Early")}, ago=timedelta(minutes=1))
    failed = after_test(world.analyst, drafted(world.analyst, case, "Late", hit_by("Late")))
    assert failed["state"] == "gate_failed"
    assert "do not show this fault" in failed["report"]["problems"][0]["message"]


def test_who_wrote_any_revision_of_a_change_cannot_approve_it(world: World) -> None:
    first, second = world.person("lead"), world.person("lead")
    case = world.determined(first, world.customer(), world.product())
    change = drafted(first, case)
    change = second.revise_change(change["id"], change["revision"], {"rule": "Marker", "source": NEWER})
    tested = after_test(second, change)
    assert (tested["state"], tested["rev"]) == ("tested", 2)
    for writer in (first, second):
        with refused(403, "four_eyes"):
            writer.approve_change(tested["id"], tested["revision"])
    assert world.lead.approve_change(tested["id"], tested["revision"])["state"] == "approved"
