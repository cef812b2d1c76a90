"""The only way to Redis: hints about jobs that are already rows, sent and received through arq.

arq is maintained but not developed, so nothing else imports it but this module and `worker.py`.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.submission import Track
from sigreq.transaction import Hint

log = structlog.get_logger()
HINT_LIVES_SECONDS = 600
PATIENCE_SECONDS = 2
UNREACHABLE = (RedisError, OSError, TimeoutError)


def queue_name(queue: Track) -> str:
    """Each track has its own queue and worker, so that no backlog of one delays the other."""
    return f"sigreq:{queue.value}"


def encode(message: dict[str, Any]) -> bytes:
    """JSON instead of arq's pickle, which would run what it reads."""
    return json.dumps(message, default=str).encode()


def redis_settings(url: str, *, is_patient: bool) -> RedisSettings:
    """A sender gives up at once (the reconciler finds the job); a worker is patient with a Redis that restarts."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 2
    settings.conn_retries = 0
    settings.conn_retry_delay = 0
    if is_patient:
        settings.retry = Retry(ExponentialBackoff(cap=2, base=0.1), 5)
        settings.retry_on_error = [RedisConnectionError, RedisTimeoutError, OSError]
        settings.retry_on_timeout = True
    return settings


class Hints:
    """Sends hints. A lost hint costs a second or so, never a job."""

    def __init__(self, url: str) -> None:
        self._settings = redis_settings(url, is_patient=False)
        self._pool: ArqRedis | None = None

    async def send(self, hints: Sequence[Hint]) -> None:
        """Send after a commit; never fails because of Redis, only says so in the log."""
        try:
            await self.send_or_fail(hints)
        except UNREACHABLE as error:
            log.warning("hints.not_sent", count=len(hints), error=type(error).__name__)

    async def send_or_fail(self, hints: Sequence[Hint]) -> None:
        """Send, or raise what Redis raised."""
        pool = await self._connected()
        for hint in hints:
            await pool.enqueue_job(
                hint.name, hint.job_id, _queue_name=queue_name(hint.queue), _expires=HINT_LIVES_SECONDS
            )
        for queue in {queue_name(hint.queue) for hint in hints}:
            await pool.publish(queue, "")

    async def ping(self) -> None:
        """Raises ServiceUnavailable when Redis does not answer."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await (await self._connected()).ping()
        except UNREACHABLE as error:
            raise ServiceUnavailable("redis") from error

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _connected(self) -> ArqRedis:
        if self._pool is None:
            self._pool = await connect(self._settings)
        return self._pool


class PromptWorker(Worker):
    """Takes hints as soon as they are published. `poll_delay` is how often it looks should that be lost.

    arq itself only looks: ten times a second that was 2 % of a core for each idle worker, and 50 ms for each hint.
    """

    async def main(self) -> None:
        """Take hints until it is cancelled, or Redis is lost."""
        async with self.pool.pubsub(ignore_subscribe_messages=True) as published:
            await published.subscribe(self.queue_name)
            while True:
                await self._poll_iteration()
                heard = await published.get_message(timeout=self.poll_delay_s)
                while heard:  # one look is enough for all of them
                    heard = await published.get_message(timeout=0)


async def connect(settings: RedisSettings) -> ArqRedis:
    """A pool that speaks JSON and never waits for a silent server: without a hint jobs are found in the database."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        pool = await create_pool(settings, job_serializer=encode, job_deserializer=json.loads)
    pool.connection_pool.connection_kwargs["socket_timeout"] = PATIENCE_SECONDS
    # The connection that is there already would go on without a timeout.
    await pool.connection_pool.disconnect()
    pool.connection_pool.reset()  # type: ignore[no-untyped-call]
    return pool
