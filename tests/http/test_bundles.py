"""The bundles of a published version: built by the server, kept, shown, fetched, and what the proof is made with."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sigreq.domain import bundles
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.commands import key_to, sigreq
from tests.database import corpus_object, one, write
from tests.flows import HARMLESS, approved, drafted, marked, published, refused, release_of
from tests.plain import problem
from tests.world import World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")
BOTH = '["yara", "clamav"]'


def _fetched(client: Client, product: str, version: str, target: str = "yara") -> bytes:
    content = BytesIO()
    client.bundle(product, version, target, content)
    return content.getvalue()


def _for_both(world: World, service: Service) -> str:
    """A product for both engines, which has a version made for them."""
    product = world.product()
    write(service, "UPDATE product SET targets = CAST(:targets AS jsonb) WHERE id = :id", targets=BOTH, id=product)
    world.publish(product, "20261122.2")
    return product


def test_the_register_says_what_each_bundle_is_and_anybody_can_make_it_again(world: World, service: Service) -> None:
    product = _for_both(world, service)
    newest, before = world.release.releases(product)["items"]
    assert [each["target"] for each in newest["bundles"]] == ["yara", "clamav"]
    assert [each["target"] for each in before["bundles"]] == ["yara"]
    for each in newest["bundles"]:
        content = _fetched(world.release, product, "20261122.2", each["target"])
        assert (len(content), hashlib.sha256(content).hexdigest()) == (each["size"], each["sha256"])
        ours = bundles.built(Target(each["target"]), product, "20261122.2", Ruleset({"Marker": marked("Marker")}))
        assert content == ours
        assert each["name"] == f"{product}-20261122.2-{each['target']}.tar"


def test_staff_release_tooling_and_customers_of_the_product_may_fetch_it(world: World) -> None:
    product, customer = world.product(), world.customer()
    world.submit(customer, product)
    readers = [customer, world.analyst, world.lead, world.person("auditor"), world.release, world.administrator]
    assert len({_fetched(client, product, "20261122.1") for client in readers}) == 1


def test_a_customer_of_another_product_may_not_and_does_not_learn_that_it_exists(world: World) -> None:
    customer = world.customer()
    world.submit(customer, world.product())
    for product in (world.product(), "no-such-product"):
        with refused(404, "not_found") as told:
            _fetched(customer, product, "20261122.1")
        assert told["detail"] == f"There is no product {product} that you can see."


@pytest.mark.parametrize(("version", "target"), [("20261122.9", "yara"), ("20261122.1", "clamav"), ("20261122.1", "x")])
def test_a_bundle_that_was_not_made_is_not_there(world: World, version: str, target: str) -> None:
    with refused(404, "not_found"):
        _fetched(world.release, world.product(), version, target)


def test_rules_that_cannot_be_files_are_not_published(world: World) -> None:
    product = world.product()
    body = release_of(2, {"../Marker": marked("Marker")})
    answer = world.plain(world.keys["administrator"]).put(f"/v1/releases/{product}/20261122.2", json=body)
    problem(answer, 422, "ruleset_unfit", "20261122.2", "../Marker", "cannot be a signature's name")
    assert len(world.release.releases(product)["items"]) == 1


def _approved(world: World, product: str) -> tuple[dict[str, Any], dict[str, Any]]:
    case = world.determined(world.analyst, world.customer(), product, database_version="20261122.2")
    return case, approved(world, case)


def test_the_evidence_of_a_fix_names_the_bundles_it_was_proved_with(world: World, service: Service) -> None:
    product = _for_both(world, service)
    case, change = _approved(world, product)
    row = published(world, product, "20261122.3", release_of(3, {"Marker": HARMLESS}, [change]))
    world.until(case["id"], "fixed")
    fixed = world.analyst.timeline(case["id"])["items"][-1]
    assert fixed["name"] == "fixed"
    assert fixed["data"]["evidence"]["bundles"] == row["bundles"]


def test_nothing_is_called_fixed_with_a_bundle_that_is_not_what_the_register_says(
    world: World, service: Service
) -> None:
    product = world.product()
    world.publish(product, "20261122.2")
    case, change = _approved(world, product)
    other = drafted(world.analyst, case, "Marker", marked("Marker"))  # as long as it is there, the proof waits
    row = published(world, product, "20261122.3", release_of(3, {"Marker": HARMLESS}, [change]))
    (bundle,) = row["bundles"]
    corpus_object(service, f"bundles/{bundle['sha256']}.tar", b"other content")
    world.analyst.withdraw_change(other["id"], other["revision"], "Not needed.")
    error = "SELECT max(last_error) FROM job WHERE name = 'submission.prove' AND args->>'submission_id' = :id"
    told = wait_for(lambda: one(service, error, id=case["id"]), lambda found: found is not None)
    assert "BundleCorrupt" in told
    assert world.analyst.submission(case["id"])["state"] == "determined"
    ours = bundles.built(Target.YARA, product, "20261122.3", Ruleset({"Marker": HARMLESS}))
    corpus_object(service, f"bundles/{bundle['sha256']}.tar", ours)
    assert world.until(case["id"], "fixed", "in_analysis")["state"] == "fixed"


def test_the_tool_fetches_a_bundle_and_checks_it(world: World, tmp_path: Path) -> None:
    product = world.product()
    command = ["release", "fetch", product, "20261122.1", "yara", "--json"]
    done = sigreq(*command, env=key_to(world.url, world.keys["release"]), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert hashlib.sha256((tmp_path / told["path"]).read_bytes()).hexdigest() == told["sha256"]
