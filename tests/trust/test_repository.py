"""A stock client of the bundle repository gets what was published, and refuses everything else."""

import hashlib
import json
import shutil
from datetime import timedelta

import pytest
from tuf.api import exceptions

from sigreq.blobs import Blobs, repository_key
from sigreq.store import locks, releases
from sigreq.store.locks import Lock
from sigreq.trust.keyring import Keyring
from sigreq.trust.repository import Repository, compose
from tests.embedded.support import query
from tests.store.support import Bench, at, before
from tests.trust.support import Customer, Site, days, document, newest, signed_by, stores

YARA, CLAMAV = b"rules for YARA", b"rules for ClamAV"
NAME = "acme-av/20261122.1/yara.tar"
METADATA = repository_key("metadata/")
TIMESTAMP = repository_key("metadata/timestamp.json")


def published(site: Site) -> Customer:
    """A repository with one version, and a customer who has never seen it."""
    root = site.install(site.create())
    site.offer("20261122.1", yara=YARA, clamav=CLAMAV)
    site.publish()
    return Customer(site.folder / "customer", root)


def replace_timestamp(site: Site, content: bytes) -> None:
    """Have something else lie in its place."""
    site.wait(site.bundles.put_bytes(TIMESTAMP, content, hashlib.sha256(content).hexdigest()))


def test_a_stock_client_gets_the_bundles_from_a_plain_copy(site: Site) -> None:
    customer = published(site)
    found = customer.get(site.mirror(), NAME, "acme-av/20261122.1/clamav.tar", "acme-av/20261122.1/none.tar")
    assert found == [YARA, CLAMAV, None]


def test_without_installed_keys_nothing_is_published_and_afterwards_everything_is(site: Site) -> None:
    site.offer("20261122.1", yara=YARA)
    site.publish()
    assert not (site.mirror() / "metadata").exists()
    root = site.install(site.create())
    site.publish()
    assert Customer(site.folder / "customer", root).get(site.mirror(), NAME) == [YARA]


def test_a_version_that_is_withdrawn_is_offered_no_more(site: Site) -> None:
    customer = published(site)
    site.offer("20261122.2", yara=b"better rules")
    site.publish()
    site.do(lambda tx: releases.withdraw(tx, "acme-av", "20261122.1"))
    site.publish()
    found = customer.get(site.mirror(), NAME, "acme-av/20261122.2/yara.tar")
    assert found == [None, b"better rules"]


def test_publishing_again_writes_nothing(site: Site) -> None:
    published(site)
    before = sorted((site.mirror() / "metadata").iterdir())
    site.publish()
    assert sorted((site.mirror() / "metadata").iterdir()) == before


def test_a_tampered_bundle_is_refused(site: Site) -> None:
    customer, mirror = published(site), site.mirror()
    (bundle,) = (mirror / "targets").rglob("*.yara.tar")
    bundle.write_bytes(YARA[:-1] + b"!")
    with pytest.raises(exceptions.LengthOrHashMismatchError):
        customer.get(mirror, NAME)


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_tampered_metadata_is_refused(site: Site, role: str) -> None:
    customer, mirror = published(site), site.mirror()
    file = newest(mirror, role)
    file.write_bytes(file.read_bytes().replace(b'"expires":"20', b'"expires":"21'))
    assert document(file)["signed"]["expires"].startswith("21")
    with pytest.raises(exceptions.RepositoryError):
        customer.get(mirror, NAME)


def test_going_back_to_an_older_state_is_refused(site: Site) -> None:
    customer = published(site)
    old = site.mirror("old")
    site.offer("20261122.2", yara=b"better rules")
    site.publish()
    assert customer.get(site.mirror("new"), "acme-av/20261122.2/yara.tar") == [b"better rules"]
    with pytest.raises(exceptions.BadVersionNumberError):
        customer.get(old, NAME)


def test_a_mirror_that_stands_still_is_refused_once_its_timestamp_has_expired(site: Site) -> None:
    site.now -= days(2)
    customer = published(site)
    site.now += days(2)
    with pytest.raises(exceptions.ExpiredMetadataError):
        customer.get(site.mirror(), NAME)
    site.publish()
    assert customer.get(site.mirror(), NAME) == [YARA]


def test_a_customer_who_has_seen_a_state_is_not_kept_in_it(site: Site) -> None:
    site.now -= days(0.99)
    customer = published(site)
    frozen = site.mirror("frozen")
    assert customer.get(frozen, NAME) == [YARA]
    site.now += days(0.99)
    site.offer("20261122.2", yara=b"better rules")
    site.publish()
    assert customer.get(site.mirror("live"), "acme-av/20261122.2/yara.tar") == [b"better rules"]
    with pytest.raises(exceptions.BadVersionNumberError):
        customer.get(frozen, NAME)


@pytest.mark.parametrize("role", ["targets", "expedited", "snapshot"])
def test_documents_of_two_states_cannot_be_mixed(site: Site, role: str) -> None:
    customer = published(site)
    site.offer_as("20261122.2", {"acme-av/20261122.2/yara.tar": b"better", "expedited/acme-av/1.tar": b"urgent"})
    old = newest(site.mirror("old"), role)
    site.publish()
    mirror = site.mirror()
    shutil.copy(old, newest(mirror, role))
    with pytest.raises(exceptions.RepositoryError):
        customer.get(mirror, "expedited/acme-av/1.tar")


def test_the_timestamp_is_renewed_before_it_expires_and_only_then(site: Site) -> None:
    published(site)
    first = newest(site.mirror(), "timestamp").read_bytes()
    site.now += days(0.4)
    site.publish()
    assert newest(site.mirror(), "timestamp").read_bytes() == first
    site.now += days(0.2)
    site.publish()
    renewed = json.loads(newest(site.mirror(), "timestamp").read_text())["signed"]
    assert renewed["version"] > json.loads(first)["signed"]["version"]


