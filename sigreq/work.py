"""Runs one job: lease, work outside any transaction, effect and `done` in one transaction under the lease."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from sigreq.domain.errors import ServiceUnavailable
from sigreq.settings import Jobs
from sigreq.store import jobs
from sigreq.store.jobs import JobName, Lease, LeaseLost
from sigreq.transaction import Database, Transaction

log = structlog.get_logger()
Finish = Callable[[Transaction], Awaitable[None]]
LONGEST_PAUSE = timedelta(minutes=5)


class TryAgain(Exception):
    """The work is not done yet, and that is nobody's fault: try again after `pause`."""

    def __init__(self, pause: timedelta, told: str) -> None:
        super().__init__(told)
        self.pause = pause


class GaveUp(Exception):
    """The work will never be done, for a reason that has to stand in the job's row."""


@dataclass(frozen=True)
class Work:
    """How to do one kind of job, and what to write when it failed too often: nothing is silently dropped."""

    do: Callable[[Lease], Awaitable[Finish]]
    give_up: Callable[[Transaction, Lease, str], Awaitable[None]]


async def nothing(_: Transaction) -> None:
    """The effect of a job that finds its work already done."""


class Runner:
    """Runs jobs of any kind. Safe to call twice for one job, from anywhere: the lease lets one through."""

    def __init__(self, database: Database, works: Mapping[JobName, Work], settings: Jobs) -> None:
        self._database = database
        self._works = works
        self._settings = settings

    async def run(self, job_id: str) -> None:
        """Do the job if it is due and free, and record what became of it."""
        async with self._database.transaction() as tx:
            lease = await jobs.claim(tx, job_id, self._settings.lease)
        if lease is None:
            return
        renewal = asyncio.create_task(self._keep_renewing(lease))
        try:
            await self._do(lease)
        except LeaseLost:
            log.warning("job.lease_lost", job=lease.name, id=lease.job_id)
        finally:
            renewal.cancel()

    async def _do(self, lease: Lease) -> None:
        work = self._works[lease.name]
        try:
            if lease.attempt > self._settings.attempts:
                raise RuntimeError("tried too often: the process doing it died each time")  # noqa: TRY301 - one way out
            finish = await work.do(lease)
            async with self._database.transaction() as tx:
                await jobs.finish(tx, lease)
                await finish(tx)
        except LeaseLost:
            raise
        except GaveUp as reason:
            await self._give_up(work, lease, str(reason))
        except TryAgain as later:
            await self._put_back(lease, later.pause, str(later), is_counted=True)
        except ServiceUnavailable as outage:
            await self._put_back(lease, timedelta(seconds=1), outage.message, is_counted=False)
        except Exception as error:
            log.exception("job.failed", job=lease.name, id=lease.job_id, attempt=lease.attempt)
            await self._failed(work, lease, f"{type(error).__name__}: {error}")

    async def _failed(self, work: Work, lease: Lease, told: str) -> None:
        if lease.attempt < self._settings.attempts:
            pause = min(timedelta(milliseconds=250) * 2**lease.attempt, LONGEST_PAUSE)
            await self._put_back(lease, pause, told, is_counted=True)
            return
        await self._give_up(work, lease, told)

    async def _give_up(self, work: Work, lease: Lease, told: str) -> None:
        async with self._database.transaction() as tx:
            await jobs.finish(tx, lease, told[:500])
            await work.give_up(tx, lease, told)

    async def _put_back(self, lease: Lease, pause: timedelta, told: str, *, is_counted: bool) -> None:
        async with self._database.transaction() as tx:
            await jobs.put_back(tx, lease, tx.at + pause, told, is_counted=is_counted)

    async def _keep_renewing(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._settings.lease.total_seconds() / 3)
            try:
                async with self._database.transaction() as tx:
                    await jobs.renew(tx, lease, self._settings.lease)
            except LeaseLost:
                return
            except ServiceUnavailable:
                continue
