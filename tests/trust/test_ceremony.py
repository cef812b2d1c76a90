"""Keys are made, named by a root that its holders sign, replaced without anybody noticing, and believed no further."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.signing import KeyRole, KeyState
from sigreq.domain.statements import CHANGE_TYPE, change_document
from sigreq.domain.submission import Track
from sigreq.settings import Trust
from sigreq.store import locks, repository, signing
from sigreq.store.locks import Lock
from sigreq.tables.trust import RepositoryDocument
from sigreq.transaction import Transaction
from sigreq.trust import ceremony
from sigreq.trust.anchor import Anchor
from sigreq.trust.ceremony import CeremonyBroken, Maker
from sigreq.trust.documents import Body, Untrusted, read_root, signed
from sigreq.trust.keyring import Keyring
from sigreq.trust.roots import Holders, combine
from tests.trust.installation import PASSPHRASE
from tests.trust.support import Customer, Site, newest, signed_by

NAME = "acme-av/20261122.1/yara.tar"
CHANGE = {"id": "CH-1", "rev": 1, "kind": "rule_add", "payload": {}, "submission_ids": [], "tested_against": None}


def approval(site: Site, track: str = "standard") -> dict[str, Any]:
    """An item of the feed as it leaves."""

    async def seal(tx: Transaction) -> dict[str, Any] | None:
        payload = change_document("acme-av", track, CHANGE)
        return await Keyring(site.trust).seal(tx, KeyRole.APPROVALS, CHANGE_TYPE, payload)

    return {"track": track, "change": {**CHANGE, "envelope": site.do(seal)}}


def test_one_holder_alone_puts_no_root_in_force(site: Site) -> None:
    document = site.create()
    with pytest.raises(Untrusted, match="needs 2 signatures"):
        site.install(document, site.holders[:1])
    stranger = CryptoSigner.generate_ed25519()
    with pytest.raises(Untrusted, match="needs 2 signatures"):
        site.install(document, [stranger])
    site.install(document, site.holders[2:])
    assert site.do(signing.keys)[0].state is KeyState.ACTIVE


def test_holders_sign_on_machines_of_their_own_and_the_files_are_combined(site: Site) -> None:
    unsigned = site.create().to_bytes()
    files = []
    for holder in site.holders[1:]:
        copy = read_root(unsigned)
        copy.sign(holder, append=True)
        files.append(copy.to_bytes())
    site.install(combine([read_root(each) for each in files]), [])
    other = read_root(unsigned)
    other.signed.expires += timedelta(days=1)
    with pytest.raises(Untrusted, match="not about the same root"):
        combine([read_root(files[0]), other])


def test_a_root_of_another_installation_or_of_before_a_rotation_is_not_put_in_force(site: Site) -> None:
    first = site.create()
    second = site.create()
    with pytest.raises(Untrusted, match="does not name the key"):
        site.install(first)
    in_force = site.install(second)
    with pytest.raises(Untrusted, match="it is root 1, and the next one is 2"):
        site.install(first)
    assert site.install(read_root(second.to_bytes()), []) == in_force, "the same again, whoever signed it now"
    with pytest.raises(CeremonyBroken, match="keys in force already"):
        site.create()


@pytest.mark.parametrize("role", list(KeyRole))
def test_keys_are_replaced_and_clients_notice_nothing(site: Site, role: KeyRole) -> None:
    root = site.install(site.create())
    site.offer("20261122.1", yara=b"rules")
    site.publish()
    faithful = Customer(site.folder / "faithful", root)
    assert faithful.get(site.mirror(), NAME) == [b"rules"]
    before = {row.id for row in site.do(signing.keys) if row.role is role}
    site.rotate(role)
    assert faithful.get(site.mirror(), NAME) == [b"rules"], "between installing and publishing"
    site.publish()
    assert faithful.get(site.mirror(), NAME) == [b"rules"]
    assert Customer(site.folder / "new", root).get(site.mirror(), NAME) == [b"rules"]
    rows = site.do(signing.keys)
    assert {row.id for row in rows if row.state is KeyState.RETIRED} == before
    assert {row.private for row in rows if row.state is KeyState.RETIRED} == {None}
    for name in ("timestamp", "snapshot", "targets", "expedited"):
        assert not signed_by(newest(site.mirror(), name)) & before


@pytest.mark.parametrize("role", [KeyRole.TARGETS, KeyRole.SNAPSHOT, KeyRole.TIMESTAMP])
def test_whatever_has_gone_out_of_a_rotation_a_client_is_served(site: Site, role: KeyRole) -> None:
    root = site.install(site.create())
    site.offer("20261122.1", yara=b"rules")
    site.publish()
    site.rotate(role)
    waiting = site.do(repository.waiting)
    assert waiting[-1].role == "root", "after all that its new keys have signed, too"
    for number, row in enumerate(waiting):
        site.wait(site.repository.put(row))
        assert Customer(site.folder / f"at-{number}", root).get(site.mirror(), NAME) == [b"rules"]


def test_a_client_that_skipped_ten_roots_follows(site: Site) -> None:
    root = site.install(site.create())
    site.offer("20261122.1", yara=b"rules")
    site.publish()
    sleeper = Customer(site.folder / "sleeper", root)
    assert sleeper.get(site.mirror(), NAME) == [b"rules"]
    for number in range(10):
        site.rotate((KeyRole.TIMESTAMP, KeyRole.SNAPSHOT, KeyRole.TARGETS)[number % 3])
        site.publish()
    site.offer("20261122.2", yara=b"newest")
    site.publish()
    assert (site.mirror() / "metadata" / "11.root.json").exists()
    assert sleeper.get(site.mirror(), "acme-av/20261122.2/yara.tar") == [b"newest"]


def test_other_holders_take_over_only_with_the_old_ones_and_the_new(site: Site) -> None:
    root = site.install(site.create())
    site.publish()
    old, site.holders = site.holders, [CryptoSigner.generate_ed25519() for _ in range(3)]
    holders = Holders([each.public_key for each in site.holders], 2, dict.fromkeys(Track, 1))
    maker = Maker(PASSPHRASE, {})

    def drafted() -> Metadata[Root]:
        found = site.do(lambda tx: ceremony.rotate(tx, maker, [], holders, is_compromised=False))
        assert found is not None
        return found

    for some in (old[:2], site.holders[:2], [old[0], site.holders[0]]):
        with pytest.raises(Untrusted, match="needs 2 signatures"):
            site.install(drafted(), some)
    site.install(drafted(), [*old[:2], *site.holders[:2]])
    site.offer("20261122.1", yara=b"rules")
    site.publish()
    assert Customer(site.folder / "customer", root).get(site.mirror(), NAME) == [b"rules"]


def test_what_a_replaced_key_approved_stays_good_unless_it_is_in_other_hands(site: Site) -> None:
    site.install(site.create())
    item = approval(site)
    replaced = site.rotate(KeyRole.APPROVALS)
    assert replaced is not None
    Anchor.read(replaced).approved("acme-av", item)
    second = approval(site)
    after_loss = site.rotate(KeyRole.APPROVALS, is_compromised=True)
    assert after_loss is not None
    with pytest.raises(Untrusted, match="good signature"):
        Anchor.read(after_loss).approved("acme-av", second)
    Anchor.read(after_loss).approved("acme-av", approval(site))


def test_a_track_can_ask_for_two_signatures(site: Site) -> None:
    root = site.install(site.create({Track.EXPEDITED: 1, Track.STANDARD: 2}))
    holder = Anchor.read(root)
    both = approval(site)
    holder.approved("acme-av", both)
    change = both["change"]
    one = {**change, "envelope": {**change["envelope"], "signatures": change["envelope"]["signatures"][:1]}}
    with pytest.raises(Untrusted, match="2 good signature"):
        holder.approved("acme-av", {**both, "change": one})


def test_without_keys_nothing_is_signed_and_with_a_wrong_passphrase_nothing_goes_out_unsigned(site: Site) -> None:
    assert _envelope(approval(site)) is None
    site.install(site.create())
    site.trust = Trust.model_validate({"passphrase": "another-passphrase-altogether"})
    with pytest.raises(ServiceUnavailable):
        approval(site)
    site.trust = Trust()
    with pytest.raises(ServiceUnavailable):
        approval(site)


def test_a_key_can_lie_with_a_device_or_a_service(site: Site) -> None:
    outside = CryptoSigner.generate_ed25519()
    file = site.folder / "device.pem"
    file.write_bytes(outside.private_bytes)
    root = site.install(site.create(outside={KeyRole.TIMESTAMP: [outside.public_key]}))
    site.offer("20261122.1", yara=b"rules")
    with pytest.raises(ServiceUnavailable):
        site.publish()
    signers = {outside.public_key.keyid: f"file2:{file}"}
    site.trust = Trust.model_validate({"passphrase": PASSPHRASE, "signers": signers})
    site.publish()
    mirror = site.mirror()
    assert signed_by(newest(mirror, "timestamp")) == {outside.public_key.keyid}
    assert Customer(site.folder / "customer", root).get(mirror, NAME) == [b"rules"]


def test_a_device_that_does_not_answer_is_given_up_before_those_who_wait_for_the_lock(site: Site) -> None:
    outside = CryptoSigner.generate_ed25519()
    site.install(site.create(outside={KeyRole.APPROVALS: [outside.public_key]}))
    silent = site.folder / "silent.pem"
    os.mkfifo(silent)  # whoever opens it waits for somebody who writes
    signers = {outside.public_key.keyid: f"file2:{silent}"}
    site.trust = Trust.model_validate({"passphrase": PASSPHRASE, "signers": signers, "timeout": 0.2})
    try:
        with pytest.raises(ServiceUnavailable):
            approval(site)
    finally:
        silent.write_bytes(outside.private_bytes)  # lets the thread go


def test_the_expedited_key_signs_for_nothing_outside_its_folder(site: Site) -> None:
    root = site.install(site.create())
    site.offer_as("20261122.1", {NAME: b"rules", "expedited/acme-av/1.tar": b"urgent"})
    site.publish()
    site.do(lambda tx: _usurp(tx, site, "acme-av/20261122.9/yara.tar", "expedited/acme-av/2.tar"))
    site.wait(site.repository.upload())
    known = Customer(site.folder / "customer", root).knows(
        site.mirror(), NAME, "acme-av/20261122.9/yara.tar", "expedited/acme-av/2.tar"
    )
    assert known == [True, False, True]


def _envelope(item: dict[str, Any]) -> Any:
    return item["change"]["envelope"]


async def _usurp(tx: Transaction, site: Site, *names: str) -> None:
    """Have the expedited key sign for these, and the others for what follows: the worst that it could come to."""
    await locks.hold(tx, Lock.REPOSITORY)
    keyring, until = Keyring(site.trust), tx.at.replace(microsecond=0) + timedelta(days=1)

    async def write(role: KeyRole, make: Callable[[int], Body]) -> MetaFile:
        row = await repository.latest(tx, role)
        assert row is not None
        new = signed(role, make(row.version + 1), await keyring.signers(tx, role), tx.at)
        await repository.write(tx, new)
        return _meta(new)

    offered = {name: TargetFile(1, {"sha256": "0" * 64}, name) for name in names}
    own = await repository.latest(tx, KeyRole.TARGETS)
    assert own is not None
    expedited = await write(KeyRole.EXPEDITED, lambda version: Targets(version, None, until, offered))
    listed = {"targets.json": _meta(own), "expedited.json": expedited}
    snapshot = await write(KeyRole.SNAPSHOT, lambda version: Snapshot(version, None, until, listed))
    await write(KeyRole.TIMESTAMP, lambda version: Timestamp(version, None, until, snapshot))


def _meta(row: RepositoryDocument) -> MetaFile:
    return MetaFile.from_data(row.version, row.content.encode(), ["sha256"])


def test_who_acts_on_approvals_wants_a_root_that_has_not_expired(site: Site) -> None:
    site.now -= timedelta(days=366)
    old = Anchor.read(site.install(site.create()))
    with pytest.raises(Untrusted, match="root 1 expired at"):
        old.check_fresh()
