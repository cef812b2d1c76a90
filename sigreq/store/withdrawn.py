"""Who stands on a version that was taken back is told: what is the latest now, and what to do."""

from collections.abc import Sequence

from sigreq.domain.advice import steps_back
from sigreq.domain.lifecycle import Event
from sigreq.domain.people import Actor
from sigreq.store import releases
from sigreq.store.moves import Move, note_on_many
from sigreq.tables.releases import Release
from sigreq.transaction import Transaction


async def tell(tx: Transaction, actor: Actor | None, version: Release, submission_ids: Sequence[str]) -> Sequence[str]:
    """Note on these submissions that the version they were made under is withdrawn; which of them were still open."""
    product = await releases.known_product(tx, version.product_id)
    newest = await releases.newest(tx, product.id)
    latest = newest.version if newest else None
    data = {
        "version": version.version,
        "latest_version": latest,
        "steps": steps_back(product.update_instructions, latest),
    }
    return await note_on_many(tx, submission_ids, Move(Event.VERSION_WITHDRAWN, actor, data=data))


async def tell_if_withdrawn(tx: Transaction, product_id: str, version: str, submission_id: str) -> bool:
    """For a submission that is being written: whether its version was taken back while its files were on their way.

    From here on a withdrawal waits for this transaction, and so finds the submission.
    """
    release = await releases.hold(tx, product_id, version)
    if release is None or release.withdrawn_at is None:
        return False
    return bool(await tell(tx, None, release, [submission_id]))
