"""Evidence: a signed statement for each fixed case, which a customer can check without us."""

from typing import Any

from sigreq.domain.errors import NotFound
from sigreq.domain.signing import KeyRole
from sigreq.domain.statements import STATEMENT_TYPE, FixedCase
from sigreq.store import repository, signing
from sigreq.tables.submissions import Submission
from sigreq.tables.trust import Evidence
from sigreq.transaction import Transaction
from sigreq.trust.keyring import Keyring


async def bundles_of(tx: Transaction, product: str, version: str) -> dict[str, str]:
    """The bundles that hold a version: name and SHA-256."""
    return {row.name: row.sha256 for row in await repository.targets_of(tx, product, version)}


async def attest(tx: Transaction, keyring: Keyring, case: FixedCase) -> None:
    """Sign that the case is fixed, in the transaction that says so; without installed keys nothing is signed.

    Raises ServiceUnavailable.
    """
    envelope = await keyring.seal(tx, KeyRole.EVIDENCE, STATEMENT_TYPE, case.statement())
    if envelope is not None:
        row = Evidence(submission_id=case.submission, version=case.version, envelope=envelope, signed_at=tx.at)
        await signing.keep_evidence(tx, row)


async def of(tx: Transaction, submission: Submission) -> dict[str, Any]:
    """The signed evidence of the fix that holds now.

    Raises NotFound: the case is not fixed, or was at a time when no keys were installed.
    """
    version = submission.fixed_in
    found = await signing.evidence(tx, submission.id, version) if version is not None else None
    if found is None:
        raise NotFound(what="signed evidence of submission", id=submission.id)
    return found.envelope
