"""One worker process for one track: listens to hints, and looks into the database for what hints forgot."""

import asyncio
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from socket import gethostname
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.worker import Function, func

from sigreq.blobs import Blobs
from sigreq.corpus import reading
from sigreq.corpus.reading import CorpusReader
from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.submission import Track
from sigreq.ending import end
from sigreq.jobs import UNREACHABLE, Hints, PromptWorker, connect, encode, queue_name, redis_settings
from sigreq.notify import deliveries, letters
from sigreq.notify.deliveries import Deliveries
from sigreq.notify.letters import Letters
from sigreq.release import gate_end, preparation, proof
from sigreq.release.engines import Engines
from sigreq.release.gate_part import PartScanner
from sigreq.release.gate_plan import Planner
from sigreq.release.preparation import Preparation
from sigreq.release.proof import Proof
from sigreq.scanning.clamav import ClamAv
from sigreq.scanning.clamav_programs import Programs
from sigreq.scanning.folders import own_folder
from sigreq.scanning.published import Rulesets
from sigreq.scanning.scanner import Scanner
from sigreq.scanning.stored import StoredSamples
from sigreq.scanning.sweep import Sweep
from sigreq.settings import Settings
from sigreq.store import workers
from sigreq.store.jobs import JobName
from sigreq.transaction import Database, utc_now
from sigreq.trust import extras as told_extras
from sigreq.trust import repository
from sigreq.trust.extras import ExtraTeller
from sigreq.trust.keyring import Keyring
from sigreq.trust.repository import Repository, lives_of
from sigreq.upkeep.deadlines import warn
from sigreq.upkeep.expired import end_expired_extras
from sigreq.upkeep.forgotten import close_silent, find_jobs, lapse_claims, prove_forgotten
from sigreq.upkeep.old import drop_done_jobs, drop_old_entries
from sigreq.validation import screening
from sigreq.validation.screening import Screening
from sigreq.webhooks import WebhookSender
from sigreq.work import Runner, Work

log = structlog.get_logger()
UPKEEP_EVERY = timedelta(seconds=5)
TIDY_EVERY = timedelta(hours=1)
LAST_WORDS_SECONDS = 5
OUTWARD = frozenset({JobName.DELIVER, JobName.MAIL, JobName.WARN, JobName.ALERT})
SWEEPING = frozenset({JobName.GATE_PART, JobName.CORPUS_SWEEP})
# A backlog of standard cases must not take the processor from an MSA customer's, nor from the API.
NICENESS = {Track.EXPEDITED: 2, Track.STANDARD: 10}
ARQ_TIMEOUT_SECONDS = 3600  # only a last resort: leases and the scanner's own clock come long before


