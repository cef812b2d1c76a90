"""The release register and products."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlmodel import col

from sigreq.domain.errors import AlreadyExists, NotFound
from sigreq.domain.register import Published
from sigreq.domain.targets import Target
from sigreq.store import locks
from sigreq.store.locks import Lock
from sigreq.tables.releases import Product, Release
from sigreq.tables.submissions import Submission
from sigreq.transaction import Transaction


async def product(tx: Transaction, product_id: str) -> Product | None:
    """A product by its short name."""
    return await tx.session.get(Product, product_id)


async def known_product(tx: Transaction, product_id: str) -> Product:
    """A product by its short name. Raises NotFound."""
    found = await product(tx, product_id)
    if found is None:
        raise NotFound(what="product", id=product_id)
    return found


async def products(tx: Transaction) -> Sequence[Product]:
    """All products, by name."""
    return (await tx.session.scalars(select(Product).order_by(col(Product.id)))).all()


async def register(tx: Transaction, product_id: str) -> list[Published]:
    """Every published version of a product, lowest ordinal first."""
    statement = select(Release).where(col(Release.product_id) == product_id).order_by(col(Release.ordinal))
    return [
        Published(r.version, r.ordinal, r.published_at, r.rollout_done_at, r.withdrawn_at)
        for r in await tx.session.scalars(statement)
    ]


async def product_of(tx: Transaction, submission: Submission) -> Product:
    """The product a submission is about."""
    return await tx.session.get_one(Product, submission.product_id)


async def published(tx: Transaction, product_id: str, version: str) -> Release | None:
    """One row of the register, if the version was ever published."""
    return await tx.session.get(Release, (product_id, version))


async def hold(tx: Transaction, product_id: str, version: str) -> Release | None:
    """The same, and nobody withdraws it until the transaction ends."""
    statement = select(Release).where(col(Release.product_id) == product_id, col(Release.version) == version)
    statement = statement.with_for_update(read=True).execution_options(populate_existing=True)
    return await tx.session.scalar(statement)


async def release(tx: Transaction, product_id: str, version: str) -> Release:
    """One row of the register. Raises NotFound."""
    found = await published(tx, product_id, version)
    if found is None:
        raise NotFound(what=f"release of {product_id}", id=version)
    return found


async def newest(tx: Transaction, product_id: str) -> Release | None:
    """The live version with the highest ordinal."""
    statement = (
        select(Release)
        .where(col(Release.product_id) == product_id, col(Release.withdrawn_at).is_(None))
        .order_by(col(Release.ordinal).desc())
        .limit(1)
    )
    return await tx.session.scalar(statement)


def _claimed_and_newest() -> Select[Release]:
    is_of_it = col(Release.product_id) == bindparam("product_id")
    live = select(func.max(col(Release.ordinal))).where(is_of_it, col(Release.withdrawn_at).is_(None))
    is_one = or_(col(Release.version) == bindparam("version"), col(Release.ordinal) == live.scalar_subquery())
    return select(Release).where(is_of_it, is_one).order_by(col(Release.ordinal))


# Built once: every screening asks.
_CLAIMED_AND_NEWEST = _claimed_and_newest()


async def claimed_and_newest(tx: Transaction, product_id: str, version: str) -> tuple[Release | None, Release | None]:
    """The version that somebody claims, if it was ever published, and the newest live one."""
    asked = {"product_id": product_id, "version": version}
    found = {row.version: row for row in await tx.session.scalars(_CLAIMED_AND_NEWEST, asked)}
    live_ones = [row for row in found.values() if row.withdrawn_at is None]
    return found.get(version), live_ones[-1] if live_ones else None


async def between(tx: Transaction, product_id: str, after: int, upto: int) -> Sequence[Release]:
    """The live versions with an ordinal above `after` and not above `upto`, lowest first."""
    statement = select(Release).where(
        col(Release.product_id) == product_id,
        col(Release.withdrawn_at).is_(None),
        col(Release.ordinal) > after,
        col(Release.ordinal) <= upto,
    )
    return (await tx.session.scalars(statement.order_by(col(Release.ordinal)))).all()


async def highest_ordinal(tx: Transaction, product_id: str) -> int | None:
    """The highest ordinal ever used, withdrawn versions included."""
    statement = select(func.max(col(Release.ordinal))).where(col(Release.product_id) == product_id)
    return await tx.session.scalar(statement)


async def listed(tx: Transaction, product_id: str, limit: int) -> Sequence[Release]:
    """The register of a product, highest ordinal first."""
    statement = select(Release).where(col(Release.product_id) == product_id).order_by(col(Release.ordinal).desc())
    return (await tx.session.scalars(statement.limit(limit))).all()


async def withdraw(tx: Transaction, product_id: str, version: str) -> Release:
    """Take a version out of circulation; doing so twice is no error. Raises NotFound."""
    await locks.hold(tx, Lock.REGISTER)
    row = await release(tx, product_id, version)
    row.withdrawn_at = row.withdrawn_at or tx.at
    await tx.session.flush()
    return row


async def products_for(tx: Transaction, target: Target) -> Sequence[str]:
    """The short names of the products with signatures for an engine, in their order."""
    has_it = col(Product.targets).contains([target])
    return (await tx.session.scalars(select(col(Product.id)).where(has_it).order_by(col(Product.id)))).all()


async def set_targets(tx: Transaction, product_id: str, targets: Sequence[Target]) -> Product:
    """Have a product's signatures made for these engines. Raises NotFound."""
    await locks.hold(tx, Lock.FEED)  # an approval under way has seen the old ones
    row = await known_product(tx, product_id)
    row.targets = list(targets)
    await tx.session.flush()
    return row


async def add_product(tx: Transaction, fields: Mapping[str, Any]) -> Product:
    """A new product. Raises AlreadyExists."""
    if await tx.session.get(Product, fields["id"]) is not None:
        raise AlreadyExists(what="product", id=fields["id"])
    row = Product.model_validate(fields)
    tx.session.add(row)
    await tx.session.flush()
    return row
