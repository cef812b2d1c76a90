"""Whatever publishes is killed everywhere: clients see the old state or the new one, and the next run completes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.signing import KeyRole, KeyState, target_file
from sigreq.embedded.stack import Addresses
from sigreq.store import people, releases, repository, signing
from sigreq.transaction import Transaction
from sigreq.trust.documents import read_root
from sigreq.trust.extras import bundle_of
from sigreq.trust.holder import new_root_key
from sigreq.trust.keyring import read_public, unlock
from tests.forked import Forks
from tests.trust.installation import PASSPHRASE, environment
from tests.trust.support import Customer, Site, add_extra, newest, signed_by
from tests.world import rule

OLD, NEW = "20261122.1", "20261123.1"
OLD_BUNDLE = f"acme-av/{OLD}/yara.tar"


def puts(*objects: str, times: int = 1) -> set[str]:
    """The points at objects that go to the store."""
    numbers = ["", *(f" #{number}" for number in range(2, times + 1))]
    return {f"{when} {each}{number}" for when in ("before", "amid", "after") for each in objects for number in numbers}


def around(*steps: str) -> set[str]:
    """The points at steps that are taken whole or not at all."""
    return {f"{when} {each}" for when in ("before", "after") for each in steps}


COMPOSED, SENT = "commit of INSERT INTO repository_document", "commit of UPDATE repository_document"
DOCUMENTS = [f"repository/metadata/{each}.json" for each in ("*.targets", "*.snapshot", "timestamp")]


@pytest.fixture(scope="module")
def parent(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Forks("tests.trust.killed", environment(addresses), tmp_path_factory.mktemp("forks")) as made:
        yield made


@pytest.fixture
def forks(parent: Forks) -> Forks:
    parent.died_at.clear()
    return parent


@pytest.fixture
def customer(site: Site) -> Customer:
    """Somebody who has seen the first version, in a repository with keys."""
    made = Customer(site.folder / "customer", site.install(site.create()))
    site.offer(OLD, yara=b"old")
    site.publish()
    assert made.get(site.mirror(), OLD_BUNDLE) == [b"old"]
    return made


def test_a_publisher_killed_at_any_point_shows_nothing_half_done_and_the_next_one_completes(
    site: Site, forks: Forks, customer: Customer
) -> None:
    name = f"acme-av/{NEW}/yara.tar"
    site.offer(NEW, yara=b"new")
    seen = []
    while forks.run("publish"):
        old, new = customer.get(site.mirror(), OLD_BUNDLE, name)
        assert (old, new) in {(b"old", None), (b"old", b"new")}, forks.died_at[-1]
        seen.append(new)
    assert customer.get(site.mirror(), OLD_BUNDLE, name) == [b"old", b"new"]
    assert puts(*DOCUMENTS) | around(COMPOSED, SENT) <= set(forks.died_at)
    # It shows with the timestamp, which is the last of all, and stays.
    assert forks.died_at[seen.index(b"new")] == f"after {DOCUMENTS[-1]}"
    assert seen == sorted(seen, key=bool)


def test_a_version_is_whole_or_nobody_hears_of_it_wherever_the_api_is_killed_while_it_stores_the_bundles(
    site: Site, forks: Forks, customer: Customer
) -> None:
    key = site.do(_administrator)
    files = [f"acme-av/{NEW}/{file}" for file in ("ruleset.json", "yara.tar")]
    attempt, body = 0, dict[str, Any]()
    while True:
        if site.do(lambda tx: releases.published(tx, "acme-av", NEW)) is None:
            attempt += 1
            body = _version(attempt)  # each attempt has other bytes
        if not forks.run("put", key, f"/v1/releases/acme-av/{NEW}", body):
            break
        site.publish()
        is_out = site.do(lambda tx: releases.published(tx, "acme-av", NEW)) is not None
        assert customer.knows(site.mirror(), OLD_BUNDLE, *files) == [True, is_out, is_out], forks.died_at[-1]
    site.publish()
    row = site.do(lambda tx: releases.release(tx, "acme-av", NEW))
    assert row.ruleset_digest == _ruleset(attempt).digest
    rules, bundle = customer.get(site.mirror(), *files)
    assert rules == _ruleset(attempt).document()
    assert bundle is not None
    assert f'"attempt {attempt}"'.encode() in bundle
    stored = ["rulesets/*.json", "bundles/*.tar"]
    stored += [f"repository/targets/acme-av/{NEW}/*.{file}" for file in ("ruleset.json", "yara.tar")]
    assert puts(*stored) | around("commit of INSERT INTO release") <= set(forks.died_at)


def test_an_extra_is_whole_or_nobody_hears_of_it_wherever_the_worker_is_killed_that_stores_it(
    site: Site, forks: Forks, customer: Customer
) -> None:
    rows = [site.do(lambda tx: add_extra(tx, site.publisher, OLD)) for _ in range(2)]
    bundles = {bundle_of(row).name: bundle_of(row).content for row in rows}
    offered = set()
    while forks.run("extras"):
        site.publish()
        found = customer.get(site.mirror(), OLD_BUNDLE, *bundles)
        assert found[0] == b"old"
        for content, whole in zip(found[1:], bundles.values(), strict=True):
            assert content in {None, whole}, forks.died_at[-1]
        offered.add(sum(content is not None for content in found[1:]))
    site.publish()
    assert customer.get(site.mirror(), *bundles) == list(bundles.values())
    assert offered == {0, 1}
    stored = [f"repository/targets/{target_file(name, '*')}" for name in bundles]
    assert puts(*stored) | around("commit of INSERT INTO bundle_target") <= set(forks.died_at)


REPLACED = (KeyRole.TARGETS, KeyRole.SNAPSHOT, KeyRole.TIMESTAMP)


class Desk:
    """Where a ceremony is held: a folder with the holders' keys, and what the commands of it do there."""

    def __init__(self, site: Site, forks: Forks) -> None:
        self.site = site
        self.forks = forks
        self.folder = site.folder / "desk"
        self.folder.mkdir()
        (self.folder / "passphrase").write_text(PASSPHRASE)
        made = [new_root_key(PASSPHRASE) for _ in range(3)]
        for number, (_, private, _) in enumerate(made):
            self.file(f"{number}.key").write_text(private)
        site.holders = [unlock(private, PASSPHRASE) for _, private, _ in made]

    def file(self, name: str) -> Path:
        return self.folder / name

    def run(self, *arguments: str) -> bool:
        """Run `sigreq admin signing-keys ...`; whether it died."""
        return self.forks.run("command", "admin", "signing-keys", *arguments)

    def signed(self, number: int) -> str:
        """A holder signs the root, however often that dies; where."""
        file = self.file(f"{number}.json")
        key = ["--key", str(self.file(f"{number}.key")), "--passphrase-file", str(self.file("passphrase"))]
        while self.run("sign", str(self.file("next.json")), *key, "--yes", "--out", str(file)):
            assert not file.exists() or len(read_root(file.read_bytes()).signatures) == 1, self.forks.died_at[-1]
        return str(file)

    def keys(self, state: KeyState) -> dict[KeyRole, set[str]]:
        """The keys in a state."""
        rows = self.site.do(signing.keys)
        return {role: {row.id for row in rows if (row.role, row.state) == (role, state)} for role in KeyRole}

    def root(self) -> int:
        """Which one is in force."""
        row = self.site.do(lambda tx: repository.latest(tx, "root"))
        assert row is not None
        return row.version


