"""How a run of the guard ends when one of its parts could not run: what the others found is not lost."""

import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.findings import Code, Findings, Trouble
from sigreq.domain.gate_reasons import AsTold
from sigreq.domain.gating import PartKind, Purpose, RunState
from sigreq.domain.lifecycle import Event, State
from sigreq.domain.people import Actor, Language, Role
from sigreq.domain.submission import Track
from sigreq.embedded.postbox import Postbox
from sigreq.embedded.receiver import Receiver
from sigreq.embedded.stack import Addresses
from sigreq.notify.letters import Letters
from sigreq.release import gate_end
from sigreq.settings import Mail
from sigreq.store import clocks, contracts, gates, groups, people, submissions
from sigreq.store.gates import Subject
from sigreq.store.jobs import JobName, Lease
from sigreq.store.moves import Move, begin_submission, move_submission
from sigreq.tables.events import Event as EventRow
from sigreq.tables.events import Job
from sigreq.tables.gates import GateRun
from sigreq.tables.people import AnalystGroup
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction
from sigreq.webhooks import WebhookSender
from tests.store.support import START, Bench, at, case_of, customer_of

VERSION = "20261122.3"
FIXED = {"state": State.FIXED, "fixed_in": "20261122.2", "fixed_at": START, "determined_at": START}


async def _run(bench: Bench, name: str, purpose: Purpose, parts: int) -> tuple[GateRun, list[Submission]]:
    """A planned run with a part for each of so many fixed cases."""
    customer = await customer_of(bench, name)
    actor = Actor(customer.id, customer.name, customer.role, name)
    async with bench.database.transaction() as tx:
        terms = (await clocks.terms_of(tx, await people.plan(tx, contracts.STANDARD))).to_document()
        cases = [case_of(customer, solved_number=number, terms=terms, **FIXED) for number in range(1, parts + 1)]
        for case in cases:
            await begin_submission(tx, case, actor, {"severity": case.severity})
        run = await gates.begin(tx, None, Subject(name, purpose, VERSION, Track.EXPEDITED))
        run = await gates.plan(tx, run, {"seen_solved": parts}, [(PartKind.EARLIER, [case.id]) for case in cases])
    return run, cases


def _again(case: Submission) -> Findings:
    return Findings(cases=1).plus([Trouble(Code.DETECTED_AGAIN, AsTold("again"), case.id, "x", ("New",))])


def _lease(run: GateRun, **args: Any) -> Lease:
    return Lease("job", "token", JobName.GATE_PART, {"run_id": run.id, **args}, 12, START)


async def _cannot_run(tx: Transaction, run: GateRun) -> None:
    await gate_end.give_up(tx, _lease(run, number=0), "killed too often")


async def _alerts(tx: Transaction, run: GateRun) -> list[str]:
    statement = select(col(Job.args)).where(col(Job.name) == JobName.ALERT, col(Job.args)["run_id"].astext == run.id)
    return sorted(f"{each['group_id']} {each['channel']}" for each in await tx.session.scalars(statement))


@pytest.mark.parametrize("failed", [0, 1, 2])
def test_what_the_other_parts_of_the_guard_find_reopens_cases_before_and_after(
    addresses: Addresses, failed: int
) -> None:
    async def work(bench: Bench) -> None:
        run, cases = await _run(bench, f"guard-{failed}", Purpose.RECHECK, 3)
        for number, case in enumerate(cases):
            async with bench.database.transaction() as tx:
                if number == failed:
                    await gate_end.give_up(tx, _lease(run, number=number), "killed too often")
                else:
                    await gate_end.finish_part(tx, run.id, number, _again(case))
        async with bench.database.transaction() as tx:
            ended = await gates.get(tx, run.id)
            states = [(await submissions.get(tx, case.id)).state for case in cases]
            everybody = sorted(f"{each.id} {by}" for each, _ in await groups.listed(tx) for by in ("mail", "webhook"))
            assert await _alerts(tx, run) == everybody
        assert states == [State.FIXED if number == failed else State.QUEUED for number in range(3)]
        assert (ended.state, ended.done) == (RunState.FAILED, 3)
        assert ended.report is not None
        assert sorted(each["code"] for each in ended.report["problems"]) == ["could_not_run", *["detected_again"] * 2]

    at(addresses.database_url, work)


