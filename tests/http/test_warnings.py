"""Warnings before and when a guaranteed answer is late: one of each, told by mail and webhook until somebody hears."""

from collections.abc import Iterator
from typing import Any, Literal, Self

import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.postbox import Postbox, identity
from sigreq.embedded.receiver import Receiver
from sigreq.embedded.service import Service
from tests.database import one, rows
from tests.flows import events_out_of_step
from tests.promises import customer, group_with, plan, shorten
from tests.world import World, wait_for

PERCENTS = [50, 75, 90, 100]
WORKERS: tuple[Literal["worker-expedited", "worker-standard"], ...] = ("worker-expedited", "worker-standard")

UNTOLD = """SELECT count(*) FROM job
    WHERE name = 'warning.tell' AND args ->> 'warning_id' = ANY(:ids) AND done_at IS NULL"""


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    with Postbox() as running:
        yield running


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer, postbox: Postbox) -> Iterator[Service]:
    env = {**postbox.env, "SIGREQ_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true"}
    with Service(tmp_path_factory.mktemp("warnings") / "data", env=env, fork_server=fork_server) as running:
        yield running
        assert events_out_of_step(running.env["SIGREQ_DATABASE__URL"]) == 0


@pytest.fixture(scope="module")
def world(own: Service) -> Iterator[World]:
    with World(own.url, first_keys(own.env["SIGREQ_DATABASE__URL"], own.data / "keys.json")) as made:
        yield made


class OnCall:
    """A group whose on-call is warned by mail and webhook, and its plan with goals of a few seconds."""

    def __init__(self, world: World, service: Service, seconds: float, **more: Any) -> None:
        self.receiver = Receiver()
        self.world, self.service = world, service
        address = f"{world.organisation()}@vendor.example"
        self.group, self.analyst, made = group_with(world, on_call_email=address, on_call_url=self.receiver.url)
        self.address = address
        self.receiver.secret = made["on_call_secret"]
        self.plan = plan(world, (1, 1, 1, 1), group=self.group, **more)
        shorten(service, self.plan, seconds)
        self.customer = customer(world, self.plan)[1]

    def __enter__(self) -> Self:
        self.receiver.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.receiver.__exit__()

    def written(self, *submission_ids: str) -> list[tuple[Any, ...]]:
        """The warnings: id, submission, clock, percent; oldest first."""
        statement = """SELECT id, submission_id, clock, percent FROM deadline_warning
            WHERE submission_id = ANY(:ids) ORDER BY clock, percent, submission_id"""
        return rows(self.service, statement, ids=list(submission_ids))


def told_by_mail(postbox: Postbox, on_call: OnCall) -> set[str]:
    return {identity(mail) for mail in postbox.to(on_call.address)}


def test_four_warnings_reach_the_on_call_of_the_right_group_and_nobody_else(
    world: World, own: Service, postbox: Postbox
) -> None:
    with OnCall(world, own, 6) as mine, OnCall(world, own, 600) as others:
        mine.customer.set_contact("jane@customer.example")
        case = world.submit(mine.customer, world.product(), severity=1)
        written = wait_for(lambda: mine.written(case["id"]), lambda found: len(found) == 4)
        assert [row[2:] for row in written] == [(1, percent) for percent in PERCENTS]
        ids = {row[0] for row in written}
        wait_for(lambda: told_by_mail(postbox, mine), lambda found: found == ids)
        wait_for(lambda: set(mine.receiver.events), lambda found: found == ids)
        for row in written:
            data = mine.receiver.events[row[0]]["data"]
            assert (data["submission_id"], data["percent"]) == (case["id"], row[3])
            assert data["due_at"] == world.analyst.submission(case["id"])["due_at"].replace("Z", "+00:00")
        subjects = sorted(str(mail["Subject"]) for mail in postbox.to(mine.address))
        assert [subject.split("] ")[1].split("%")[0] for subject in subjects] == ["100", "50", "75", "90"]
        assert (others.receiver.calls, mine.receiver.forged, told_by_mail(postbox, others)) == (0, 0, set())
        assert not {identity(mail) for mail in postbox.to("jane@customer.example")} & ids
        names = [item["name"] for item in mine.customer.timeline(case["id"])["items"]]
        assert names == ["received", "screened"], "a warning is no event of the submission"


