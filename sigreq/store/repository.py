"""The documents of the bundle repository, and the bundles it is to offer."""

from collections.abc import Collection, Sequence

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from sigreq.domain.errors import AlreadyExists
from sigreq.tables.extras import Extra
from sigreq.tables.releases import Release
from sigreq.tables.trust import BundleTarget, RepositoryDocument
from sigreq.transaction import Transaction


async def latest(tx: Transaction, role: str) -> RepositoryDocument | None:
    """The newest document of a role, if there is any."""
    statement = select(RepositoryDocument).where(col(RepositoryDocument.role) == role)
    return await tx.session.scalar(statement.order_by(col(RepositoryDocument.version).desc()).limit(1))


async def roots(tx: Transaction) -> Sequence[RepositoryDocument]:
    """Every root, oldest first."""
    statement = select(RepositoryDocument).where(col(RepositoryDocument.role) == "root")
    return (await tx.session.scalars(statement.order_by(col(RepositoryDocument.version)))).all()


async def write(tx: Transaction, row: RepositoryDocument) -> None:
    """Put a document behind those that go out before it. The lock REPOSITORY must be held."""
    row.number = 1 + (await tx.session.scalar(select(func.max(col(RepositoryDocument.number)))) or 0)
    tx.session.add(row)
    await tx.session.flush()


async def waiting(tx: Transaction) -> Sequence[RepositoryDocument]:
    """What has not gone out, in its order."""
    statement = select(RepositoryDocument).where(col(RepositoryDocument.uploaded_at).is_(None))
    return (await tx.session.scalars(statement.order_by(col(RepositoryDocument.number)))).all()


async def is_any_waiting(tx: Transaction) -> bool:
    """Whether something has not gone out."""
    statement = select(col(RepositoryDocument.number)).where(col(RepositoryDocument.uploaded_at).is_(None)).limit(1)
    return await tx.session.scalar(statement) is not None


async def mark_uploaded(tx: Transaction, numbers: Collection[int]) -> None:
    """These have gone out."""
    is_one = col(RepositoryDocument.number).in_(numbers)
    await tx.session.execute(update(RepositoryDocument).where(is_one).values(uploaded_at=tx.at))


async def drop_old_contents(tx: Transaction) -> None:
    """Keep the content of the newest document of each role, and of every root: the others lie in the store."""
    old, newer = RepositoryDocument, aliased(RepositoryDocument)
    is_newest = ~exists().where(col(newer.role) == col(old.role), col(newer.number) > col(old.number))
    is_old = (col(old.role) != "root") & col(old.uploaded_at).is_not(None) & (col(old.content) != "") & ~is_newest
    await tx.session.execute(
        update(RepositoryDocument).where(is_old).values(content="").execution_options(synchronize_session=False)
    )


async def add_target(tx: Transaction, row: BundleTarget) -> None:
    """Offer a bundle; the same again is no error. Raises AlreadyExists for other bytes under a used name."""
    before = await tx.session.get(BundleTarget, row.name)
    if before is None:
        tx.session.add(row)
        await tx.session.flush()
    elif before.sha256 != row.sha256:
        raise AlreadyExists(what="bundle", id=row.name)


async def targets(tx: Transaction) -> Sequence[BundleTarget]:
    """What is to be offered: the bundles of versions that are published and not withdrawn, and of extras in force.

    An extra that stands on a version goes with it.
    """
    is_published = exists().where(
        col(Release.product_id) == col(BundleTarget.product_id),
        col(Release.version) == col(BundleTarget.version),
        col(Release.withdrawn_at).is_(None),
    )
    is_in_force = exists().where(
        col(Extra.id) == col(BundleTarget.extra_id), col(Extra.ended_at).is_(None), col(Extra.expires_at) > tx.at
    )
    is_live = or_(col(BundleTarget.version).is_(None), is_published)
    is_no_extra = col(BundleTarget.extra_id).is_(None)
    statement = select(BundleTarget).where(is_live, or_(is_no_extra, is_in_force)).order_by(col(BundleTarget.name))
    return (await tx.session.scalars(statement)).all()


async def is_organisations(tx: Transaction, name: str, organisation_id: str) -> bool:
    """Whether this bundle is relief of a case of the organisation."""
    is_theirs = (col(Extra.id) == col(BundleTarget.extra_id)) & (col(Extra.organisation_id) == organisation_id)
    statement = select(col(BundleTarget.name)).join(Extra, is_theirs).where(col(BundleTarget.name) == name)
    return await tx.session.scalar(statement) is not None


async def targets_of(tx: Transaction, product_id: str, version: str) -> Sequence[BundleTarget]:
    """The bundles of one version itself, withdrawn or not."""
    is_it = (col(BundleTarget.product_id) == product_id) & (col(BundleTarget.version) == version)
    is_it &= col(BundleTarget.extra_id).is_(None)
    return (await tx.session.scalars(select(BundleTarget).where(is_it).order_by(col(BundleTarget.name)))).all()