def test_after_a_restored_backup_clients_who_saw_more_are_served(site: Site) -> None:
    customer = published(site)
    (kept,) = query(site.addresses.database_url, "SELECT max(number) FROM repository_document")
    site.now += timedelta(minutes=1)
    site.offer("20261122.2", yara=b"better rules")
    site.publish()
    assert customer.get(site.mirror(), "acme-av/20261122.2/yara.tar") == [b"better rules"]
    query(
        site.addresses.owner_database_url,
        f"DELETE FROM repository_document WHERE number > {kept}",  # noqa: S608 - our own number
        "DELETE FROM bundle_target WHERE version = '20261122.2'",
    )
    site.now += timedelta(minutes=1)
    site.publish()
    assert customer.get(site.mirror(), NAME, "acme-av/20261122.2/yara.tar") == [YARA, None]


def test_the_database_keeps_the_newest_documents_and_every_root(site: Site) -> None:
    published(site)
    site.offer("20261122.2", yara=b"better rules")
    site.publish()
    url = site.addresses.database_url
    told = "SELECT string_agg(role, ' ' ORDER BY number) FROM repository_document WHERE content"
    assert query(url, f"{told} <> ''", f"{told} = ''") == [
        "root expedited targets snapshot timestamp",
        "targets snapshot timestamp",
    ]


def test_what_has_to_be_renewed_or_sent_gets_one_job(site: Site) -> None:
    def jobs_after(later: float) -> int:
        site.now += days(later)
        site.wait(site.repository.keep_fresh())
        site.wait(site.repository.keep_fresh())
        (count,) = query(site.addresses.database_url, "SELECT count(*) FROM job WHERE done_at IS NULL")
        assert isinstance(count, int)
        return count

    assert jobs_after(0) == 0, "without keys there is nothing to renew"
    published(site)
    query(site.addresses.owner_database_url, "TRUNCATE job")
    assert jobs_after(0.4) == 0
    replace_timestamp(site, b"something else")
    assert jobs_after(0) == 1, "what landed on the newest timestamp"
    query(site.addresses.owner_database_url, "TRUNCATE job")
    site.publish()
    assert jobs_after(0.2) == 1
    query(site.addresses.owner_database_url, "TRUNCATE job", "UPDATE repository_document SET uploaded_at = NULL")
    site.publish()
    assert jobs_after(0) == 0
    query(site.addresses.owner_database_url, "UPDATE repository_document SET uploaded_at = NULL")
    assert jobs_after(0) == 1, "what a killed publisher left"


def test_a_timestamp_that_was_lost_or_replaced_in_the_store_comes_back(site: Site) -> None:
    customer = published(site)
    replace_timestamp(site, b"something else")
    site.publish()
    assert customer.get(site.mirror(), NAME) == [YARA]


class Overtaken(Blobs):
    """A store in which an older timestamp, long on its way from another worker, lands on the first that is sent."""

    late: bytes | None = None

    async def put_bytes(self, key: str, content: bytes, sha256: str) -> None:
        """Put it, and have the late one land."""
        await super().put_bytes(key, content, sha256)
        if key == TIMESTAMP and self.late is not None:
            late, self.late = self.late, None
            await super().put_bytes(key, late, hashlib.sha256(late).hexdigest())


def test_an_older_timestamp_that_lands_late_does_not_stay(site: Site) -> None:
    customer = published(site)
    bundles = Overtaken(stores(site.addresses), stores(site.addresses).bundles)
    bundles.late = site.wait(bundles.get_bytes(TIMESTAMP))
    site.now += timedelta(minutes=1)
    site.offer("20261122.2", yara=b"better rules")
    site.wait(Repository(site.database, bundles, Keyring(site.trust), site.lives).run())
    assert bundles.late is None
    assert customer.get(site.mirror(), "acme-av/20261122.2/yara.tar") == [b"better rules"]


def test_only_the_timestamp_waits_for_whoever_holds_the_repository(site: Site) -> None:
    customer = published(site)
    site.now += timedelta(minutes=1)
    site.offer("20261122.2", yara=b"better rules")
    site.do(lambda tx: compose(tx, Keyring(site.trust), site.lives))
    before_it = set(site.wait(site.bundles.keys(METADATA)))
    shown = site.wait(site.bundles.get_bytes(TIMESTAMP))

    async def publish(bench: Bench) -> None:
        async def look(_: object) -> None:
            new = set(await site.bundles.keys(METADATA)) - before_it
            assert {each.rpartition(".json")[0].rpartition(".")[2] for each in new} == {"targets", "snapshot"}
            assert await site.bundles.get_bytes(TIMESTAMP) == shown

        repository = Repository(bench.database, site.bundles, Keyring(site.trust), site.lives)
        async with before(bench, repository.upload(), look) as tx:
            await locks.hold(tx, Lock.REPOSITORY)

    at(site.addresses.database_url, publish)
    assert customer.get(site.mirror(), "acme-av/20261122.2/yara.tar") == [b"better rules"]


def test_an_expedited_bundle_is_signed_by_a_key_of_its_own(site: Site) -> None:
    customer = published(site)
    site.offer_as("20261122.2", {"expedited/acme-av/CH-1.tar": b"urgent"})
    site.publish()
    mirror = site.mirror()
    assert customer.get(mirror, "expedited/acme-av/CH-1.tar") == [b"urgent"]
    assert not signed_by(newest(mirror, "expedited")) & signed_by(newest(mirror, "targets"))