def test_a_train_that_could_not_be_tested_whole_fails_at_once_with_what_was_found(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        run, cases = await _run(bench, "guard-train", Purpose.TRAIN, 3)
        async with bench.database.transaction() as tx:
            await gate_end.finish_part(tx, run.id, 0, _again(cases[0]))
            await gate_end.give_up(tx, _lease(run, number=1), "killed too often")
            ended = await gates.get(tx, run.id)
            assert await _alerts(tx, run) == []
        assert (ended.state, ended.report and [each["code"] for each in ended.report["problems"]]) == (
            RunState.FAILED,
            ["could_not_run", "detected_again"],
        )

    at(addresses.database_url, work)


def test_a_case_that_a_version_could_not_be_tried_on_is_flagged(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        run, (case,) = await _run(bench, "guard-flag", Purpose.RECHECK, 1)
        unseen = Findings(cases=1).plus([Trouble(Code.NOT_SCANNED, AsTold("not scanned (timeout)"), case.id, "x")])
        async with bench.database.transaction() as tx:
            await gate_end.finish_part(tx, run.id, 0, unseen)
            flagged = await submissions.get(tx, case.id)
            assert await _alerts(tx, run) == []
        assert (flagged.state, flagged.needs_attention) == (State.FIXED, "recheck_failed")
        later = Subject("guard-flag", Purpose.RECHECK, "20261122.4", Track.EXPEDITED)
        for part_ends, is_flagged in ((_cannot_run, True), (unseen, True), (Findings(cases=1), False)):
            async with bench.database.transaction() as tx:
                run = await gates.begin(tx, None, later)
                run = await gates.plan(tx, run, {"seen_solved": 1}, [(PartKind.EARLIER, [case.id])])
                if isinstance(part_ends, Findings):
                    await gate_end.finish_part(tx, run.id, 0, part_ends)
                else:
                    await part_ends(tx, run)
                seen = await submissions.get(tx, case.id)
                assert (seen.needs_attention == "recheck_failed") is is_flagged
        async with bench.database.transaction() as tx:
            told = (
                select(col(EventRow.name)).where(col(EventRow.subject_id) == case.id).order_by(col(EventRow.sequence))
            )
            happened = (await tx.session.scalars(told)).all()
        assert list(happened[-3:]) == ["attention_raised", "attention_raised", "attention_cleared"]

    at(addresses.database_url, work)


def test_a_flag_is_taken_away_by_nothing_but_the_newest_version_that_was_seen_to_do_right(addresses: Addresses) -> None:
    name = "guard-late"

    async def work(bench: Bench) -> None:
        older, (case,) = await _run(bench, name, Purpose.RECHECK, 1)
        newer = await _next(bench, name, case)
        unscanned = Findings(cases=1).plus([Trouble(Code.NOT_SCANNED, AsTold("not scanned (timeout)"), case.id, "x")])
        assert await _after(bench, newer, case, unscanned) == "recheck_failed"
        assert await _after(bench, older, case, Findings(cases=1)) == "recheck_failed", "a newer version is in doubt"
        gone = Findings(cases=1).without_seeing(case.id, "sample_missing")
        assert await _after(bench, await _next(bench, name, case), case, gone) == "recheck_failed", "nothing was seen"
        last = await _next(bench, name, case)
        async with bench.database.transaction() as flagging:
            withdrawn = Move[Submission](Event.ATTENTION_RAISED, values={"needs_attention": "fix_withdrawn"})
            await move_submission(flagging, case.id, withdrawn)
            ending = asyncio.create_task(_after(bench, last, case, Findings(cases=1)))
            await asyncio.sleep(0.3)  # until it waits for the row, having read the flag as it was
        assert await ending == "fix_withdrawn", "another matter, raised meanwhile"

    at(addresses.database_url, work)


async def _next(bench: Bench, name: str, case: Submission) -> GateRun:
    bench.later(60)
    async with bench.database.transaction() as tx:
        run = await gates.begin(tx, None, Subject(name, Purpose.RECHECK, str(bench.now), Track.EXPEDITED))
        return await gates.plan(tx, run, {"seen_solved": 1}, [(PartKind.EARLIER, [case.id])])


async def _after(bench: Bench, run: GateRun, case: Submission, findings: Findings) -> str | None:
    """What the case's flag is when the run has found this in its only part."""
    async with bench.database.transaction() as tx:
        await gate_end.finish_part(tx, run.id, 0, findings)
    async with bench.database.transaction() as tx:
        return (await submissions.get(tx, case.id)).needs_attention


def test_the_on_call_hears_by_mail_and_webhook_that_the_guard_has_failed(addresses: Addresses) -> None:
    secret = "whsec_" + b64encode(bytes(24)).decode()

    async def work(bench: Bench, postbox: Postbox, receiver: Receiver) -> str:
        run, _ = await _run(bench, "guard-told", Purpose.RECHECK, 1)
        bench.now = datetime.now(UTC)  # receivers believe only what was signed just now
        told = AnalystGroup(id="told", title="Told", on_call_email="on-call@vendor.example", on_call_url=receiver.url)
        told.on_call_secret = secret
        async with bench.database.transaction() as tx:
            await groups.put(tx, told)
            reader = await people.add_person(tx, "On call", Role.LEAD, None)
            people.set_contact(reader, "On-Call@vendor.example", Language.RUSSIAN)
            await gate_end.give_up(tx, _lease(run, number=0), "killed too often")
        mail = Mail(host="127.0.0.1", port=postbox.port, security="none", sender="sigreq@vendor.example")
        sender = WebhookSender(allow_private=True, timeout=timedelta(seconds=30))
        letters = Letters(bench.database, sender, mail)
        for channel in ("mail", "webhook"):
            await letters.alert(_lease(run, group_id="told", channel=channel))
        await sender.close()
        return run.id

    with Postbox() as postbox, Receiver() as receiver:
        receiver.secret = secret
        run_id = at(addresses.database_url, lambda bench: work(bench, postbox, receiver))
        (mail,) = postbox.to("on-call@vendor.example")
    assert (mail["Message-ID"], VERSION in mail["Subject"]) == (f"<{run_id}@vendor.example>", True)
    assert "killed too often" in mail.get_content()
    assert ("Решённые обращения" in mail["Subject"], "Версия" in mail.get_content()) == (True, True)
    told = receiver.events[run_id]
    assert (told["type"], told["data"]) == (
        "release.recheck_failed",
        {
            "run_id": run_id,
            "product": "guard-told",
            "version": VERSION,
            "reason": "the gate could not run: killed too often",
        },
    )
