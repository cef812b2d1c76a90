"""Earlier cases like this one, and the cases that one rule hit."""

import os
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest

from sigreq_client import Client
from tests.flows import refused
from tests.scanning.executables import pe, signed, signer
from tests.world import MARKER, World, rule

pytestmark = pytest.mark.usefixtures("balanced")


def queued(world: World, product: str, content: bytes, customer: Client | None = None) -> dict[str, Any]:
    sender = customer or world.customer()
    answer = sender.submit(world.fields(product), [("program.exe", BytesIO(content))])
    return world.until(answer["id"], "queued")


def ids(found: dict[str, Any], of: str) -> list[str]:
    return [each["id"] for each in found[of]]


def test_cases_of_other_customers_with_the_same_content_rule_and_signer_are_listed(world: World) -> None:
    name = f"Rule_{uuid4().hex}"
    product = world.product({name: rule(name, MARKER.decode())})
    by = signer(f"Acme Tools {name}", "Acme")
    first = queued(world, product, signed(pe({}, MARKER + b"one"), by))
    second = queued(world, product, signed(pe({}, MARKER + b"two"), by))
    third = queued(world, product, signed(pe({}, MARKER + b"two"), by))
    found = world.analyst.similar(second["id"])
    assert ids(found, "same_content") == [third["id"]]
    assert ids(found, "same_signer") == [first["id"]]
    assert ids(found, "same_rule") == [third["id"], first["id"]]
    assert found["same_rule"][0]["rules"] == [name]


def test_cases_of_nearly_the_same_content_are_listed_by_distance(world: World) -> None:
    base = bytearray(os.urandom(20_000))
    product = world.product()
    near, nearer = base.copy(), base.copy()
    near[5_000:7_000] = os.urandom(2_000)
    nearer[5_000:5_050] = os.urandom(50)
    cases = [queued(world, product, MARKER + bytes(content)) for content in (near, nearer)]
    queued(world, product, MARKER + os.urandom(20_000))
    of = queued(world, product, MARKER + bytes(base))
    found = world.analyst.similar(of["id"])["near_content"]
    assert [each["id"] for each in found] == [cases[1]["id"], cases[0]["id"]]
    assert 0 <= found[0]["distance"] < found[1]["distance"] <= 70


def test_the_open_cases_that_a_rule_hit_are_listed(world: World) -> None:
    name = f"Rule_{uuid4().hex}"
    product = world.product({name: rule(name, MARKER.decode())})
    customer = world.customer()
    cases = [queued(world, product, MARKER + bytes([number]), customer) for number in range(3)]
    queued(world, product, b"not hit by it")
    customer.withdraw(cases[1]["id"])
    assert [each["id"] for each in world.analyst.hit_by(name)["items"]] == [cases[2]["id"], cases[0]["id"]]
    assert len(world.analyst.hit_by(name, is_open=False)["items"]) == 3
    assert world.analyst.hit_by("No_Such_Rule")["items"] == []


def test_similar_cases_are_for_staff(world: World) -> None:
    customer = world.customer()
    case = queued(world, world.product(), MARKER + b"mine", customer)
    with refused(403, "wrong_role"):
        customer.similar(case["id"])
    with refused(403, "wrong_role"):
        customer.hit_by("Marker")
