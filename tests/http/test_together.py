"""One bad rule is answered once: many cases in one request, each moved by itself or told why not."""

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from sigreq.api.together import Result, decide_each
from sigreq.cli.main import main
from sigreq.domain.identifiers import new_identifier
from sigreq.domain.people import Actor, Role
from sigreq.embedded.service import Service
from sigreq.review import together
from sigreq.review.decisions import Answer
from sigreq.review.together import Chosen
from sigreq.transaction import Database, Transaction
from sigreq_client import Client
from tests.flows import names, refused
from tests.world import MARKER, World, rule

pytestmark = pytest.mark.usefixtures("balanced")


def bad_rule(world: World, count: int) -> tuple[str, list[dict[str, Any]]]:
    """A rule, and the cases of as many customers that it hit."""
    name = f"Rule_{uuid4().hex}"
    product = world.product({name: rule(name, MARKER.decode())})
    return name, [world.queued(world.customer(), product, detection_name=name) for _ in range(count)]


def revisions(*cases: dict[str, Any]) -> dict[str, int]:
    return {each["id"]: each["revision"] for each in cases}


def results(found: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["result"] for each in found["items"]}


def analyst_of(world: World) -> Client:
    return world.person("analyst")


def test_cases_are_counted_by_the_rule_that_hit_them(world: World) -> None:
    name, cases = bad_rule(world, 3)
    world.analyst.claim(cases[0]["id"], cases[0]["revision"])
    found = [each for each in world.lead.queue_by_rule(200)["items"] if each["rule"] == name]
    assert [(each["waiting"], each["held"]) for each in found] == [(2, 1)]
    assert found[0]["due_at"] == min(each["due_at"] for each in cases).replace("Z", "+00:00")


def test_each_case_moves_or_says_why_not_and_none_is_answered_twice(world: World) -> None:
    _, (fine, held, stale, mine) = bad_rule(world, 4)
    analyst = analyst_of(world)
    world.lead.claim(held["id"], held["revision"])
    mine = analyst.claim(mine["id"], mine["revision"])
    world.lead.change_severity(stale["id"], stale["revision"], 2)
    chosen = revisions(fine, held, stale, mine) | {"SR-0000-0000-0000": 1}
    found = analyst.decide_together(chosen, "The rule was wrong.", is_qualified=True)
    assert list(results(found).values()) == ["moved", "held", "changed", "moved", "refused"]
    problems = [each["problem"] and each["problem"]["code"] for each in found["items"]]
    assert problems == [None, "claim_held", "revision_stale", None, "not_found"]
    for case in (fine, mine):
        seen = analyst.submission(case["id"])
        assert (seen["state"], seen["answered_at"] is not None) == ("in_analysis", True)
    assert world.lead.submission(stale["id"])["state"] == "queued", "what is refused is claimed by nobody"
    again = analyst.decide_together(revisions(fine), "The rule was wrong.", is_qualified=True)
    assert list(results(again).values()) == ["changed"]
    assert names(analyst.timeline(fine["id"])).count("answered") == 1


def test_what_fails_for_one_case_hides_and_stops_none_of_the_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SimpleNamespace(analysis=SimpleNamespace(claim=timedelta(minutes=5)))
    tries: list[str] = []
    once, always, broken, fine = (new_identifier("SR") for _ in range(4))

    async def decide(tx: Transaction, _actor: Actor, case: Chosen, *_: Any) -> Any:
        tries.append(case.submission_id)
        if case.submission_id == always or (case.submission_id == once and tries.count(once) == 1):
            await tx.session.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))
        if case.submission_id == broken:
            raise RuntimeError("a fault of ours")
        return SimpleNamespace(id=case.submission_id)

    async def send(_: Any) -> None:
        """Nothing waits for hints here."""

    async def run() -> list[Result]:
        database = Database(service.env["SIGREQ_DATABASE__URL"], pool_size=1, send=send)
        services: Any = SimpleNamespace(database=database, settings=settings)
        who = Actor("somebody", "Somebody", Role.ANALYST, None)
        try:
            chosen = [Chosen(each, 1) for each in (once, always, broken, fine)]
            return await decide_each(services, who, chosen, Answer("x", False, timedelta()))  # noqa: FBT003
        finally:
            await database.close()

    monkeypatch.setattr(together, "decide", decide)
    found = asyncio.run(run())
    assert [each.outcome for each in found] == ["moved", "refused", "refused", "moved"]
    problems = [each.problem and each.problem.code for each in found]
    assert problems == [None, "service_unavailable", "case_failed", None]
    assert tries == [once, once, always, always, broken, fine]


def test_a_conclusion_that_does_not_fit_one_case_is_refused_for_that_one(world: World) -> None:
    product = world.product()
    wrongly, missed = (
        world.queued(world.customer(), product, kind=kind) for kind in ("false_positive", "false_negative")
    )
    conclusion = ("false_positive_confirmed", "clean")
    found = analyst_of(world).decide_together(revisions(wrongly, missed), "You are right.", conclusion=conclusion)
    assert results(found) == {wrongly["id"]: "moved", missed["id"]: "refused"}
    assert world.analyst.submission(wrongly["id"])["state"] == "determined"
    unfit = world.analyst.submission(missed["id"])
    assert (unfit["state"], unfit["revision"]) == ("queued", missed["revision"])


def test_what_says_nothing_or_two_things_is_refused_whole(world: World) -> None:
    said = {"message": "x"}
    case = {"id": "SR-0000-0000-0000", "revision": 1}
    for body in (
        {"cases": [], "answer": said},
        {"cases": [case]},
        {"cases": [case, case], "answer": said},
        {"cases": [case], "answer": said, "determine": {**said, "determination": "inconclusive"}},
    ):
        with refused(422, "field_invalid"):
            world.analyst._post("queue", "decide", **body)  # noqa: SLF001 - what the client would never send


def test_the_command_answers_all_that_a_rule_hit_and_says_what_did_not_move(world: World) -> None:
    name, (first, second) = bad_rule(world, 2)
    key = world.key("analyst")

    def run(*args: str) -> Any:
        return CliRunner().invoke(main, ["decide", *args, "--url", world.url, "--key", key, "--json"])

    world.lead.claim(second["id"], second["revision"])
    done = run("together", "The rule was wrong.", "--rule", name, "--qualified")
    assert done.exit_code == 1, "one of them did not move"
    assert results(json.loads(done.stdout)) == {first["id"]: "moved", second["id"]: "held"}
    assert name in {each["rule"] for each in json.loads(run("by-rule", "--limit", "200").stdout)["items"]}
    assert run("together", "No case").exit_code == 2
    ended = run("together", "Done.", first["id"], "--determination", "correct_detection", "--verdict", "malware")
    assert (ended.exit_code, json.loads(ended.stdout)["items"][0]["state"]) == (0, "closed")
