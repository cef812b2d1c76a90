"""Files that could not be seen whole are looked into again, with what was learnt meanwhile."""

from io import BytesIO
from typing import Any

import pytest

from sigreq_client import Client
from tests.flows import names, refused
from tests.scanning.packed import zipped
from tests.world import MARKER, World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")

LOCKED = zipped({"hit.bin": MARKER * 20, "plain.txt": b"plain " * 50}, password="told later")
AGAIN = "examined_again"


def sent(world: World, customer: Client, product: str, content: bytes = LOCKED, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = customer.submit(world.fields(product, **more), [("locked.zip", BytesIO(content))])
    return answer


def examined(world: World, submission_id: str) -> dict[str, Any]:
    """The case, once it was examined again."""
    wait_for(lambda: names(world.analyst.timeline(submission_id)), lambda said: AGAIN in said)
    found: dict[str, Any] = world.analyst.submission(submission_id)
    return found


def test_the_same_file_with_its_password_opens_the_archive_of_the_open_case(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.until(sent(world, customer, product)["id"], "queued")
    assert case["finding"] == "undecided"
    joined = sent(world, customer, product, archive_password="told later")
    assert (joined["id"], joined["is_joined"]) == (case["id"], True)
    seen = examined(world, case["id"])
    assert (seen["state"], seen["finding"], seen["notices"]) == ("queued", "supported", [])
    files = world.analyst.report(case["id"])["files"]
    assert [(file["position"], file["name"], bool(file["not_seen"])) for file in files] == [
        (0, "locked.zip", False),
        (1, "hit.bin", False),
        (2, "plain.txt", False),
    ]
    assert names(customer.timeline(case["id"])) == ["received", "screened", "duplicate_joined", AGAIN]


def test_a_wrong_password_takes_nothing_from_a_right_one(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.until(sent(world, customer, product, archive_password="told later")["id"], "queued")
    assert case["finding"] == "supported"
    sent(world, customer, product, archive_password="wrong")
    seen = examined(world, case["id"])
    said = (seen["finding"], seen["archive_password"], seen["more_passwords"])
    assert said == ("supported", "told later", ["wrong"])


def test_a_password_that_was_said_before_changes_nothing(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.until(sent(world, customer, product, archive_password="told later")["id"], "queued")
    sent(world, customer, product, archive_password="told later")
    event = customer.timeline(case["id"])["items"][-1]
    assert (event["name"], event["data"]["password_added"]) == ("duplicate_joined", False)


def test_an_analyst_can_try_another_password(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.claimed(world.analyst, customer, product, content=LOCKED)
    asked = world.analyst.examine(case["id"], case["revision"], "told later")
    assert asked["state"] == "in_analysis"
    seen = examined(world, case["id"])
    assert (seen["state"], seen["finding"]) == ("in_analysis", "supported")
    assert "examination_asked" not in names(customer.timeline(case["id"]))
    with refused(403, "wrong_role"):
        customer.examine(case["id"], seen["revision"])


def test_what_was_seen_whole_is_not_looked_into_again(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.claimed(world.analyst, customer, product, content=zipped({"hit.bin": MARKER * 20}))
    before = world.analyst.report(case["id"])["files"]
    world.analyst.examine(case["id"], case["revision"])
    examined(world, case["id"])
    after = world.analyst.report(case["id"])["files"]
    assert [file["name"] for file in after] == [file["name"] for file in before]
    assert [[scan["is_reused"] for scan in file["scans"]] for file in after] == [[False, True]] * 2


def test_a_closed_case_is_not_examined_again(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.until(sent(world, customer, product)["id"], "queued")
    closed = customer.withdraw(case["id"])
    with refused(409, "state_forbids"):
        world.analyst.examine(case["id"], closed["revision"])


def test_a_damaged_program_is_told_to_the_customer(world: World) -> None:
    customer = world.customer()
    content = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\xff" * 200 + MARKER
    case = world.until(sent(world, customer, world.product(), content)["id"], "queued")
    assert any("calls itself a program" in notice for notice in customer.submission(case["id"])["notices"])
