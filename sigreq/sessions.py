"""Who is signed in, and how often wrong passwords were tried: in Redis, where it may be lost.

A Redis that lost its memory signs everybody out and forgets the counts, nothing else.
"""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.passwords import Counter
from sigreq.transaction import utc_now

PATIENCE_SECONDS = 2
IDLE = timedelta(hours=12)
LONGEST = timedelta(hours=24)
DEVICE_LIVES = timedelta(days=90)
COUNT_LIVES = timedelta(minutes=15)


@dataclass(frozen=True)
class SignedIn:
    """A session: of whom, since which password (`changed_at` of `sign_in`), and what its forms have to carry.

    `began_at` is in seconds since 1970.
    """

    person_id: str
    password_of: str
    form_token: str
    began_at: float = 0.0


def _key(kind: str, name: str) -> str:
    """Names are hashed: whoever reads Redis has no session to use, and no name is too long."""
    return f"sigreq:{kind}:{sha256(name.encode()).hexdigest()}"


class Sessions:
    """Every call raises ServiceUnavailable when Redis does not answer."""

    def __init__(self, url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS, decode_responses=True
        )

    async def begin(self, person_id: str, password_of: str) -> tuple[str, SignedIn]:
        """A new session, and the token that stands for it."""
        token = secrets.token_urlsafe(32)
        made = SignedIn(person_id, password_of, secrets.token_urlsafe(32), self._clock().timestamp())
        async with self._answering():
            await self._redis.set(_key("session", token), json.dumps(asdict(made)), ex=IDLE)
        return token, made

    async def find(self, token: str, *, is_used: bool = True) -> SignedIn | None:
        """The session that a token stands for; none when it began more than 24 hours ago.

        Being used keeps it alive for 12 hours; what a page asks by itself is no use of it.
        """
        name = _key("session", token)
        async with self._answering():
            kept = await (self._redis.getex(name, ex=IDLE) if is_used else self._redis.get(name))
        found = SignedIn(**json.loads(kept)) if kept else None
        return found if found and self._clock().timestamp() - found.began_at < LONGEST.total_seconds() else None

    async def end(self, token: str) -> None:
        """Sign out."""
        async with self._answering():
            await self._redis.delete(_key("session", token))

    async def know_device(self, person_id: str) -> str:
        """A token for a browser in which somebody has signed in."""
        token = secrets.token_urlsafe(32)
        async with self._answering():
            await self._redis.set(_key("device", token), person_id, ex=DEVICE_LIVES)
        return token

    async def whose_device(self, token: str) -> str | None:
        """Who has signed in in this browser before."""
        async with self._answering():
            found: str | None = await self._redis.get(_key("device", token))
        return found

    async def count(self, counters: Sequence[Counter]) -> bool:
        """Count a try before it is made, so that tries at the same time count too; whether it may be made."""
        async with self._answering(), self._redis.pipeline() as pipe:
            for each in counters:
                pipe.set(_key("tries", each.name), 0, ex=COUNT_LIVES, nx=True)
                pipe.incr(_key("tries", each.name))
            counted = await pipe.execute()
        return all(number <= each.limit for each, number in zip(counters, counted[1::2], strict=True))

    async def forget(self, counters: Sequence[Counter]) -> None:
        """Start counting anew: the right password was given."""
        async with self._answering():
            await self._redis.delete(*(_key("tries", each.name) for each in counters))

    async def first(self, token: str) -> bool:
        """Whether nobody has asked this of the token before: a form whose answer holds a secret acts once."""
        async with self._answering():
            return bool(await self._redis.set(_key("once", token), 1, ex=IDLE, nx=True))

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise ServiceUnavailable("redis") from error
