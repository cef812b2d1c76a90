"""A new database version: checked against what was approved, entered into the register, its fixes sent to proof."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from json import dumps
from typing import Any

from sigreq.domain import database_errors, release_errors
from sigreq.domain.lifecycle import ChangeEvent, ChangeState
from sigreq.domain.people import Actor, Role
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.domain.versions import NoDatabase, VersionUnparseable, expected_form, parse
from sigreq.release import extras, recheck, rollback
from sigreq.release.changes import announce
from sigreq.release.gate import check_train
from sigreq.store import changes, jobs, locks, proofs, releases, submissions
from sigreq.store.locks import Lock
from sigreq.store.moves import Move, move_change
from sigreq.tables.releases import Change, Product, Release
from sigreq.transaction import Transaction
from sigreq.trust import targets
from sigreq.trust.targets import Stored


@dataclass(frozen=True)
class Built:
    """What release tooling did with one approved change."""

    change_id: str
    rev: int
    is_included: bool
    reason: str | None = None


@dataclass(frozen=True)
class Publication:
    """One finished database version. `published_at` is set only when history is imported.

    With `rolls_back_to` its content is that of this earlier version, and undoes what came out since. `offered` is what
    clients get of it; like the bundles it is in the store already.
    """

    product: str
    version: str
    ordinal: int
    ruleset: Ruleset
    built: Sequence[Built] = ()
    published_at: datetime | None = None
    rolls_back_to: str | None = None
    bundles: Sequence[Mapping[str, Any]] = ()
    """Built from the ruleset, and in the store already."""
    offered: Sequence[Stored] = ()

    @property
    def digest(self) -> str:
        """Equal for equal publications, whatever order their fields came in."""
        body = [self.product, self.version, self.ordinal, self.ruleset.digest, [asdict(each) for each in self.built]]
        body += [self.rolls_back_to] if self.rolls_back_to else []
        return hashlib.sha256(dumps([*body, str(self.published_at)]).encode()).hexdigest()


async def publish(tx: Transaction, actor: Actor, publication: Publication) -> tuple[Release, bool]:
    """Enter a version into the register, all or nothing; True when it is new.

    Its ruleset must be in the bundle store already. The same publication again is no error. Raises ProductUnknown,
    DatabaseVersionUnreadable, ReleaseExists, OrdinalNotHigher, FixDropped, TrainNotGated, ChangeUnknown,
    ChangeNotInRuleset, RollbackUnfit.
    """
    await locks.hold(tx, Lock.REGISTER)
    await locks.hold(tx, Lock.FEED)
    await check_version(tx, publication.product, publication.version)
    before = await releases.published(tx, publication.product, publication.version)
    if before is not None:
        if before.content_digest == publication.digest:
            return before, False
        raise release_errors.ReleaseExists(product=publication.product, version=publication.version)
    highest = await releases.highest_ordinal(tx, publication.product)
    if highest is not None and publication.ordinal <= highest:
        raise release_errors.OrdinalNotHigher(product=publication.product, ordinal=publication.ordinal, highest=highest)
    waiting = await _waiting(tx, publication)
    gate_id = await _checked(tx, actor, publication, waiting)
    row = Release(
        product_id=publication.product,
        version=publication.version,
        ordinal=publication.ordinal,
        published_at=publication.published_at or tx.at,
        ruleset_digest=publication.ruleset.digest,
        content_digest=publication.digest,
        gate_id=gate_id,
        rolls_back_to=publication.rolls_back_to,
        bundles=[dict(each) for each in publication.bundles],
        published_by=actor.person_id,
    )
    tx.session.add(row)
    await tx.session.flush()
    await rollback.undo(tx, actor, row, publication.ruleset)
    for change, built in waiting:
        await _settle(tx, actor, publication, change, built)
    included = frozenset(change.id for change, built in waiting if built.is_included)
    helped = await submissions.ids_helped_by(tx, sorted(included))
    await extras.follow(tx, actor, extras.NewVersion(row.product_id, publication.ruleset, included, helped))
    for case in (await submissions.by_id(tx, helped)).values():
        await proofs.prove_if_complete(tx, case)
    await recheck.begin(tx, row)
    await targets.offer(tx, row.product_id, row.version, publication.offered)
    for queue in Track:
        args = {"product": row.product_id, "version": row.version}
        jobs.add(tx, jobs.JobName.PREPARE, queue, args)
    return row, True


async def _checked(tx: Transaction, actor: Actor, publication: Publication, waiting: "Waiting") -> str | None:
    """The run of the gate that lets it through. What is gone back to was let through when it came out."""
    if publication.rolls_back_to is not None:
        back = await rollback.target(tx, publication.product, publication.rolls_back_to)
        rollback.check(back, publication.ruleset.digest, [each.change_id for each in publication.built])
        return back.gate_id
    await _check_contents(tx, publication, waiting)
    if actor.role is Role.ADMINISTRATOR:  # who imports history, or has to act in an emergency
        return None
    included = frozenset(each.change_id for each in publication.built if each.is_included)
    digest = publication.ruleset.digest
    return (await check_train(tx, publication.product, publication.version, digest, included)).id


async def check_version(tx: Transaction, product_id: str, version: str) -> None:
    """Let a name pass that a version can have. Raises ProductUnknown, DatabaseVersionUnreadable, ReleaseExists."""
    product = await known_product(tx, product_id)
    try:
        key = parse(product.scheme, version)
    except (VersionUnparseable, NoDatabase) as error:
        form = expected_form(product.scheme)
        raise database_errors.DatabaseVersionUnreadable(product=product.id, claimed=version, expected=form) from error
    for each in await releases.register(tx, product.id):
        if each.version != version and parse(product.scheme, each.version) == key:
            raise release_errors.ReleaseExists(product=product.id, version=each.version)


async def known_product(tx: Transaction, product_id: str) -> Product:
    """Whose version it is. Raises ProductUnknown."""
    product = await releases.product(tx, product_id)
    if product is None:
        raise database_errors.ProductUnknown(product=product_id, known="see the list of products")
    return product


Waiting = Sequence[tuple[Change, Built]]


async def _check_contents(tx: Transaction, publication: Publication, waiting: Waiting) -> None:
    """What is reported as included is there, and no fix comes undone unnoticed.

    Each signature is as the last change to it asked for. Raises ChangeNotInRuleset, FixDropped.
    """
    settled: set[str] = set()
    for change, built in waiting:
        content = await changes.content(tx, change)
        settled |= content.subjects
        if built.is_included and not content.is_in(publication.ruleset):
            raise release_errors.ChangeNotInRuleset(version=publication.version, change=change.id)
    dropped = []
    for change in await changes.published(tx, publication.product):
        content = await changes.content(tx, change)
        if settled.isdisjoint(content.subjects) and not content.is_in(publication.ruleset):
            dropped.append(change.id)
        settled |= content.subjects
    if dropped:
        raise release_errors.FixDropped(version=publication.version, changes=", ".join(sorted(dropped)))


async def _waiting(tx: Transaction, publication: Publication) -> Waiting:
    """The changes reported, each of which must be approved for this product in this very revision."""
    found: list[tuple[Change, Built]] = []
    unknown: list[str] = []
    for built in sorted(publication.built, key=lambda each: each.change_id):
        change = await changes.find(tx, built.change_id)
        is_waiting = change is not None and change.state in {ChangeState.APPROVED, ChangeState.PICKED_UP}
        if change is None or not is_waiting or change.rev != built.rev or change.product_id != publication.product:
            unknown.append(built.change_id)
        else:
            found.append((change, built))
    if unknown:
        raise release_errors.ChangeUnknown(product=publication.product, changes=", ".join(unknown))
    return found


async def _settle(tx: Transaction, actor: Actor, publication: Publication, change: Change, built: Built) -> None:
    if not built.is_included:
        data = {"version": publication.version, "reason": built.reason}
        unapproved = dict.fromkeys(("approved_by", "gate_id"))
        rejected = Move[Change](ChangeEvent.RELEASE_REJECTED, actor, values=unapproved, data=data)
        moved = await move_change(tx, change.id, rejected)
        await announce(tx, moved, "withdrawn")
        return
    values = {"published_in": publication.version}
    data = {"version": publication.version}
    moved = await move_change(tx, change.id, Move(ChangeEvent.PUBLISHED, actor, None, None, values, data))
    await announce(tx, moved, "published")