def test_what_nobody_promised_warns_nobody(world: World, own: Service) -> None:
    with OnCall(world, own, 1, is_guaranteed=False) as target, OnCall(world, own, 3) as promised:
        product = world.product()
        quiet = world.submit(target.customer, product)
        loud = world.submit(promised.customer, product)
        wait_for(lambda: promised.written(loud["id"]), lambda found: len(found) == 4)
        assert target.written(quiet["id"]) == []


def test_after_the_answer_there_are_no_more_and_a_new_clock_warns_anew(world: World, own: Service) -> None:
    with OnCall(world, own, 6) as on_call:
        product = world.product()
        case = world.queued(on_call.customer, product)
        waiting = world.queued(on_call.customer, product)
        wait_for(lambda: on_call.written(case["id"]), bool)
        held = on_call.analyst.claim(case["id"], world.analyst.submission(case["id"])["revision"])
        conclusion = ("correct_detection", "malware", "It is malware.")
        closed = on_call.analyst.determine(held["id"], held["revision"], *conclusion)
        assert (closed["answered_at"] is not None, closed["warn_at"]) == (True, None)
        before = on_call.written(case["id"])
        wait_for(lambda: on_call.written(waiting["id"]), lambda found: len(found) == 4)
        assert on_call.written(case["id"]) == before
        assert len(before) < 4, "or the answer was late, and this test proves nothing"
        on_call.customer.still_happens(case["id"], "It is not.")
        after = wait_for(lambda: on_call.written(case["id"]), lambda found: len(found) == len(before) + 4)
        assert [row[2:] for row in after[len(before) :]] == [(2, percent) for percent in PERCENTS]


def test_killed_workers_lose_no_warning_and_double_none(world: World, own: Service, postbox: Postbox) -> None:
    with OnCall(world, own, 6) as on_call:
        product = world.product()
        ids = [world.submit(on_call.customer, product)["id"] for _ in range(3)]
        for so_far in (1, 7):
            wait_for(lambda count=so_far: len(on_call.written(*ids)) >= count, bool)  # type: ignore[misc]
            for worker in WORKERS:
                own.kill(worker)
                own.start_part(worker)
        written = wait_for(lambda: on_call.written(*ids), lambda found: len(found) == 12)
        assert sorted(row[1:] for row in written) == sorted((each, 1, percent) for each in ids for percent in PERCENTS)
        expected = {row[0] for row in written}
        wait_for(lambda: told_by_mail(postbox, on_call), lambda found: found == expected)
        wait_for(lambda: set(on_call.receiver.events), lambda found: found == expected)
        wait_for(lambda: one(own, UNTOLD, ids=list(expected)), lambda count: count == 0)
        assert told_by_mail(postbox, on_call) == set(on_call.receiver.events) == expected


def test_a_warning_that_could_not_be_told_is_told_later_under_the_same_identity(
    world: World, own: Service, postbox: Postbox
) -> None:
    with OnCall(world, own, 2) as on_call:
        postbox.down()
        try:
            case = world.submit(on_call.customer, world.product())
            written = wait_for(lambda: on_call.written(case["id"]), lambda found: len(found) == 4)
            ids = {row[0] for row in written}
            wait_for(lambda: set(on_call.receiver.events), lambda found: found == ids)
            wait_for(lambda: one(own, f"{UNTOLD} AND last_error <> ''", ids=list(ids)), lambda count: count == 4)
        finally:
            postbox.up()
        wait_for(lambda: told_by_mail(postbox, on_call), lambda found: found == ids)
