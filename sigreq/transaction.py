"""One transaction per request or job: a session, one time, and the hints that leave after its commit."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from sigreq.domain.errors import RequestMalformed, ServiceUnavailable
from sigreq.domain.submission import Track


@dataclass(frozen=True)
class Hint:
    """Wake somebody up for a job that is already in the database."""

    job_id: str
    name: str
    queue: Track


@dataclass
class Transaction:
    """What a use case works with. `at` is the time of everything it writes."""

    session: AsyncSession
    clock: Callable[[], datetime]
    at: datetime
    hints: list[Hint] = field(default_factory=list)

    def look_at_the_clock(self) -> None:
        """Move `at` to now: for those who have waited for a lock and whose order in time has to be the lock's."""
        self.at = max(self.at, self.clock())

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """What is done in the block is undone if it fails, and the transaction can go on."""
        before = len(self.hints)
        try:
            async with self.session.begin_nested():
                yield
        except BaseException:
            del self.hints[before:]
            raise


NUL_IN_TEXT = {"22021", "22P05"}
"""How PostgreSQL refuses it: in text, and in JSON."""

UNDEFINED_TABLE = "42P01"
CONFLICT = "40"
"""The class of a deadlock and of a serialization failure."""

_DIED_AT_FIRST = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""What SQLAlchemy lets through as it is when a new connection dies while it is being set up."""


class NotMigrated(Exception):
    """The database has not the tables of this version: run `sigreq migrate`."""


Send = Callable[[Sequence[Hint]], Awaitable[None]]


def utc_now() -> datetime:
    """The clock at the rim; inside, time is an argument."""
    return datetime.now(UTC)


class Database:
    """Opens transactions. What is put into `hints` is sent only when the commit has succeeded."""

    def __init__(self, url: str, *, pool_size: int, send: Send, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            connect_args={"timeout": 5},
            hide_parameters=True,
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._send = send
        self.clock = clock

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit at the end, roll back on any error.

        Raises ServiceUnavailable when PostgreSQL is out of reach, RequestMalformed for text it cannot hold,
        NotMigrated.
        """
        try:
            async with self._sessions() as session:
                await _connect(session)
                tx = Transaction(session, self.clock, self.clock())
                yield tx
                await session.commit()
        except DBAPIError as error:
            if _is_out_of_reach(error):
                raise ServiceUnavailable("the database") from error
            if _sqlstate(error) in NUL_IN_TEXT:
                raise RequestMalformed(reason="text must not contain the character NUL (U+0000)") from error
            if _sqlstate(error) == UNDEFINED_TABLE:
                raise NotMigrated from error
            raise
        if tx.hints:
            await self._send(tx.hints)

    async def close(self) -> None:
        """Give every connection back."""
        await self._engine.dispose()


async def _connect(session: AsyncSession) -> None:
    try:
        await session.connection()
    except (OSError, TimeoutError, PoolExhausted, *_DIED_AT_FIRST) as error:
        raise ServiceUnavailable("the database") from error


def _is_out_of_reach(error: DBAPIError) -> bool:
    """Whether the server is gone or not accepting or wants the transaction repeated (08, 57P0x, 40 of SQLSTATE)."""
    return error.connection_invalidated or _sqlstate(error).startswith(("08", "57P", "53300", CONFLICT))


def is_conflict(problem: ServiceUnavailable) -> bool:
    """Whether nothing is out of reach: two transactions were in each other's way, and this one may be repeated."""
    cause = problem.__cause__
    return isinstance(cause, DBAPIError) and _sqlstate(cause).startswith(CONFLICT)


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")
