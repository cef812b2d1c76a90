"""Going back: the content of an earlier version comes out again, under a new and higher number.

What came out since is undone. Nobody can tell from here which of it was wrong, so none of it comes out again by itself:
its changes go back to their analysts. The guard finds the cases that it had fixed, as after every version.
"""

from collections.abc import Sequence

from sigreq.domain import release_errors
from sigreq.domain.lifecycle import ChangeEvent
from sigreq.domain.people import Actor
from sigreq.domain.release_reasons import BringsChanges, NeverPublished, OtherRuleset, VersionWithdrawn, WhyNoWayBack
from sigreq.domain.ruleset import Ruleset
from sigreq.release.changes import announce
from sigreq.store import changes, releases
from sigreq.store.moves import Move, move_change
from sigreq.tables.releases import Release
from sigreq.transaction import Transaction


async def target(tx: Transaction, product: str, version: str) -> Release:
    """The version to go back to. Raises RollbackUnfit for one that was never published, or is withdrawn."""
    found = await releases.published(tx, product, version)
    if found is None:
        raise release_errors.RollbackUnfit(product=product, version=version, why=NeverPublished())
    if found.withdrawn_at is not None:
        raise release_errors.RollbackUnfit(product=product, version=version, why=VersionWithdrawn())
    return found


def check(back: Release, ruleset_digest: str, built: Sequence[str]) -> None:
    """Its very content, and nothing with it: for that it was let through once. Raises RollbackUnfit."""
    why: WhyNoWayBack | None = None
    if ruleset_digest != back.ruleset_digest:
        why = OtherRuleset()
    elif built:
        why = BringsChanges(", ".join(sorted(built)))
    if why is not None:
        raise release_errors.RollbackUnfit(product=back.product_id, version=back.version, why=why)


async def undo(tx: Transaction, actor: Actor, release: Release, ruleset: Ruleset) -> None:
    """Send back the changes that came out after the version gone back to, where its content lacks them.

    The feed's lock must be held.
    """
    if release.rolls_back_to is None:
        return
    back = await releases.release(tx, release.product_id, release.rolls_back_to)
    since = await releases.between(tx, release.product_id, back.ordinal, release.ordinal)
    versions = {each.version for each in since}
    for change in sorted(await changes.published(tx, release.product_id), key=lambda each: each.id):
        if change.published_in in versions and not (await changes.content(tx, change)).is_in(ruleset):
            reason = f"{release.version} goes back to {back.version}"
            data = {"version": release.version, "reason": reason}
            values = dict.fromkeys(("approved_by", "gate_id", "published_in"))
            moved = await move_change(tx, change.id, Move(ChangeEvent.ROLLED_BACK, actor, None, None, values, data))
            await announce(tx, moved, "withdrawn")
