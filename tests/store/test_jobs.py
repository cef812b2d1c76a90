"""The durable queue: one worker at a time, and no effect of one that lost its lease."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from sigreq.domain.submission import Track
from sigreq.embedded.stack import Addresses
from sigreq.settings import Jobs
from sigreq.store import jobs
from sigreq.store.jobs import JobName, Lease, LeaseLost
from sigreq.tables.events import Job
from sigreq.upkeep.old import drop_done_jobs
from tests.store.support import Bench, at

LEASE = timedelta(seconds=6)
PATIENCE = timedelta(seconds=3)


async def _add(bench: Bench, queue: Track = Track.STANDARD) -> str:
    async with bench.database.transaction() as tx:
        jobs.add(tx, JobName.SCREEN, queue, {"submission_id": "SR-1"})
        return tx.hints[0].job_id


async def _claim(bench: Bench, job_id: str) -> Lease | None:
    async with bench.database.transaction() as tx:
        return await jobs.claim(tx, job_id, LEASE)


async def _claimed(bench: Bench, job_id: str) -> Lease:
    lease = await _claim(bench, job_id)
    assert lease is not None
    return lease


async def _finish(bench: Bench, lease: Lease) -> None:
    async with bench.database.transaction() as tx:
        await jobs.finish(tx, lease)


async def _add_and_finish(bench: Bench, lease: Lease) -> None:
    """What a worker does: an effect, here one more job, and the end of its own, in one transaction."""
    async with bench.database.transaction() as tx:
        jobs.add(tx, JobName.DELIVER, Track.STANDARD, {})
        await tx.session.flush()
        await jobs.finish(tx, lease)


async def _count(bench: Bench) -> int:
    async with bench.database.transaction() as tx:
        return len((await tx.session.scalars(select(Job).where(col(Job.done_at).is_(None)))).all())


async def _renew(bench: Bench, lease: Lease) -> None:
    async with bench.database.transaction() as tx:
        await jobs.renew(tx, lease, LEASE)


async def _put_back(bench: Bench, lease: Lease, seconds: float, *, is_counted: bool) -> None:
    async with bench.database.transaction() as tx:
        await jobs.put_back(tx, lease, tx.at + timedelta(seconds=seconds), "not now", is_counted=is_counted)


async def _forgotten(bench: Bench, queue: Track = Track.STANDARD) -> list[str]:
    async with bench.database.transaction() as tx:
        return [hint.job_id for hint in await jobs.forgotten(tx, queue, PATIENCE)]


def test_a_hint_leaves_after_the_commit_and_never_after_a_rollback(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        job_id = await _add(bench)
        assert [hint.job_id for hint in bench.sent] == [job_id]
        zombie = Lease(job_id, "no token of its", JobName.SCREEN, {}, 1, bench.now)
        with pytest.raises(LeaseLost):
            await _add_and_finish(bench, zombie)
        assert [hint.job_id for hint in bench.sent] == [job_id]

    at(addresses.database_url, work)


def test_of_twenty_who_claim_at_once_one_gets_the_job(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        for _ in range(5):
            job_id = await _add(bench)
            leases = await asyncio.gather(*(_claim(bench, job_id) for _ in range(20)))
            (lease,) = [each for each in leases if each is not None]
            assert (lease.attempt, lease.args) == (1, {"submission_id": "SR-1"})

    at(addresses.database_url, work)


def test_a_finished_job_is_never_claimed_again(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        job_id = await _add(bench)
        lease = await _claimed(bench, job_id)
        await _finish(bench, lease)
        bench.later(3600)
        assert await _claim(bench, job_id) is None
        with pytest.raises(LeaseLost):
            await _finish(bench, lease)

    at(addresses.database_url, work)


def test_of_old_jobs_only_those_that_are_done_are_dropped_and_all_of_them(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        old, open_one, young = [await _add(bench) for _ in range(3)], await _add(bench), await _add(bench)
        for each in old:
            await _finish(bench, await _claimed(bench, each))
        bench.later(timedelta(days=2).total_seconds())
        await _finish(bench, await _claimed(bench, young))
        bench.later(timedelta(days=1, seconds=-1).total_seconds())
        async with bench.database.transaction() as tx:
            one = await jobs.drop_done(tx, tx.at - timedelta(days=1), limit=1)
        await drop_done_jobs(bench.database, Jobs(kept=timedelta(days=1)))
        async with bench.database.transaction() as tx:
            left = set(await tx.session.scalars(select(col(Job.id))))
        assert (one, left & {*old, open_one, young}) == (1, {open_one, young})

    at(addresses.database_url, work)


def test_a_lapsed_lease_is_taken_and_its_former_holder_can_do_nothing_more(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        job_id = await _add(bench)
        zombie = await _claimed(bench, job_id)
        bench.later(5.9)
        assert await _claim(bench, job_id) is None
        bench.later(0.2)
        second = await _claimed(bench, job_id)
        assert (second.attempt, second.token != zombie.token) == (2, True)
        for attempt in (_finish(bench, zombie), _renew(bench, zombie), _put_back(bench, zombie, 0, is_counted=True)):
            with pytest.raises(LeaseLost):
                await attempt
        await _finish(bench, second)

    at(addresses.database_url, work)


def test_what_a_zombie_wrote_is_rolled_back_with_its_lost_lease(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        job_id = await _add(bench)
        zombie = await _claimed(bench, job_id)
        bench.later(7)
        await _claimed(bench, job_id)
        written = await _count(bench)
        with pytest.raises(LeaseLost):
            await _add_and_finish(bench, zombie)
        assert await _count(bench) == written

    at(addresses.database_url, work)


def test_a_renewed_lease_lives_on(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        job_id = await _add(bench)
        lease = await _claimed(bench, job_id)
        for _ in range(3):
            bench.later(4)
            await _renew(bench, lease)
        assert await _claim(bench, job_id) is None
        await _finish(bench, lease)

    at(addresses.database_url, work)


@pytest.mark.parametrize(("is_counted", "attempt"), [(True, 2), (False, 1)])
def test_a_job_put_back_waits_for_its_time_and_counts_only_what_was_its_own_fault(
    addresses: Addresses, *, is_counted: bool, attempt: int
) -> None:
    async def work(bench: Bench) -> None:
        job_id = await _add(bench)
        await _put_back(bench, await _claimed(bench, job_id), 10, is_counted=is_counted)
        bench.later(9.9)
        assert await _claim(bench, job_id) is None
        bench.later(0.2)
        assert (await _claimed(bench, job_id)).attempt == attempt

    at(addresses.database_url, work)


def test_a_forgotten_job_is_hinted_at_once_per_patience(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        job_id = await _add(bench, Track.EXPEDITED)
        assert job_id not in await _forgotten(bench, Track.EXPEDITED), "it was hinted at when it was written"
        bench.later(3.1)
        assert job_id not in await _forgotten(bench, Track.STANDARD)
        assert job_id in await _forgotten(bench, Track.EXPEDITED)
        assert job_id not in await _forgotten(bench, Track.EXPEDITED)
        bench.later(3.1)
        assert job_id in await _forgotten(bench, Track.EXPEDITED)
        lease = await _claimed(bench, job_id)
        bench.later(5.9)
        assert job_id not in await _forgotten(bench, Track.EXPEDITED), "somebody is at it"
        bench.later(0.2)
        assert job_id in await _forgotten(bench, Track.EXPEDITED), "its worker is dead"
        await _finish(bench, lease)
        bench.later(60)
        assert job_id not in await _forgotten(bench, Track.EXPEDITED)

    at(addresses.database_url, work)


def test_two_who_look_for_forgotten_jobs_at_once_do_not_hint_twice(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        ids = [await _add(bench) for _ in range(30)]
        bench.later(3.1)
        found = [each for part in await asyncio.gather(*(_forgotten(bench) for _ in range(8))) for each in part]
        ours = [each for each in found if each in ids]
        assert sorted(ours) == sorted(ids)

    at(addresses.database_url, work)
