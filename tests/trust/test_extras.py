"""Extras under the delegated expedited key, as a stock TUF client gets them and stops getting them."""

import json
from datetime import timedelta

import pytest

from sigreq.blobs import relief_key
from sigreq.domain.extras import Ending
from sigreq.domain.signing import KeyRole, KeyState, target_file
from sigreq.store import extras, releases, signing
from sigreq.transaction import Transaction
from sigreq.trust.extras import ExtraTeller, bundle_of
from tests.trust.support import Customer, Site, add_extra, document, newest, signed_by

BASE = "20261122.1"


def tell(site: Site) -> None:
    """What the worker does with the two jobs."""
    site.wait(ExtraTeller(site.database, site.bundles).run())
    site.publish()


def begun(site: Site) -> tuple[Customer, str, str]:
    """A published version and an extra on it; a customer, the extra's number, its bundle's name."""
    customer = Customer(site.folder / "customer", site.install(site.create()))
    site.offer(BASE, yara=b"the version")
    row = site.do(lambda tx: add_extra(tx, site.publisher, BASE))
    tell(site)
    return customer, row.id, f"expedited/acme-av/{row.id}.json"


def test_an_extra_is_offered_by_the_expedited_key_alone(site: Site) -> None:
    customer, extra, name = begun(site)
    mirror = site.mirror()
    version, found = customer.get(mirror, f"acme-av/{BASE}/yara.tar", name)
    assert version == b"the version"
    assert found is not None
    told = json.loads(found)
    assert (told["id"], told["base_version"], told["additions"]["hashes"]) == (extra, BASE, {"a" * 64: "Urgent"})
    (key,) = site.do(lambda tx: signing.keys_of(tx, KeyRole.EXPEDITED, [KeyState.ACTIVE]))
    file = newest(mirror, "expedited")
    assert (signed_by(file), list(document(file)["signed"]["targets"])) == ({key.id}, [name])
    assert name not in document(newest(mirror, "targets"))["signed"]["targets"]


@pytest.mark.parametrize("way", ["ended", "expired", "base_withdrawn"])
def test_an_extra_that_is_over_is_not_offered_any_more(site: Site, way: str) -> None:
    customer, extra, name = begun(site)
    assert customer.knows(site.mirror(), name) == [True]

    async def end(tx: Transaction) -> None:
        if way == "ended":
            await extras.end(tx, [extra], Ending.TAKEN_BACK)
        elif way == "base_withdrawn":
            await releases.withdraw(tx, "acme-av", BASE)

    if way == "expired":
        site.now += timedelta(hours=2)  # and nobody has written that down
    site.do(end)
    tell(site)
    assert customer.knows(site.mirror(), name) == [False]


def test_relief_is_offered_without_its_bytes_being_in_a_mirror(site: Site) -> None:
    customer = Customer(site.folder / "customer", site.install(site.create()))
    row = site.do(lambda tx: add_extra(tx, site.publisher, None))
    tell(site)
    bundle = bundle_of(row)
    mirror = site.mirror()
    assert customer.knows(mirror, bundle.name) == [True]
    assert row.id not in "".join(file.read_text() for file in mirror.rglob("*") if file.is_file())
    key = relief_key(f"targets/{target_file(bundle.name, bundle.sha256)}")
    assert site.wait(site.bundles.get_bytes(key)) == bundle.content
