"""A claim stands on the latest database, or is refused with what the customer has to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.plain import problem, upload
from tests.world import MARKER, World, rule

FILE = ("file.bin", MARKER)


@dataclass(frozen=True)
class Shop:
    """A customer of a product with three versions: old and replaced, taken back, and the latest."""

    world: World
    http: httpx2.Client
    product: str

    def claim(self, version: str, **more: Any) -> httpx2.Response:
        """Submit on this version."""
        fields = self.world.fields(self.product, database_version=version, **more)
        return upload(self.http, fields, FILE)

    def nothing_kept(self) -> None:
        assert self.http.get("/v1/submissions").json()["items"] == []


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    product = world.product()
    world.publish(product, "20261122.2", ago=timedelta(hours=6))
    world.publish(product, "20261122.3", ago=timedelta(hours=5))
    world.administrator.withdraw_release(product, "20261122.2")
    made = Shop(world, world.plain(world.key("customer", world.organisation())), product)
    yield made
    made.nothing_kept()


def test_an_outdated_version_is_refused_with_the_latest_one_and_how_to_get_it(shop: Shop) -> None:
    found = problem(shop.claim("20261122.1"), 422, "database_outdated", "20261122.3 is", "Update now.", "submit again")
    assert (found["claimed"], found["latest"]) == ("20261122.1", "20261122.3")
    assert found["update_instructions"] == "Update now."
    assert datetime.fromisoformat(found["outdated_since"]) == datetime.fromisoformat(found["latest_published_at"])


def test_a_withdrawn_version_is_refused_with_the_latest_one(shop: Shop) -> None:
    found = problem(
        shop.claim("20261122.2"), 422, "database_withdrawn", "was withdrawn; the latest is 20261122.3", "Update now."
    )
    assert found["latest"] == "20261122.3"


@pytest.mark.parametrize("claimed", ["the latest", "20261322.1", "20261122", "2.7\u0661", "a\0b"])
def test_an_unreadable_version_is_refused_with_the_form_that_is_expected(shop: Shop, claimed: str) -> None:
    found = problem(
        shop.claim(claimed), 422, "database_version_unreadable", "YYYYMMDD.revision, for example 20231110.016"
    )
    assert found["claimed"] == claimed


def test_an_older_version_that_was_never_published_is_refused(shop: Shop) -> None:
    problem(shop.claim("20261121.9"), 422, "database_version_unknown", "never published here", "20261122.3")


def test_an_engine_without_a_database_is_refused_as_such(world: World) -> None:
    name = f"{world.product()}-clamav"
    fields = {"id": name, "title": name, "scheme": "clamav", "update_instructions": "Run freshclam."}
    world.administrator.add_product(fields)
    http = world.plain(world.key("customer", world.organisation()))
    claim = world.fields(name, database_version="ClamAV 1.4.6")
    problem(
        upload(http, claim, FILE), 422, "database_missing", "ClamAV 1.4.6", "runs without a database", "Run freshclam."
    )


def test_an_unknown_product_is_refused_with_those_that_are_known(shop: Shop) -> None:
    fields = shop.world.fields("no-such-product")
    found = problem(upload(shop.http, fields, FILE), 422, "product_unknown", "no-such-product")
    assert shop.product in found["known"].split(", ")


def test_a_version_newer_than_any_known_is_accepted_and_flagged_for_analysts(world: World) -> None:
    customer, product = world.customer(), world.product({"Marker": rule("Marker", MARKER.decode())})
    accepted = world.submit(customer, product, database_version="20991231.1")
    assert accepted["database_verdict"] == "unknown_newer"
    assert "needs_attention" not in accepted
    assert world.until(accepted["id"], "queued")["needs_attention"] == "database_unknown_newer"


def test_a_version_replaced_only_just_is_accepted(world: World) -> None:
    customer, product = world.customer(), world.product()
    world.publish(product, "20261122.2", ago=timedelta(hours=1))
    accepted = world.submit(customer, product, database_version="20261122.1")
    assert (accepted["database_verdict"], accepted["latest_version"]) == ("in_rollout_window", "20261122.2")


def test_the_check_without_a_sample_gives_the_same_verdict(shop: Shop) -> None:
    said = shop.http.get("/v1/database-check", params={"product": shop.product, "version": "20261122.1"}).json()
    assert (said["verdict"], said["is_accepted"], said["latest"]) == ("outdated", False, "20261122.3")