class TrackWorker:
    """Everything one worker process holds, and its three loops."""

    def __init__(self, settings: Settings, queue: Track) -> None:
        self._settings = settings
        self._queue = queue
        self._started_at = utc_now()
        redis_url = settings.redis.url.get_secret_value()
        self._hints = Hints(redis_url)
        self._redis = redis_settings(redis_url, is_patient=True)
        url = settings.database.url.get_secret_value()
        self._database = Database(url, pool_size=2 * settings.jobs.at_once + 4, send=self._hints.send)
        self._work_dir = own_folder(settings.work_dir)
        scanning = settings.scanning
        self._scanner = Scanner(
            self._work_dir,
            shared=settings.work_dir / "compiled",
            places=scanning.children,
            timeout=scanning.timeout,
            unpack=scanning.unpack,
            niceness=NICENESS[queue],
        )
        self._clamav = self._found_clamav()
        hooks = settings.webhooks
        self._sender = WebhookSender(allow_private=hooks.allow_private_addresses, timeout=hooks.timeout)
        self._keyring = Keyring(settings.trust)
        bundles = Blobs(settings.s3, settings.s3.bundles)
        self._publisher = Repository(self._database, bundles, self._keyring, lives_of(settings.trust))
        self._runner = Runner(self._database, self._works(), settings.jobs)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places = self._lanes()

    def _lanes(self) -> dict[JobName, asyncio.Semaphore]:
        """How many run at once: a slow receiver delays no screening, and sweeps that do not fit go to other workers."""
        outward, inward = (asyncio.Semaphore(self._settings.jobs.at_once) for _ in range(2))
        sweeps = asyncio.Semaphore(self._settings.scanning.children)
        return {name: outward if name in OUTWARD else sweeps if name in SWEEPING else inward for name in JobName}

    def _found_clamav(self) -> ClamAv | None:
        scanning, programs = self._settings.scanning, Programs.find(self._settings.scanning.clamav)
        if programs is None:
            return None
        at_once, niceness = scanning.children, NICENESS[self._queue]
        return ClamAv(programs, self._work_dir, timeout=scanning.timeout, at_once=at_once, niceness=niceness)

    def _works(self) -> dict[JobName, Work]:
        """What each kind of job does."""
        settings, database, lease = self._settings, self._database, self._settings.jobs.lease
        bundles = self._publisher.bundles
        rulesets = Rulesets(bundles)
        stored = StoredSamples(Blobs(settings.s3, settings.s3.samples), self._scanner, self._work_dir)
        screener = Screening(database, rulesets, stored)
        engines = Engines(Sweep(self._scanner, self._work_dir), self._clamav)
        planner = Planner(database, rulesets, bundles, self._scanner, engines, lease)
        parts = PartScanner(database, rulesets, stored, engines, bundles, lease)
        corpus = CorpusReader(database, rulesets, bundles, lease)
        writer = Letters(database, self._sender, settings.mail)
        prover = Proof(database, bundles, rulesets, stored, engines, self._keyring, settings.analysis.claim, lease)
        return {
            JobName.SCREEN: Work(screener.screen, screening.give_up),
            JobName.EXAMINE: Work(screener.examine_again, screening.give_up_again),
            JobName.GATE: Work(planner.plan, gate_end.give_up),
            JobName.GATE_PART: Work(parts.scan, gate_end.give_up),
            JobName.CORPUS_READ: Work(corpus.read, reading.give_up),
            JobName.CORPUS_SWEEP: Work(corpus.sweep, reading.give_up_sweep),
            JobName.PROVE: Work(prover.prove, proof.give_up),
            JobName.REPOSITORY: Work(self._publisher.publish, repository.give_up),
            JobName.EXTRAS: Work(ExtraTeller(database, bundles).tell, told_extras.give_up),
            JobName.PREPARE: Work(Preparation(database, rulesets, self._scanner).prepare, preparation.give_up),
            JobName.MAIL: Work(writer.send, letters.give_up),
            JobName.WARN: Work(writer.warn, letters.give_up),
            JobName.ALERT: Work(writer.alert, letters.give_up),
            JobName.DELIVER: Work(Deliveries(database, self._sender).deliver, deliveries.give_up),
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish what is under way for a few seconds more."""
        jobs = self._settings.jobs
        loops = [
            asyncio.create_task(self._listen()),
            asyncio.create_task(_repeat(self._mend, jobs.reconcile)),
            *(asyncio.create_task(_repeat(step, UPKEEP_EVERY)) for step in self._upkeep()),
            asyncio.create_task(_repeat(self._say_seen, UPKEEP_EVERY)),
            asyncio.create_task(_repeat(self._warn, jobs.reconcile)),
            asyncio.create_task(_repeat(self._tidy, TIDY_EVERY)),
        ]
        log.info("worker.started", queue=self._queue)
        await stop.wait()
        await end(*loops)
        await self._finish_tasks()
        with suppress(ServiceUnavailable):
            async with self._database.transaction() as tx:
                await workers.say_gone(tx, self._presence({}))
        await self._scanner.close()
        await self._sender.close()
        await self._hints.close()
        await self._database.close()
        shutil.rmtree(self._work_dir, ignore_errors=True)

    async def _finish_tasks(self) -> None:
        """Give what is under way a little time, then break it off, before the scanner goes.

        What is broken off writes nothing: its lease lapses, and the job is found again.
        """
        if not self._tasks:
            return
        _, left = await asyncio.wait(self._tasks.values(), timeout=LAST_WORDS_SECONDS)
        await end(*left)

    async def _listen(self) -> None:
        """Take hints from Redis; whenever it goes away, come back when it does."""
        while True:
            arq = None
            try:
                arq = self._arq_worker(await connect(self._redis))
                await arq.async_run()
            except UNREACHABLE as error:
                log.warning("worker.redis_lost", error=type(error).__name__)
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("worker.listening_failed")
                await asyncio.sleep(0.5)
            finally:
                if arq is not None and arq.main_task is not None:
                    arq.main_task.cancel()

    def _arq_worker(self, pool: ArqRedis) -> PromptWorker:
        jobs = self._settings.jobs
        return PromptWorker(
            functions=functions(self._begin),
            queue_name=queue_name(self._queue),
            redis_pool=pool,
            handle_signals=False,
            max_jobs=jobs.at_once,
            job_timeout=ARQ_TIMEOUT_SECONDS,
            keep_result=0,
            poll_delay=jobs.poll,
            max_tries=1,
            retry_jobs=False,
            health_check_interval=10,
            health_check_key=f"{queue_name(self._queue)}:health:{os.getpid()}",
            job_serializer=encode,
            job_deserializer=json.loads,
            log_results=False,
        )

    async def _mend(self) -> None:
        """Hint again at forgotten jobs; without Redis, do them here and now."""
        hints = await find_jobs(self._database, self._queue, self._settings.jobs)
        if not hints:
            return
        try:
            await self._hints.send_or_fail(hints)
        except UNREACHABLE:
            for hint in hints:
                self._begin(hint.name, hint.job_id)

    def _begin(self, name: str, job_id: str) -> None:
        """Have a job done, once however often it is hinted at."""
        if job_id not in self._tasks:
            task = asyncio.create_task(self._run(job_id, self._places[JobName(name)]))
            self._tasks[job_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(job_id, None))

    async def _run(self, job_id: str, places: asyncio.Semaphore) -> None:
        async with places:
            with suppress(ServiceUnavailable):  # it stays due, and is found again
                await self._runner.run(job_id)

    def _presence(self, abilities: dict[str, Any]) -> workers.Worker:
        return workers.Worker(f"{gethostname()}:{os.getpid()}", self._queue, self._started_at, abilities)

    async def _say_seen(self) -> None:
        found = await self._scanner.capabilities()
        async with self._database.transaction() as tx:
            await workers.say_seen(tx, self._presence({**asdict(found), **self._engines()} if found else {}))

    def _engines(self) -> dict[str, str | None]:
        return {"clamav": self._clamav.version if self._clamav else None}

    async def _warn(self) -> None:
        await warn(self._database)

    async def _tidy(self) -> None:
        await drop_old_entries(self._database, self._settings.feed)
        await drop_done_jobs(self._database, self._settings.jobs)

    def _upkeep(self) -> list[Callable[[], Awaitable[None]]]:
        """What is looked after by the clock. None waits for another, so that one that fails holds up none."""
        database = self._database
        return [
            partial(lapse_claims, database),
            partial(prove_forgotten, database),
            partial(close_silent, database, self._settings.analysis),
            partial(end_expired_extras, database),
            partial(told_extras.keep_told, database),
            self._publisher.keep_fresh,
        ]


def functions(begin: Callable[[str, str], None]) -> list[Function]:
    """Every job name. What arq calls only begins the job: how many run at once is for us to say."""

    def function(name: JobName) -> Function:
        async def run(_: dict[Any, Any], job_id: str) -> None:
            begin(name, job_id)

        return func(run, name=name)  # type: ignore[arg-type] # arq wants *args, and calls so

    return [function(name) for name in JobName]


async def _repeat(step: Callable[[], Awaitable[None]], pause: timedelta) -> None:
    """Do it for ever; one failure is a line in the log, not the end of the loop."""
    name = getattr(getattr(step, "func", step), "__name__", "?")
    while True:
        try:
            await step()
        except ServiceUnavailable as outage:
            log.warning("worker.waits", reason=outage.message)
        except Exception:
            log.exception("worker.step_failed", step=name)
        await asyncio.sleep(pause.total_seconds())