def test_a_rotation_killed_anywhere_goes_on_and_every_client_is_served_at_any_moment(site: Site, forks: Forks) -> None:
    desk = Desk(site, forks)
    root = site.install(site.create())
    site.offer(OLD, yara=b"old")
    site.publish()
    faithful = Customer(site.folder / "faithful", root)
    assert faithful.get(site.mirror(), OLD_BUNDLE) == [b"old"]
    before = desk.keys(KeyState.ACTIVE)
    _drafted(desk, before)
    files = [desk.signed(number) for number in (0, 1)]
    assert set(forks.died_at) == around("0.json", "1.json")
    forks.died_at.clear()
    kept = desk.file("root.json")
    kept.write_bytes(root)
    while desk.run("install", *files, "--out", str(kept)):
        is_new = desk.root() == 2
        active = desk.keys(KeyState.ACTIVE)
        assert [active[role] == before[role] for role in REPLACED] == [not is_new] * 3, forks.died_at[-1]
        assert read_root(kept.read_bytes()).signed.version in {1, 1 + is_new}, forks.died_at[-1]
        assert len(read_root(kept.read_bytes()).signatures) == 2
    assert read_root(kept.read_bytes()).signed.version == 2
    assert set(forks.died_at) == around(COMPOSED, "root.json")
    forks.died_at.clear()
    seen: list[bool] = []
    while forks.run("publish"):
        mirror = site.mirror()
        assert faithful.get(mirror, OLD_BUNDLE) == [b"old"], forks.died_at[-1]
        assert Customer(site.folder / f"new-{len(seen)}", root).get(mirror, OLD_BUNDLE) == [b"old"], forks.died_at[-1]
        seen.append((mirror / "metadata" / "2.root.json").exists())
        if forks.died_at[-1] == f"after {DOCUMENTS[-1]} #2":  # whoever saw that must not see the first
            forks.died_at.remove(f"after {DOCUMENTS[-1]}")
    assert puts(*DOCUMENTS, times=2) | puts("repository/metadata/*.root.json") <= set(forks.died_at)
    assert around(COMPOSED, SENT) <= set(forks.died_at)
    assert (seen[0], seen[-1], seen == sorted(seen)) == (False, True, True)
    assert Customer(site.folder / "with-the-new-root", kept.read_bytes()).get(site.mirror(), OLD_BUNDLE) == [b"old"]
    for name in ("timestamp", "snapshot", "targets"):
        assert signed_by(newest(site.mirror(), name)) == desk.keys(KeyState.ACTIVE)[KeyRole(name)]


