"""The gate: what a change must show before it is approved, a train before it is published, and whether it still holds.

A run is planned in one job, shared by parts, and ended by the last of them. What could not be tested did not pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sigreq.domain import release_errors
from sigreq.domain.changes import Content, is_narrowing
from sigreq.domain.gating import Purpose, RunState, Seen, why_stale
from sigreq.domain.people import Actor
from sigreq.domain.reasons import NotPassed, TestedWithout, WhyNotGated, WhyNotLet
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.store import changes, corpus, gates, releases, solved
from sigreq.store.gates import Subject
from sigreq.tables.gates import GateRun
from sigreq.tables.releases import Change
from sigreq.transaction import Transaction


async def begin_change(tx: Transaction, actor: Actor, change: Change) -> GateRun:
    """Test one change in its current revision."""
    subject = Subject(change.product_id, Purpose.CHANGE, change.id, change.track, [change.id], change.rev)
    return await gates.begin(tx, actor, subject)


@dataclass(frozen=True)
class Train:
    """What is about to be published. Its ruleset must be in the bundle store already."""

    product: str
    version: str
    ruleset: Ruleset
    changes: Sequence[str] = ()


async def begin_train(tx: Transaction, actor: Actor, train: Train) -> GateRun:
    """Test a whole train before it is published; one that is being tested already goes on. Raises NotFound."""
    await releases.known_product(tx, train.product)
    for run in await gates.of_subject(tx, train.product, Purpose.TRAIN, train.version):
        is_same = run.ruleset_digest == train.ruleset.digest and sorted(run.changes) == sorted(train.changes)
        if run.state is RunState.RUNNING and is_same:
            return run
    subject = Subject(train.product, Purpose.TRAIN, train.version, Track.STANDARD, train.changes)
    return await gates.begin(tx, actor, subject, train.ruleset.digest)


async def check_change(tx: Transaction, change: Change, content: Content) -> None:
    """Let a change through whose pass still holds. The feed's lock must be held. Raises GatePassStale."""
    run = await gates.get(tx, change.gate_id) if change.gate_id else None
    why: WhyNotLet | None = NotPassed()
    if run is not None and run.state is RunState.PASSED and run.rev == change.rev:
        now = await _now(tx, change.product_id, await _rivals(tx, change, content))
        why = why_stale(_seen(run), now)
    if why is not None:
        raise release_errors.GatePassStale(id=change.id, why=why)


async def check_extra(tx: Transaction, change: Change, content: Content) -> None:
    """Let an approved change out by itself, with any pass of this very revision that still holds. As `check_change`."""
    why: WhyNotLet = NotPassed()
    now = await _now(tx, change.product_id, await _rivals(tx, change, content))
    for run in await gates.of_subject(tx, change.product_id, Purpose.CHANGE, change.id):
        if run.state is RunState.PASSED and run.rev == change.rev:
            stale = why_stale(_seen(run), now)
            if stale is None:
                return
            why = stale
    raise release_errors.GatePassStale(id=change.id, why=why)


async def check_train(tx: Transaction, product: str, version: str, digest: str, included: frozenset[str]) -> GateRun:
    """The pass of a train that still holds, for which the files of all included changes were tried.

    The register's lock must be held. Raises TrainNotGated.
    """
    reasons = list[WhyNotGated]()
    for run in await gates.passed(tx, product, Purpose.TRAIN, digest):
        if not included.issubset(run.changes):
            reasons.append(TestedWithout(", ".join(sorted(included.difference(run.changes)))))
            continue
        stale = why_stale(_seen(run), await _now(tx, product, frozenset()))
        if stale is None:
            return run
        reasons.append(stale)
    why = next(iter(reasons), NotPassed())  # of the newest run
    raise release_errors.TrainNotGated(version=version, product=product, why=why)


async def _now(tx: Transaction, product: str, alongside: frozenset[str]) -> Seen:
    base = await releases.newest(tx, product)
    targets = frozenset((await releases.known_product(tx, product)).targets)
    clean = await corpus.revision(tx)
    waiting = frozenset(each.id for each in await gates.waiting_changes(tx, product))
    return Seen(base.version if base else None, await solved.newest(tx, product), clean, alongside, targets, waiting)


def _seen(run: GateRun) -> Seen:
    return Seen(run.base_version, run.seen_solved, run.seen_corpus, frozenset(run.alongside), frozenset(run.targets))


async def _rivals(tx: Transaction, change: Change, content: Content) -> frozenset[str]:
    """The approved changes that could undo, together with this one, what each alone leaves: all that take away.

    And all that are about the same signature or file.
    """
    found = set()
    for other in await gates.waiting_changes(tx, change.product_id, but=[change.id]):
        theirs = await changes.content(tx, other)
        both_narrow = is_narrowing(content) and is_narrowing(theirs)
        if both_narrow or not content.subjects.isdisjoint(theirs.subjects):
            found.add(other.id)
    return frozenset(found)
