"""A version is taken back: the one before is the latest again, and everybody who stands on it is told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import Any

import pytest

from sigreq.embedded.receiver import Receiver
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.database import locked, rows
from tests.flows import names, refused
from tests.world import MARKER, World, rule, wait_for

pytestmark = pytest.mark.usefixtures("balanced")

BEFORE, TAKEN_BACK = "20261122.1", "20261122.2"
MANY = 60


@pytest.fixture
def product(world: World) -> str:
    """A product with two versions, both of which claims may stand on."""
    made = world.product()
    world.publish(made, TAKEN_BACK, ago=timedelta(minutes=1))
    return made


def made_under(world: World, client: Client, product: str, version: str = TAKEN_BACK) -> dict[str, Any]:
    """A submission that waits for an analyst."""
    return world.queued(client, product, database_version=version)


def test_the_version_before_is_the_latest_again(world: World, product: str) -> None:
    client = world.customer()
    assert client.check_database(product, TAKEN_BACK)["verdict"] == "current"
    world.administrator.withdraw_release(product, TAKEN_BACK)
    assert client.check_database(product, BEFORE)["verdict"] == "current"
    taken_back = client.check_database(product, TAKEN_BACK)
    assert (taken_back["verdict"], taken_back["latest"]) == ("withdrawn", BEFORE)
    with refused(422, "database_withdrawn") as told:
        world.submit(client, product, database_version=TAKEN_BACK)
    assert told["latest"] == BEFORE
    made_under(world, client, product, BEFORE)


def test_who_stands_on_a_withdrawn_version_is_told_what_to_have_instead(world: World, product: str) -> None:
    client = world.customer()
    with Receiver() as receiver:
        receiver.secret = client.set_webhook(receiver.url)["secret"]
        case = made_under(world, client, product)
        world.administrator.withdraw_release(product, TAKEN_BACK)
        told = client.timeline(case["id"])["items"][-1]
        assert (told["name"], told["state"]) == ("version_withdrawn", "queued")
        assert (told["data"]["version"], told["data"]["latest_version"]) == (TAKEN_BACK, BEFORE)
        assert told["data"]["steps"][0] == "Update now."
        assert "you need not do anything" in told["data"]["steps"][1]
        called = wait_for(partial(receiver.of, case["id"]), lambda seen: len(seen) == 3)
        assert called[-1] == {**told, "submission_id": case["id"]}
    after = client.submission(case["id"])
    assert (after["state"], after["revision"]) == ("queued", case["revision"] + 1)


def test_those_on_other_versions_and_those_that_are_closed_hear_nothing(world: World, product: str) -> None:
    client = world.customer()
    elsewhere, done = made_under(world, client, product, BEFORE), made_under(world, client, product)
    client.withdraw(done["id"])
    world.administrator.withdraw_release(product, TAKEN_BACK)
    for case in (elsewhere, done):
        assert "version_withdrawn" not in names(client.timeline(case["id"]))


def test_where_no_version_is_left_that_is_what_is_told(world: World) -> None:
    client, product = world.customer(), world.product()
    case = made_under(world, client, product, BEFORE)
    world.administrator.withdraw_release(product, BEFORE)
    told = client.timeline(case["id"])["items"][-1]["data"]
    assert told["latest_version"] is None
    assert "No version is published" in told["steps"][0]


def test_a_case_in_an_analysts_hands_stays_there_and_has_moved_since_it_was_read(world: World, product: str) -> None:
    case = world.claimed(world.analyst, world.customer(), product, database_version=TAKEN_BACK)
    world.administrator.withdraw_release(product, TAKEN_BACK)
    said = ("correct_detection", "malware", "It is detected rightly.")
    with refused(412, "revision_stale"):
        world.analyst.determine(case["id"], case["revision"], *said)
    again = world.analyst.submission(case["id"])
    assert again["state"] == "in_analysis"
    assert world.analyst.determine(case["id"], again["revision"], *said)["state"] == "closed"


def test_many_are_told_in_one_go_each_once_and_withdrawing_again_tells_nobody(
    world: World, service: Service, product: str
) -> None:
    organisations = [world.organisation() for _ in range(3)]
    clients = [world.person("customer", each) for each in organisations]
    for client, language in zip(clients, ("en", "ru", "en"), strict=True):
        client.set_contact(f"{language}@customer.example", language)
    fields = world.fields(product, database_version=TAKEN_BACK)
    sent = [
        clients[number % 3].submit(fields, [("a.bin", BytesIO(MARKER + b"%d" % number))])["id"]
        for number in range(MANY)
    ]
    world.administrator.withdraw_release(product, TAKEN_BACK)
    told = _told(service, sent)
    assert (len(told), len({at for _, at in told})) == (MANY, 1), "one transaction: all at the same moment"
    mails = "SELECT args->>'event_id' FROM job WHERE name = 'mail.send' AND args->>'event_id' = ANY(:ids)"
    assert len(rows(service, mails, ids=[event for event, _ in told])) == MANY
    world.administrator.withdraw_release(product, TAKEN_BACK)
    assert _told(service, sent) == told
    for submission_id in sent:
        world.until(submission_id, "queued")


def test_a_version_withdrawn_while_the_files_were_on_their_way_is_told_at_once(
    world: World, service: Service, product: str
) -> None:
    organisation = world.organisation("msa_start")
    client = world.person("customer", organisation)
    contract = "SELECT 1 FROM contract WHERE organisation_id = :id FOR UPDATE"
    with ThreadPoolExecutor(1) as pool:
        with locked(service, contract, id=organisation) as wait_until_waiting:
            sending = pool.submit(world.submit, client, product, database_version=TAKEN_BACK)
            wait_until_waiting(1)
            world.administrator.withdraw_release(product, TAKEN_BACK)
        accepted = sending.result()
    assert names(client.timeline(accepted["id"]))[:2] == ["received", "version_withdrawn"]
    world.until(accepted["id"], "queued")


def test_a_fix_that_came_with_the_version_is_taken_back_and_its_rules_count_no_more(world: World) -> None:
    product, client = world.product({}), world.customer()
    world.publish(product, TAKEN_BACK, {"New": rule("New", "inert")}, ago=timedelta(minutes=1))
    case = made_under(world, client, product)
    world.administrator.withdraw_release(product, TAKEN_BACK)
    assert world.release.releases(product)["items"][0]["withdrawn_at"] is not None
    newest = world.administrator.releases(product)["items"][1]
    assert (newest["version"], newest["withdrawn_at"]) == (BEFORE, None)
    again = world.until(world.submit(client, product, kind="false_negative", database_version=BEFORE)["id"], "queued")
    assert again["finding"] == "supported", "the version that would have found it is not the newest any more"
    assert names(client.timeline(case["id"]))[-1] == "version_withdrawn"


def _told(service: Service, submission_ids: list[str]) -> list[tuple[Any, ...]]:
    statement = "SELECT id, at FROM event WHERE name = 'version_withdrawn' AND subject_id = ANY(:ids) ORDER BY id"
    return rows(service, statement, ids=submission_ids)