def test_a_root_key_whose_making_was_killed_is_made_again_with_both_its_halves(site: Site, forks: Forks) -> None:
    desk = Desk(site, forks)
    private, public = desk.file("root.key"), desk.file("root.key.pub")
    while not private.exists():
        desk.run("root-key", str(private), "--passphrase-file", str(desk.file("passphrase")))
    assert set(forks.died_at) == around("root.key", "root.key.pub")
    assert unlock(private.read_text(), PASSPHRASE).public_key == read_public(public.read_text())


def _drafted(desk: Desk, before: dict[KeyRole, set[str]]) -> None:
    """Have the next keys made, and the next root written, however often that dies."""
    file = desk.file("next.json")
    while desk.run("rotate", *REPLACED, "--out", str(file)):
        assert desk.keys(KeyState.ACTIVE) == before, desk.forks.died_at[-1]
        coming = desk.keys(KeyState.NEXT)
        assert [len(coming[role]) for role in REPLACED] in ([0] * 3, [1] * 3), desk.forks.died_at[-1]
        assert not file.exists() or read_root(file.read_bytes()).signed.version == 2, desk.forks.died_at[-1]
    named = read_root(file.read_bytes()).signed
    assert [set(named.roles[role].keyids) for role in REPLACED] == [desk.keys(KeyState.NEXT)[role] for role in REPLACED]
    assert set(desk.forks.died_at) == around("commit of UPDATE signing_key", "next.json")
    desk.forks.died_at.clear()


async def _administrator(tx: Transaction) -> str:
    """The key of somebody who may publish without the gate."""
    _, key = await people.first_administrator(tx, "Administrator")
    return key


def _ruleset(attempt: int) -> Ruleset:
    return Ruleset({"Attempt": rule("Attempt", f"attempt {attempt}")})


def _version(attempt: int) -> dict[str, Any]:
    """What publishes a version."""
    sent = {"rules": dict(_ruleset(attempt).rules), "allowed": []}
    return {"ordinal": 2, "ruleset": sent, "changes": []}
