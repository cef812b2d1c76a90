"""Which files a submission has: those sent, and those found in them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col

from sigreq.domain.examination import Examination, File, assembled, trees_of
from sigreq.domain.faults import Fault, is_final
from sigreq.domain.submission import SampleFacts
from sigreq.store import samples
from sigreq.store.one_of import one_of
from sigreq.tables.submissions import Sample, Submission, SubmissionFile
from sigreq.transaction import Transaction

# Built once, as all that screening asks: to build a statement takes SQLAlchemy as long as to execute it.
_FILES = (
    select(SubmissionFile, Sample)
    .join(Submission, col(Submission.id) == col(SubmissionFile.submission_id))
    .outerjoin(
        Sample,
        and_(
            col(Sample.organisation_id) == col(Submission.organisation_id),
            col(Sample.sha256) == col(SubmissionFile.sha256),
        ),
    )
    .where(one_of(col(SubmissionFile.submission_id), bindparam("submission_ids")))
    .order_by(col(SubmissionFile.submission_id), col(SubmissionFile.position))
)
_SET_FAULTS = (
    update(SubmissionFile)
    .where(
        col(SubmissionFile.submission_id) == bindparam("of"),
        col(SubmissionFile.position).in_(bindparam("positions", expanding=True)),
    )
    .values(faults=bindparam("new_faults"))
    .execution_options(synchronize_session=False)
)
_LOOKED_INTO = (
    select(col(SubmissionFile.sha256), Submission, col(SubmissionFile.position))
    .join(Submission, col(SubmissionFile.submission_id) == col(Submission.id))
    .where(
        one_of(col(SubmissionFile.sha256), bindparam("sha256s")),
        col(Submission.organisation_id) == bindparam("organisation_id"),
        col(SubmissionFile.parent).is_(None),
        col(SubmissionFile.faults).is_not(None),
    )
    .ext(distinct_on(col(SubmissionFile.sha256)))
    .order_by(col(SubmissionFile.sha256), col(Submission.received_at).desc())
)


async def sent(tx: Transaction, submission_id: str, received: Sequence[SampleFacts]) -> None:
    """Write the files that came, each content once, in their order."""
    distinct = {facts.sha256: facts for facts in received}
    files = [File(at, None, facts.name, facts) for at, facts in enumerate(distinct.values())]
    await _insert(tx, submission_id, files)


async def of(tx: Transaction, submission: Submission) -> list[File]:
    """All files of a submission, by position."""
    return (await of_many(tx, [submission]))[submission.id]


async def of_many(tx: Transaction, submissions: Sequence[Submission]) -> dict[str, list[File]]:
    """The same for many, in one statement; by the submission's id."""
    found: dict[str, list[File]] = {each.id: [] for each in submissions}
    for own, sample in await tx.session.execute(_FILES, {"submission_ids": list(found)}):
        found[own.submission_id].append(_file(own, sample))
    return found


async def _write(tx: Transaction, submission_id: str, before: Sequence[File], after: Sequence[File]) -> None:
    was = {file.position: file for file in before}
    looked_into: dict[tuple[Fault, ...], list[int]] = {}
    for file in after:
        if file.faults is not None and file.position in was and was[file.position].faults is None:
            looked_into.setdefault(file.faults, []).append(file.position)
    # Nearly always all have the same: none.
    for faults, positions in looked_into.items():
        values = {"of": submission_id, "positions": positions, "new_faults": list(faults)}
        await tx.session.execute(_SET_FAULTS, values)
    await _insert(tx, submission_id, [file for file in after if file.position not in was])


async def forget_members(tx: Transaction, submission_id: str) -> None:
    """Forget what was found in the files that were sent: they are looked into again.

    Those that were sent are written to first: of two who look again, the second waits there, and then finds the members
    that the first has found.
    """
    is_own, is_member = col(SubmissionFile.submission_id) == submission_id, col(SubmissionFile.parent).is_not(None)
    await tx.session.execute(update(SubmissionFile).where(is_own, ~is_member).values(faults=None))
    await tx.session.execute(delete(SubmissionFile).where(is_own, is_member))


async def keep_examination(tx: Transaction, of: Submission, before: Sequence[File], examination: Examination) -> None:
    """Write what an examination found in the files there were. The bytes of members must be in the store already."""
    were = {file.position for file in before}
    members = [file.facts for file in examination.files if file.facts and file.position not in were]
    await samples.keep(tx, of.organisation_id, members)
    await samples.identify(tx, of.organisation_id, examination.identities)
    await _write(tx, of.id, before, examination.files)


async def with_known_trees(tx: Transaction, organisation_id: str, files: Sequence[File]) -> list[File]:
    """The files, and below those that nobody has looked into what they held when they came before.

    What is worth another look, perhaps with another password, is left as it is.
    """
    unknown = {
        file.facts.sha256: file.position
        for file in files
        if file.parent is None and file.faults is None and file.facts is not None
    }
    trees = {}
    before: dict[str, dict[int, list[File]]] = {}
    for sha256, submission, position in await _looked_into(tx, organisation_id, list(unknown)):
        if submission.id not in before:
            before[submission.id] = trees_of(await of(tx, submission))
        tree = before[submission.id][position]
        if all(is_final(file.faults or ()) for file in tree):
            trees[unknown[sha256]] = tree
    return assembled(files, trees)


async def _looked_into(
    tx: Transaction, organisation_id: str, sha256s: Sequence[str]
) -> list[tuple[str, Submission, int]]:
    """Where the organisation last sent these contents and they were looked into."""
    values = {"sha256s": list(sha256s), "organisation_id": organisation_id}
    return [(str(row[0]), row[1], int(row[2])) for row in await tx.session.execute(_LOOKED_INTO, values)]


async def _insert(tx: Transaction, submission_id: str, files: Iterable[File]) -> None:
    rows = [
        {
            "submission_id": submission_id,
            "position": file.position,
            "parent": file.parent,
            "sha256": file.facts.sha256 if file.facts else None,
            "name": file.name,
            "faults": None if file.faults is None else list(file.faults),
        }
        for file in files
    ]
    if rows:
        await tx.session.execute(insert(SubmissionFile), rows)


def _file(own: SubmissionFile, sample: Sample | None) -> File:
    facts, is_identified = None, False
    if sample is not None:
        facts = SampleFacts(own.name, sample.size, sample.sha256, sample.sha1, sample.md5)
        is_identified = sample.identified_at is not None and sample.identify_fault is None
    faults = None if own.faults is None else tuple(map(Fault, own.faults))
    return File(own.position, own.parent, own.name, facts, faults, is_identified)
